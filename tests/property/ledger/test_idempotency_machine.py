"""Random requests, repeats, restarts, failures and ages, against a plain model of the contract."""

import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sekisho.durable import Store
from sekisho.kit.clock import ManualClock
from sekisho.kit.ids import Ids
from sekisho.ledger import (
    Claim,
    Entry,
    IdempotencyKey,
    InFlight,
    Ledger,
    LedgerConflict,
    Replay,
    claim,
    verify,
)

SOAK = os.environ.get("SEKISHO_SOAK") == "1"
HOUR_US = 3_600_000_000
KEYS = st.sampled_from(["a", "b", "c", "k" * 255, "キー"])
SCOPES = st.sampled_from(["acct_1/decisions", "acct_2/decisions"])
BODIES = st.sampled_from([b"one", b"two"])


class IdempotencyMachine(RuleBasedStateMachine):
    """The model: key → body hash, answer, moment; nothing else decides what a request meets."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock = ManualClock(1_800_000_000_000_000)
        self.told: list[Exception | None] = []
        self.model: dict[tuple[str, str], tuple[bytes, bytes, int]] = {}
        self.rows = 0
        self.requests = 0

    @initialize()
    def start(self) -> None:
        path = Path(self.directory.name) / "ledger.db"
        self.store = Store(path)
        ids = Ids(self.clock, random.Random(1).randbytes)
        self.ledger = Ledger(self.store, self.on_batch, clock=self.clock, ids=ids)
        self.in_flight = InFlight()

    def on_batch(self, entries: Sequence[Entry], error: Exception | None) -> None:
        self.told += [error] * len(entries)

    def expected(self, scope: str, key: str, body: bytes) -> Replay | Claim:
        kept = self.model.get((scope, key))
        if kept is None or kept[2] + 48 * HOUR_US <= self.clock.now_us():
            return Claim.FRESH
        return Replay(body, 200, kept[1]) if kept[0] == body else Claim.MISMATCH

    def entry(self, asked: IdempotencyKey, answer: bytes) -> Entry:
        now_us = self.clock.now_us()
        name = f"pay_{self.requests}"
        return Entry("decision", name, "payment", now_us, now_us, b"{}", answer, 200, "", asked)

    @rule(scope=SCOPES, key=KEYS, body=BODIES, answer=st.binary(max_size=40))
    def post(self, scope: str, key: str, body: bytes, answer: bytes) -> None:
        asked = IdempotencyKey(scope, key, body)
        met = claim(self.ledger, self.in_flight, asked)
        assert met == self.expected(scope, key, body)
        if met is not Claim.FRESH:
            return
        self.requests += 1
        self.ledger.append_wait(self.entry(asked, answer))
        self.in_flight.end(asked)
        self.model[scope, key] = (body, answer, self.clock.now_us())
        self.rows += 1

    @rule(key=KEYS, body=BODIES, other=BODIES, n=st.integers(2, 5))
    def post_same_concurrently(self, key: str, body: bytes, other: bytes, n: int) -> None:
        scope = "acct_1/decisions"
        asked = IdempotencyKey(scope, key, body)
        first = claim(self.ledger, self.in_flight, asked)
        assert first == self.expected(scope, key, body)
        if first is not Claim.FRESH:
            return
        for _ in range(n - 1):
            met = claim(self.ledger, self.in_flight, IdempotencyKey(scope, key, other))
            assert met is (Claim.RUNNING if other == body else Claim.MISMATCH)
        self.requests += 1
        self.ledger.append_wait(self.entry(asked, b"of many"))
        self.in_flight.end(asked)
        self.model[scope, key] = (body, b"of many", self.clock.now_us())
        self.rows += 1

    @rule(key=KEYS, body=BODIES)
    def fail_validation(self, key: str, body: bytes) -> None:
        asked = IdempotencyKey("acct_2/decisions", key, body)
        if claim(self.ledger, self.in_flight, asked) is Claim.FRESH:
            self.in_flight.end(asked)

    @rule(key=KEYS, body=BODIES)
    def skip_the_claim(self, key: str, body: bytes) -> None:
        """An owner with a bug: the ledger itself refuses the second record of a live key."""
        scope = "acct_1/decisions"
        self.requests += 1
        entry = self.entry(IdempotencyKey(scope, key, body), b"unclaimed")
        if self.expected(scope, key, body) is Claim.FRESH:
            self.ledger.append_wait(entry)
            self.model[scope, key] = (body, b"unclaimed", self.clock.now_us())
            self.rows += 1
            return
        with pytest.raises(LedgerConflict):
            self.ledger.append_wait(entry)
        self.ledger.resume()

    @rule(orderly=st.booleans())
    def restart(self, orderly: bool) -> None:
        if orderly:
            self.ledger.close()
        self.store.close()
        self.start()

    @rule(hours=st.integers(1, 60))
    def advance(self, hours: int) -> None:
        self.clock.advance(hours * 3600)

    @rule()
    def prune(self) -> None:
        self.ledger.tidy()

    @invariant()
    def one_row_for_each_fresh_request(self) -> None:
        if hasattr(self, "ledger"):
            assert self.ledger.last_seq == self.rows
            assert self.ledger.pending == 0

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            assert verify(self.store).ok
            self.store.close()
        self.directory.cleanup()


TestIdempotency = IdempotencyMachine.TestCase
TestIdempotency.settings = settings(
    max_examples=200 if SOAK else 15,
    stateful_step_count=50 if SOAK else 30,
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=[HealthCheck.too_slow],
)
