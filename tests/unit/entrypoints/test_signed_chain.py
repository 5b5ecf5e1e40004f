"""The installation's secret signs the chain, and `sekisho verify-ledger` asks for it."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sekisho.entrypoints.secret import signing_key
from sekisho.entrypoints.settings import Settings, SettingsError
from sekisho.entrypoints.wiring import open_node

Run = Callable[..., tuple[int, str, str]]
Verify = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def verified(run: Run) -> Verify:
    """Verifies a directory; status, what was told, standard error."""

    def call(data: Path, *more: str) -> tuple[int, dict[str, Any], str]:
        status, out, err = run("verify-ledger", "--data", data, "--json", *more)
        return status, json.loads(out) if out else {}, err

    return call


def record(settings: Settings) -> None:
    node = open_node(settings)
    number = node.ledger.last_seq
    event = {"type": "payment", "id": f"p{number}", "amount": 500, "currency": "usd"}
    node.decide(json.dumps(event).encode())
    node.close()


def test_secret_is_made_once_for_its_owner_alone(tmp_path: Path, verified: Verify) -> None:
    settings = Settings(data=tmp_path / "data")
    record(settings)
    secret = tmp_path / "data/installation.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = secret.read_text()
    record(settings)
    assert secret.read_text() == before
    status, told, _ = verified(tmp_path / "data")
    assert (status, told["ok"], told["signed_rows"]) == (0, True, 3)


def test_secret_may_lie_elsewhere(
    tmp_path: Path, verified: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, secret = tmp_path / "data", tmp_path / "kept/apart"
    record(Settings(data=data, secret_file=secret))
    assert not (data / "installation.secret").exists()
    status, _, err = verified(data)
    assert status == 2
    assert "SEKISHO_SECRET_FILE" in err
    assert verified(data, "--without-signatures")[1]["signed_rows"] is None
    monkeypatch.setenv("SEKISHO_SECRET_FILE", str(secret))
    assert verified(data)[1]["signed_rows"] == 2


def test_secret_of_somebody_else_does_not_do(tmp_path: Path, verified: Verify) -> None:
    data = tmp_path / "data"
    record(Settings(data=data))
    (data / "installation.secret").write_text("ab" * 32)
    status, told, _ = verified(data)
    assert (status, told["ok"], told["first_bad"]) == (1, False, 1)


def test_checkpoints_of_older_releases_are_signed_when_the_secret_is_made(
    tmp_path: Path, verified: Verify
) -> None:
    data = tmp_path / "data"
    record(Settings(data=data))
    (data / "installation.secret").unlink()
    heads = data / "checkpoints.jsonl"
    lines = [json.loads(line) for line in heads.read_text().splitlines()]
    unsigned = [{k: v for k, v in one.items() if k != "signature"} for one in lines]
    heads.write_text("".join(json.dumps(one) + "\n" for one in unsigned))
    assert verified(data)[1]["signed_rows"] is None
    record(Settings(data=data))
    assert verified(data)[1]["signed_rows"] == 3


@pytest.mark.parametrize("text", ["", "xyz", "ab" * 31, "é"])
def test_file_without_a_secret_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(SettingsError, match="holds no secret"):
        signing_key(Settings(data=tmp_path, secret_file=file))
