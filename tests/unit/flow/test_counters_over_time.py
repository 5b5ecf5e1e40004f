"""Counters as a fold over the log: a restart with a snapshot, without one, and in the middle."""

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from sekisho.entrypoints.policy import SNAPSHOT

NewGate = Callable[[str], Any]
CARD = {"fingerprint": "fp"}
WHERE = {"customer": "c", "card": CARD, "ip_address": "198.51.100.1", "email": "a@b.example"}


def live_through(gate: Any) -> None:
    """Payments, answers, disputes and labels, some of them late."""
    for hour in (3, 1, 2, 2):
        gate.decide(**WHERE, occurred_at=f"2026-04-01T{hour:02}:00:00Z", amount=1000 * hour)
    ids = [f"pay_{number}" for number in range(1, 5)]
    at = "2026-04-01T05:00:00Z"
    gate.report(type="authorization", about=ids[0], approved=True, occurred_at=at)
    gate.report(type="authorization", about=ids[1], approved=False, occurred_at=at)
    gate.report(type="dispute", about=ids[0], reason="fraudulent", occurred_at=at)
    gate.report(type="label", about=ids[2], label="fraud", occurred_at=at)
    gate.report(type="early_fraud_warning", about=ids[3], occurred_at=at)


def seen_by_next(gate: Any) -> dict[str, Any]:
    told = gate.decide(**WHERE, id="next", occurred_at="2026-04-01T06:00:00Z")
    attributes: dict[str, Any] = told["attributes"]
    return attributes


def test_counters_after_a_restart_equal_those_before(new_gate: NewGate, tmp_path: Any) -> None:
    first = new_gate("first")
    live_through(first)
    first.close()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    first.open()
    expected = seen_by_next(first)
    assert expected["authorized_charges_per_card_number_all_time"] == 1
    assert expected["declined_charges_per_card_number_daily"] == 1
    assert expected["dispute_count_on_card_number_all_time"] == 1
    assert expected["efw_count_on_card_all_time"] == 1
    second = new_gate("second")
    assert seen_by_next(second) == expected


def test_counters_from_the_log_alone_equal_those_from_a_snapshot(
    new_gate: NewGate, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = new_gate("first")
    live_through(first)
    first.close()
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    first.open()
    assert first.node.ledger.load_snapshot(SNAPSHOT) is not None
    from sekisho.ledger import Ledger  # noqa: PLC0415 — replaced for this test alone

    monkeypatch.setattr(Ledger, "load_snapshot", lambda _self, _name: None)
    second = new_gate("second")
    assert seen_by_next(second) == seen_by_next(first)


def test_late_event_is_counted_at_its_own_time(shared_gate: Any) -> None:
    shared_gate.decide(customer="late", occurred_at="2026-04-02T12:00:00Z")
    late = shared_gate.decide(customer="late", occurred_at="2026-04-02T11:00:00Z")
    assert late["attributes"]["total_charges_per_customer_hourly"] == 0
    after = shared_gate.decide(customer="late", occurred_at="2026-04-02T11:59:00Z")
    assert after["attributes"]["total_charges_per_customer_hourly"] == 1


def test_events_of_one_instant_count_in_order_of_arrival(shared_gate: Any) -> None:
    at = "2026-04-03T12:00:00Z"
    told = [shared_gate.decide(customer="instant", occurred_at=at) for _ in range(3)]
    seen = [one["attributes"]["total_charges_per_customer_hourly"] for one in told]
    assert seen == [0, 1, 2]


def test_blocked_payment_stays_blocked_whatever_the_issuer_says(shared_gate: Any) -> None:
    paid = shared_gate.decide(card={"fingerprint": "stays"}, attributes={"risk_score": 99})
    assert paid["outcome"] == "block"
    shared_gate.report(type="authorization", about=paid["event"], approved=True)
    seen = shared_gate.decide(card={"fingerprint": "stays"})["attributes"]
    assert seen["authorized_charges_per_card_number_all_time"] == 0


def test_second_answer_of_the_issuer_replaces_the_first(shared_gate: Any) -> None:
    card = {"fingerprint": "twice"}
    paid = shared_gate.decide(card=card)
    shared_gate.report(type="authorization", about=paid["event"], approved=False, id="no")
    shared_gate.report(type="authorization", about=paid["event"], approved=True, id="yes")
    seen = shared_gate.decide(card=card)["attributes"]
    assert seen["declined_charges_per_card_number_daily"] == 0
    assert seen["authorized_charges_per_card_number_all_time"] == 1


@pytest.mark.parametrize("aggregate", ["count", "sum", "distinct", "max"])
def test_counters_that_share_a_table_stay_right_when_others_come_and_go(
    gate: Any, aggregate: str
) -> None:
    """A table has room for the edges of its windows: with other windows, rows begin elsewhere."""
    plain = {"aggregate": aggregate, "of": ["payment"], "by": ["customer"]}
    if aggregate != "count":
        plain["value"] = "amount"
    spent: list[int] = []

    def check(*names: str) -> None:
        for amount in (100 + len(spent), 100 + len(spent) // 2):
            seen = gate.decide(customer="c", amount=amount)["attributes"]
            due = {"count": len(spent), "sum": sum(spent), "distinct": len(set(spent)),
                   "max": max(spent, default=None)}[aggregate]  # fmt: skip
            assert {name: seen.get(name) for name in names} == dict.fromkeys(names, due)
            spent.append(amount)

    for _ in range(40):
        check()
    for number in range(1, 6):
        names = [f"c{one}" for one in range(1, number + 1)]
        declared = {**plain, "window": f"{6 - number}h"}  # the longest first: it keeps the table
        asyncio.run(gate.node.policy.declare(names[-1], declared))
        check(*names)
    for number in range(5, 1, -1):
        asyncio.run(gate.node.policy.forget(f"c{number}"))
        check(*(f"c{one}" for one in range(1, number)))
