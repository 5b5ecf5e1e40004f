"""History that was imported: counters know it from the first event on, outcomes find it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import polars as pl
import pytest

from sekisho.history import Archive

SEKISHO = Path(sys.executable).with_name("sekisho")
NO, BAD_USAGE = 1, 2
MAP = """
type = "payment"
id = "id"
occurred_at = "at"
amount = "amount"
currency = "currency"
customer = "customer"
card = { fingerprint = "card" }
label = { column = "fraud", known_after = "1m" }
"""
OVER_TIME = {
    "aggregate": "sum", "of": "payment", "by": ["card_fingerprint"], "value": "amount_in_eur",
    "window": "30d",
}  # fmt: skip


def imported(*arguments: object, status: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [SEKISHO, "import", *map(str, arguments), "--json"], capture_output=True, check=False
    )
    assert done.returncode == status, done.stderr.decode()
    told: dict[str, Any] = msgspec.json.decode(done.stdout) if status == 0 else {}
    return told | {"stderr": done.stderr.decode()}


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    """Six payments with one card within ten minutes of now, one of them fraud."""
    now = time.time()
    rows = [
        f"old_{n},{now - 100 * (n + 1):.6f},1000,eur,cus_old,fp_old,{n == 0!s}" for n in range(6)
    ]
    path = tmp_path / "payments.csv"
    path.write_text("id,at,amount,currency,customer,card,fraud\n" + "\n".join(rows) + "\n")
    text = MAP.replace('occurred_at = "at"', 'occurred_at = { column = "at", unit = "s" }')
    (tmp_path / "payments.map.toml").write_text(text)
    return path


def test_a_decision_after_an_import_sees_imported_events(
    payments: Path, tmp_path: Path, new_server: Callable[..., Any], api_of: Any
) -> None:
    told = imported(payments, "--data", tmp_path / "data")
    assert (told["rows"], told["imported"], told["labels"], told["rejected"]) == (6, 6, 6, 0)
    with new_server().client() as http:
        api = api_of(http)
        seen = api.decide(customer="cus_old", card={"fingerprint": "fp_old"})["attributes"]
        assert seen["total_charges_per_customer_hourly"] == 6
        # a counter that was not there at the import, over a currency it did not store for usd
        assert http.put("/v1/counters/spent_eur", json=OVER_TIME).json()["status"] == "live"
        where = {**OVER_TIME, "aggregate": "count", "value": None, "where": ":label: = 'fraud'"}
        assert http.put("/v1/counters/known_fraud", json=where).json()["status"] == "live"
        api.publish("Review if :spent_eur: > 1000000 or :known_fraud: > 100")
        seen = api.decide(card={"fingerprint": "fp_old"})["attributes"]
        assert (seen["spent_eur"], seen["known_fraud"]) == (pytest.approx(60 + 21.37, abs=0.05), 1)


def test_an_outcome_about_an_imported_payment_counts_and_survives_a_kill(
    payments: Path, tmp_path: Path, new_server: Callable[..., Any], api_of: Any
) -> None:
    imported(payments, "--data", tmp_path / "data")
    server = new_server()
    card = {"fingerprint": "fp_old"}
    names = ("dispute_count_on_card_number_yearly", "declined_charges_per_card_number_daily")
    with server.client() as http:
        api = api_of(http)
        api.publish(*(f"Review if :{name}: > 100" for name in names))
        api.report(type="dispute", about="old_1", reason="fraudulent")
        api.report(type="authorization", about="old_2", approved=False)
        seen = api.decide(card=card)["attributes"]
        assert [seen[name] for name in names] == [1, 1]
        refused = http.post("/v1/events", json={"type": "dispute", "about": "never_seen"})
        assert refused.status_code == httpx.codes.NOT_FOUND
    server.kill()
    with server.start().client() as http:
        seen = api_of(http).decide(card=card)["attributes"]
        assert [seen[name] for name in names] == [1, 1]


def test_a_decision_under_the_id_of_an_imported_event_is_refused(
    payments: Path, tmp_path: Path, new_server: Callable[..., Any], event: Any
) -> None:
    imported(payments, "--data", tmp_path / "data")
    with new_server().client() as http:
        answer = http.post("/v1/decisions", json=event(id="old_1"))
        assert answer.status_code == httpx.codes.CONFLICT
        assert answer.json()["error"]["code"] == "event_id_in_use"
        assert "imported" in answer.json()["error"]["message"]


def test_while_a_server_has_the_directory_an_import_says_so(
    payments: Path, tmp_path: Path, new_server: Callable[..., Any]
) -> None:
    new_server()
    told = imported(payments, "--data", tmp_path / "data", status=BAD_USAGE)
    assert "in use by process" in told["stderr"]
    assert "stop that process" in told["stderr"]


def test_an_import_after_decisions_counts_each_once(
    payments: Path, tmp_path: Path, new_server: Callable[..., Any], api_of: Any
) -> None:
    server = new_server()
    with server.client() as http:
        api_of(http).decide(id="old_3", customer="cus_old", card={"fingerprint": "fp_old"})
    assert server.stop() == 0
    told = imported(payments, "--data", tmp_path / "data")
    assert (told["imported"], told["duplicates"]) == (5, 1)
    with server.start().client() as http:
        seen = api_of(http).decide(customer="cus_old")["attributes"]
        assert seen["total_charges_per_customer_hourly"] == 6


def verified(data: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [SEKISHO, "verify-ledger", "--data", data, "--json"], capture_output=True, check=False
    )
    return done.returncode, msgspec.json.decode(done.stdout)


def test_the_log_vouches_for_what_was_imported(payments: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    imported(payments, "--data", data)
    assert verified(data)[0] == 0
    archive = Archive(data / "history")
    (segment,) = archive.imported
    forged = archive.read(segment).with_columns(amount=pl.lit(1.0))
    archive.drop(segment.batch)
    archive.add(forged, "import", batch=segment.batch)  # with a right digest in the manifest
    status, told = verified(data)
    assert status == NO
    assert segment.name in told["reason"]


def test_a_killed_import_goes_on_where_it_was(tmp_path: Path) -> None:
    rows = 1_300_000
    bad = 13_000
    lines = (
        f"p{n},2026-01-01T00:00:{n % 60:02}Z,{n},usd,c{n % 999},f{n % 999},\n"
        if n % 100
        else f"p{n},2026-01-01T00:00:00Z,1\n"
        for n in range(rows)
    )
    path = tmp_path / "payments.csv"
    path.write_text("id,at,amount,currency,customer,card,fraud\n" + "".join(lines))
    (tmp_path / "payments.map.toml").write_text(MAP)
    data = tmp_path / "data"
    process = subprocess.Popen([SEKISHO, "import", path, "--data", data], stderr=subprocess.DEVNULL)
    manifest = data / "history" / "segments.json"
    while not manifest.exists():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    half = sum(one.rows for one in Archive(data / "history").imported)
    assert 0 < half < rows - bad
    assert verified(data)[0] == NO  # an interrupted import is not vouched for
    told = imported(path, "--data", data)
    archive = Archive(data / "history")
    events = pl.concat([archive.read(one, ("event",)) for one in archive.imported])["event"]
    assert events.len() == events.n_unique() == rows - bad
    assert (told["rows"], told["imported"], told["rejected"]) == (rows, rows - bad, bad)
    rejects = [msgspec.json.decode(one) for one in Path(told["rejects"]).read_bytes().splitlines()]
    assert [one["row"] - 1 for one in rejects] == list(range(0, rows, 100))
    assert verified(data)[0] == 0
    again = imported(path, "--data", data)
    assert again["already"] is True
    assert sum(one.rows for one in Archive(data / "history").imported) == rows - bad
