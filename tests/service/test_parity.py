"""`sekisho verify-parity`: the log of a real server decides its events once more, alone."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import httpx
import polars as pl
import pytest

from sekisho.entrypoints.declared import counter_attribute
from sekisho.entrypoints.parity import verify_parity
from sekisho.events import ReceiveContext, default_catalogue, indicative_rates
from sekisho.history import decision_columns
from sekisho.ledger import LogReader
from sekisho.sandbox import World, events_in_order
from sekisho.velocity import Counters, compute_counters, parse_counter

RULES = (
    "Block if :card_fingerprint: in @stolen",
    "Block if :total_charges_per_card_number_hourly: > 3 and :card_funding: = 'prepaid'",
    "Review if :amount_in_usd: > 300 and :hours_since_card_first_seen: < 24",
    "Request 3DS if :risk_score: > 40",
)
LATER = (
    *RULES[:1],
    {"predicate": "Block if :risk_score: > 30", "rollout": {"percent": 50, "by": "customer"}},
    {"predicate": "Review if :amount_in_usd: > 100", "mode": "shadow"},
    "Review if :payments_36h: > 1 and :card_country: != :ip_country:",
    "Block if :email: in @burnt",
)
CANDIDATE = (
    LATER[1],
    "Block if :total_charges_per_ip_address_daily: > 2",
    "Review if :amount_in_usd: > 50",
)
"""A set that is in shadow for a while; it reads a counter that nothing else does."""
COUNTER = {
    "aggregate": "count",
    "of": "payment",
    "by": ["card_fingerprint"],
    "window": "36h",
}
EVENTS = 3_000


def verify(data: Path, *more: str) -> tuple[int, dict[str, Any]]:
    command = Path(sys.executable).with_name("sekisho")
    done = subprocess.run(
        [command, "verify-parity", "--data", data, "--json", *more],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


class Story:
    """Events of the simulated world, sent as they come, decisions and outcomes."""

    def __init__(self) -> None:
        self.events = events_in_order(World(500, 8, 5, "mallory"))

    def send(self, api: Any, count: int) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        while len(sent) < count:
            event = next(self.events)
            path = "/v1/events" if "about" in event else "/v1/decisions"
            answer = api.http.post(path, json=event)
            assert answer.is_success or "about" in event, answer.text
            sent.append(event)
        return sent


def tell_the_story(server: Any, make: Callable[[httpx.Client], Any]) -> None:
    story = Story()
    with server.start().client() as http:
        api = make(http)
        first = story.send(api, EVENTS // 4)
        cards = [one["card"]["fingerprint"] for one in first if "card" in one]
        assert http.post(
            "/v1/lists", json={"alias": "stolen", "item_type": "card_fingerprint"}
        ).is_success
        assert http.post("/v1/lists", json={"alias": "burnt", "item_type": "email"}).is_success
        api.publish(*RULES)
        now = http.post("/dev/clock", json={"advance_s": 0}).json()["now"]
        soon = datetime.fromtimestamp(datetime.fromisoformat(now).timestamp() + 1800, UTC)
        items: list[Any] = [*cards[:20], {"value": cards[30], "expires_at": soon.isoformat()}]
        assert http.post("/v1/lists/stolen/items", json={"items": items}).is_success
        story.send(api, EVENTS // 4)
        assert http.put("/v1/counters/payments_36h", json=COUNTER).is_success
        emails = [one["email"] for one in first if "email" in one]
        assert http.put("/v1/lists/burnt/items", json={"items": emails[:50]}).is_success
        http.post("/dev/clock", json={"advance_s": 3600})
        story.send(api, EVENTS // 8)
        kept = http.get("/v1/lists/burnt/items").json()["data"]
        assert http.delete(f"/v1/lists/burnt/items/{kept[0]['id']}").is_success
        held = {"share": 0.2, "per_payment": 100_000, "per_day": 500_000, "currency": "usd"}
        draft = {"rules": list(LATER), "holdout": held}
        assert http.put("/v1/rulesets/draft", json=draft).is_success
        assert http.post("/v1/rulesets/draft/publish").is_success
        story.send(api, EVENTS // 8)
        api.draft(*CANDIDATE)
        assert http.post("/v1/rulesets/draft/shadow").is_success
        story.send(api, EVENTS // 16)
    assert server.stop() == 0
    with server.start().client() as http:
        api = make(http)
        story.send(api, EVENTS // 16)
        assert http.delete("/v1/rulesets/shadow").is_success
        assert http.put("/v1/lists/burnt/items", json={"items": emails[20:80]}).is_success
        story.send(api, EVENTS // 8)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, server: Any, api: Any) -> Path:
    data = tmp_path_factory.mktemp("parity") / "data"
    running = type(server)(data)
    try:
        tell_the_story(running, type(api))
    finally:
        running.kill()
    return data


@pytest.fixture
def spoilt(told: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    copy = tmp_path / "copy"
    shutil.copytree(told, copy)
    return copy


def edit(data: Path, change: Callable[[str, dict[str, Any]], bool]) -> None:
    """Change what the log told was in force, as somebody with the file could."""
    connection = apsw.Connection(str(data / "sekisho.db"))
    connection.execute("DROP TRIGGER ledger_is_append_only_1")
    rows = connection.execute("SELECT seq, event_type, body FROM ledger WHERE kind = 'control'")
    edited = 0
    for seq, moment, body in rows.fetchall():
        told = json.loads(body)
        if change(moment, told):
            edited += 1
            changed = json.dumps(told).encode()
            connection.execute("UPDATE ledger SET body = ? WHERE seq = ?", (changed, seq))
    connection.close()
    assert edited


def test_every_decision_of_a_lively_server_is_reproduced(told: Path) -> None:
    status, found = verify(told)
    assert (status, found["mismatches"]) == (0, [])
    assert found["unverifiable"] == {}
    assert found["verified"] == found["decisions"] > EVENTS // 2
    assert found["outcomes"] > 100


def test_counters_of_the_log_are_those_of_its_columns(told: Path) -> None:
    log = LogReader(told / "sekisho.db")
    spec = parse_counter("payments_36h", COUNTER, default_catalogue())
    context = ReceiveContext(default_catalogue().extended([counter_attribute(spec)]))
    rows = [row for row in log.read_from() if row.kind == "decision"]
    log.close()
    frame = decision_columns(rows, context)
    computed = compute_counters(frame.drop("payments_36h"), [spec], default_catalogue())
    recorded = frame["payments_36h"].cast(pl.UInt32)
    live = recorded.is_not_null()
    assert live.sum() > EVENTS // 8
    assert computed["payments_36h"].filter(live).to_list() == recorded.filter(live).to_list()


def test_rule_commands_tell_what_rules_did(spoilt: Path, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("sekisho")

    def told_by(*arguments: str | Path) -> Any:
        given = [command, "rules", *arguments, "--data", spoilt, "--json"]
        done = subprocess.run(given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    every = told_by("metrics")
    by_text = {one["predicate"]: one for one in every}
    stolen = by_text[RULES[0]]
    assert stolen["blocked"]["count"] > 0
    assert by_text["Review if :amount_in_usd: > 100"]["mode"] == "shadow"
    rolled = by_text["Block if :risk_score: > 30"]
    assert [one["what"] for day in rolled["days"] for one in day["edits"]] == ["added"]
    file = tmp_path / "matches.csv"
    assert told_by("metrics", stolen["rule"], "--matches", file)["rule"] == stolen["rule"]
    assert len(file.read_text().splitlines()) == stolen["matched"]["count"] + 1
    beside = told_by("shadow")
    flips = sum(one["count"] for one in beside["flips"])
    assert beside["decisions"]["count"] == beside["agreed"]["count"] + flips > EVENTS // 16
    assert flips == sum(one["flips"] for one in beside["days"]) > 0
    removed = by_text[RULES[1]]["rule"]
    assert removed not in {one["rule"] for one in told_by("summary")}


def test_period_is_what_is_compared(told: Path) -> None:
    assert verify(told, "--to", "2020-01-01")[1]["decisions"] == 0


def test_changed_rule_is_found_and_named(spoilt: Path) -> None:
    def loosen(_moment: str, told: dict[str, Any]) -> bool:
        rules = [
            one for one in told.get("rules", {}).get("rules", ()) if "> 40" in one["predicate"]
        ]
        for one in rules:
            one["predicate"] = one["predicate"].replace("> 40", "> 20")
        return bool(rules)

    edit(spoilt, loosen)
    status, found = verify(spoilt)
    assert status == 1
    assert "hits" in {one["attribute"] for one in found["mismatches"]}
    assert all(one["decision"].startswith("dec_") for one in found["mismatches"])
    assert all(one["recorded"] != one["recomputed"] for one in found["mismatches"])


def test_changed_set_in_shadow_is_found_and_named(spoilt: Path) -> None:
    def loosen(_moment: str, told: dict[str, Any]) -> bool:
        beside = (told.get("rules") or {}).get("beside") or {"rules": ()}
        rules = [one for one in beside["rules"] if "> 50" in one["predicate"]]
        for one in rules:
            one["predicate"] = one["predicate"].replace("> 50", "> 80")
        return bool(rules)

    edit(spoilt, loosen)
    status, found = verify(spoilt)
    assert status == 1
    named = {one["attribute"] for one in found["mismatches"]}
    assert "shadow_ruleset.outcome" in named
    assert "outcome" not in named


def test_changed_list_is_found_and_named(spoilt: Path) -> None:
    def empty(_moment: str, told: dict[str, Any]) -> bool:
        changes = [one for one in told.get("changes", ()) if one["alias"] == "stolen"]
        for one in changes:
            one["put"] = {}
        return bool(changes)

    edit(spoilt, empty)
    status, found = verify(spoilt)
    assert status == 1
    assert "outcome" in {one["attribute"] for one in found["mismatches"]}


def test_counter_off_by_one_is_found_and_named(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Counters.read_into

    def off_by_one(self: Counters, record: dict[str, Any], kind: str, at_us: int) -> None:
        honest(self, record, kind, at_us)
        name = "total_charges_per_card_number_hourly"
        record[name] = max(0, record.get(name, 0) - 1)

    monkeypatch.setattr(Counters, "read_into", off_by_one)
    log = LogReader(told / "sekisho.db")
    found = verify_parity(log, indicative_rates(), (0, 1 << 62))
    log.close()
    assert not found.ok
    wrong = [one for one in found.mismatches if one.attribute.startswith("attributes.")]
    assert wrong[0].attribute == "attributes.total_charges_per_card_number_hourly"
    assert wrong[0].recorded == wrong[0].recomputed + 1


def test_decisions_of_unknown_circumstances_are_told_apart(spoilt: Path) -> None:
    connection = apsw.Connection(str(spoilt / "sekisho.db"))
    connection.execute("DROP TRIGGER ledger_is_append_only_2")
    connection.execute("DELETE FROM ledger WHERE kind = 'control' AND event_type = 'started'")
    connection.close()
    _, found = verify(spoilt)
    assert sum(found["unverifiable"].values()) > 0
    assert "recorded before the log told" in next(iter(found["unverifiable"]))
    assert found["verified"] + sum(found["unverifiable"].values()) <= found["decisions"]


def test_directory_without_a_log_is_told(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("sekisho")
    done = subprocess.run(
        [command, "verify-parity", "--data", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no log" in done.stderr


def test_parity_holds_over_imported_history(tmp_path: Path, new_server: Any) -> None:
    """An import in the middle of a log counts from there, in the replay as it did live."""
    data = tmp_path / "data"
    first = new_server()
    with first.client() as http:
        rules = {"rules": ["Review if :total_charges_per_customer_all_time: > 40"]}
        assert http.put("/v1/rulesets/draft", json=rules).is_success
        assert http.post("/v1/rulesets/draft/publish").is_success
        decide_some(http, "before")
    first.stop()
    rows = tmp_path / "old.csv"
    lines = [f"old_{n},2026-11-01T00:{n % 60:02}:00Z,cus_{n % 7},{n}.50,usd" for n in range(300)]
    rows.write_text("\n".join(["id,at,customer,amount,currency", *lines]))
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        'type = "payment"\nid = "id"\noccurred_at = "at"\ncustomer = "customer"\n'
        'amount = { column = "amount", unit = "major", currency = "usd" }\n'
    )
    sekisho = Path(sys.executable).with_name("sekisho")
    done = subprocess.run(
        [sekisho, "import", rows, "--map", mapping, "--data", data, "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    again = new_server()
    with again.client() as http:
        decide_some(http, "after")
        dispute = {"type": "dispute", "about": "old_7", "id": "dp_1", "reason": "fraudulent"}
        assert http.post("/v1/events", json=dispute).is_success
        told = decide_some(http, "later")
    again.stop()
    assert told["attributes"]["total_charges_per_customer_all_time"] == 44
    assert told["outcome"] == "review"
    found = subprocess.run(
        [sekisho, "verify-parity", "--data", data, "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    result = json.loads(found.stdout)
    assert (result["ok"], result["mismatched"]) == (True, 0), result
    assert result["verified"] == result["decisions"] == 21


def decide_some(http: Any, stem: str) -> Any:
    for number in range(7):
        event = {"type": "payment", "id": f"{stem}_{number}", "customer": f"cus_{number}"}
        answer = http.post("/v1/decisions", json={**event, "amount": 500, "currency": "usd"})
        assert answer.is_success, answer.text
    return answer.json()
