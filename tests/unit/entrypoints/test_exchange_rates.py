"""An operator's exchange rates: read once, used for every conversion, refused with the reason."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.settings import Settings, SettingsError, read_settings
from sekisho.entrypoints.wiring import open_node

GOOD = 'date = "2026-11-20"\nsource = "us"\n[usd_per_unit]\nEUR = 2\njpy = 0.01\n'


def test_operators_rates_convert_amounts(tmp_path: Path) -> None:
    file = tmp_path / "rates.toml"
    file.write_text(GOOD)
    settings = read_settings({"SEKISHO_EXCHANGE_RATES": str(file)}, data=tmp_path / "data")
    node = open_node(settings)
    try:
        event = {"type": "payment", "id": "p", "amount": 500, "currency": "eur"}
        told = msgspec.json.decode(node.decide(json.dumps(event).encode()).body)
        assert told["attributes"]["amount_in_usd"] == 10
    finally:
        node.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("", "lacks `date`"),
        ("x", "key"),
        ('date = "d"\nsource = "s"\nusd_per_unit = 3', "not a table"),
        (GOOD + "xxz = 1", "`xxz` is not a currency"),
        (GOOD + "gbp = 0", "`gbp` is not a number above zero"),
        (GOOD + "gbp = nan", "`gbp` is not a number above zero"),
        (GOOD + "gbp = '1'", "`gbp` is not a number above zero"),
        ("\xff", "utf-8"),
    ],
)
def test_file_that_is_none_is_named_with_the_reason(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    file = tmp_path / "rates.toml"
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match="SEKISHO_EXCHANGE_RATES") as refused:
        rates_of(Settings(exchange_rates=file))
    assert str(file) in str(refused.value)
    assert reason in str(refused.value)


def test_command_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("sekisho")
    done = subprocess.run(
        [command, "serve", "--data", tmp_path / "data", "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        env={"SEKISHO_EXCHANGE_RATES": "nowhere.toml"},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nowhere.toml: No such file" in done.stderr
    assert not (tmp_path / "data").exists()
