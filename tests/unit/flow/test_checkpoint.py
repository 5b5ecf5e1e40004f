"""The checkpoint in process: replies, refusals, and what a refused disk takes back."""

import json
from typing import Any

import pytest

from sekisho.durable import StoreError
from sekisho.events import EventRefused
from sekisho.flow import (
    Asking,
    EventIdInUse,
    KeyInUse,
    KeyMismatch,
    NotRecorded,
    Overloaded,
    SubjectUnknown,
    WrongDoor,
)


def body_of(**event: Any) -> bytes:
    return json.dumps({"type": "payment", "amount": 100, "currency": "usd", **event}).encode()


def test_same_bytes_get_the_same_bytes(shared_gate: Any) -> None:
    body = body_of(id="same")
    first, again = shared_gate.node.decide(body), shared_gate.node.decide(body)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.body == first.body


def test_repeat_without_a_time_means_the_first_time(shared_gate: Any) -> None:
    body = body_of(id="timeless")
    first = shared_gate.node.decide(body)
    shared_gate.node.clock.advance(60)
    assert shared_gate.node.decide(body).body == first.body


def test_repeat_at_another_time_is_another_event(shared_gate: Any) -> None:
    shared_gate.node.decide(body_of(id="timed", occurred_at="2026-01-01T00:00:00Z"))
    with pytest.raises(EventIdInUse, match="timed"):
        shared_gate.node.decide(body_of(id="timed", occurred_at="2026-01-01T00:00:01Z"))


def test_same_moment_in_another_zone_is_the_same_event(shared_gate: Any) -> None:
    first = shared_gate.node.decide(body_of(id="zone", occurred_at="2026-01-01T00:00:00Z"))
    again = shared_gate.node.decide(body_of(id="zone", occurred_at="2026-01-01T09:00:00+09:00"))
    assert again.body == first.body


def test_ids_of_decisions_and_outcomes_are_apart(shared_gate: Any) -> None:
    shared_gate.node.decide(body_of(id="both"))
    told = shared_gate.report(type="refund", id="both", about="both")
    assert told["id"] == "both"


def test_second_request_with_a_running_key_is_told_so(gate: Any) -> None:
    told: list[Any] = []
    checkpoint, asking = gate.node.checkpoint, Asking("me", "key")
    checkpoint.decide(body_of(id="running"), asking, told.append)
    with pytest.raises(KeyInUse):
        checkpoint.decide(body_of(id="running"), asking, told.append)
    with pytest.raises(KeyMismatch):
        checkpoint.decide(body_of(id="another"), asking, told.append)
    gate.node.owner.run_until(lambda: bool(told))
    assert gate.node.decide(body_of(id="running"), asking).body == told[0].body


def test_repeat_in_flight_waits_for_the_first(gate: Any) -> None:
    told: list[Any] = []
    for _ in range(3):
        gate.node.checkpoint.decide(body_of(id="waiting"), Asking(), told.append)
    assert gate.node.checkpoint.pending == 1
    gate.node.owner.run_until(lambda: len(told) == 3)
    assert len({reply.body for reply in told}) == 1


def test_outcome_may_follow_an_event_in_flight(gate: Any) -> None:
    told: list[Any] = []
    checkpoint = gate.node.checkpoint
    checkpoint.decide(body_of(id="young", card={"fingerprint": "f"}), Asking(), told.append)
    checkpoint.report(
        b'{"type":"dispute","about":"young","reason":"fraudulent"}', Asking(), told.append
    )
    gate.node.owner.run_until(lambda: len(told) == 2)
    seen = gate.decide(card={"fingerprint": "f"})["attributes"]
    assert seen["dispute_count_on_card_number_all_time"] == 1


def test_wrong_doors_and_unknown_subjects_are_refused(shared_gate: Any) -> None:
    with pytest.raises(WrongDoor):
        shared_gate.node.decide(b'{"type":"refund","about":"x"}')
    with pytest.raises(WrongDoor):
        shared_gate.node.report(body_of(id="x"))
    with pytest.raises(SubjectUnknown):
        shared_gate.node.report(b'{"type":"refund","about":"never seen"}')
    with pytest.raises(EventRefused):
        shared_gate.node.decide(b"{")


def test_full_queue_is_refused_before_anything_is_counted(gate: Any) -> None:
    told: list[Any] = []
    gate.node.checkpoint.parts.max_pending = 2
    for number in range(2):
        gate.node.checkpoint.decide(body_of(id=f"q{number}", customer="c"), Asking(), told.append)
    with pytest.raises(Overloaded):
        gate.node.checkpoint.decide(body_of(id="q2", customer="c"), Asking(), told.append)
    gate.node.owner.run_until(lambda: len(told) == 2)
    seen = gate.decide(customer="c")["attributes"]
    assert seen["total_charges_per_customer_hourly"] == 2


def test_what_the_disk_refuses_was_never_counted(gate: Any) -> None:
    for _ in range(2):
        gate.decide(customer="c", card={"fingerprint": "f"})
    gate.node.store.write(
        lambda connection: connection.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON main.ledger"
            " BEGIN SELECT RAISE(FAIL, 'disk'); END"
        )
    ).result()
    for number in range(3):
        with pytest.raises((NotRecorded, StoreError)):
            gate.node.decide(body_of(id=f"refused{number}", customer="c"))
    gate.node.store.write(lambda connection: connection.execute("DROP TRIGGER full")).result()
    seen = gate.decide(customer="c", id="refused0")["attributes"]
    assert seen["total_charges_per_customer_hourly"] == 2
    assert gate.node.checkpoint.taken_back == 3
