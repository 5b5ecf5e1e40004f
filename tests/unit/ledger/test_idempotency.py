"""What a request with an idempotency key meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sekisho.ledger import Claim, Entry, IdempotencyKey, InFlight, Replay, claim

if TYPE_CHECKING:
    from conftest import Desk

KEY = IdempotencyKey("acct/decisions", "k", b"digest of body")
OTHER_BODY = IdempotencyKey("acct/decisions", "k", b"digest of another")


def test_first_request_is_fresh_and_its_twin_meets_it_running() -> None:
    in_flight = InFlight()
    assert in_flight.begin(KEY) is Claim.FRESH
    assert in_flight.begin(KEY) is Claim.RUNNING
    assert in_flight.begin(msgspec.structs.replace(KEY)) is Claim.RUNNING
    assert in_flight.begin(OTHER_BODY) is Claim.MISMATCH
    assert len(in_flight) == 1


def test_key_is_free_again_when_nothing_was_recorded() -> None:
    in_flight = InFlight()
    in_flight.begin(KEY)
    in_flight.end(KEY)
    assert in_flight.begin(OTHER_BODY) is Claim.FRESH


def test_same_key_in_another_scope_is_another_request() -> None:
    in_flight = InFlight()
    in_flight.begin(KEY)
    assert in_flight.begin(IdempotencyKey("acct/other", "k", b"x")) is Claim.FRESH


def test_recorded_answer_is_replayed_byte_for_byte(desk: Desk) -> None:
    in_flight = InFlight()
    assert claim(desk.ledger, in_flight, KEY) is Claim.FRESH
    desk.ledger.append_wait(desk.decision(1, key="k"))
    in_flight.end(KEY)
    met = claim(desk.ledger, in_flight, KEY)
    assert met == Replay(b"digest of body", 200, desk.decision(1).answer)
    assert claim(desk.ledger, in_flight, OTHER_BODY) is Claim.MISMATCH
    assert len(in_flight) == 0


def test_failures_are_replayed_too(desk: Desk) -> None:
    failed = Entry(
        "control", "", "request.failed", 1, desk.clock.now_us(), b"", b'{"error":"x"}', 500, "", KEY
    )
    desk.ledger.append_wait(failed)
    assert claim(desk.ledger, InFlight(), KEY) == Replay(b"digest of body", 500, b'{"error":"x"}')
