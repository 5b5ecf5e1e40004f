"""Processes that decide, record and are killed: started by test_kill.py.

A server loads everything once, then forks a child for every line `DIRECTORY RUN BUG CRASH_AT` (with
tabs between) that it reads, and tells on its output `pid N`, `ready` and `exit STATUS`.
"""

import hashlib
import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sekisho.durable import Store
from sekisho.durable.seams import arm
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids
from sekisho.ledger import (
    Claim,
    Entry,
    IdempotencyKey,
    InFlight,
    Ledger,
    OutboxRow,
    Replay,
    claim,
)
from sekisho.ledger.seen import SeenIds

OUTSTANDING = 64
CUSTOMERS = 16
RETRIED = 100  # of the last run's requests, sent again as a client would


class Desk:
    """An owner of the ledger: keeps a tally per customer, acknowledges into a file."""

    def __init__(self, directory: Path, run: int, *, ack_early: bool) -> None:
        self.run = run
        self.ack_early = ack_early
        self.clock = SystemClock()
        self.ids = Ids(self.clock)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self.acks = os.open(directory / "acks", flags, 0o600)
        self.sent = os.open(directory / "sent", flags, 0o600)
        self.room = threading.Semaphore(OUTSTANDING)
        self.in_flight = InFlight()
        self.ledger = Ledger(
            Store(directory / "ledger.db"), self.on_batch, clock=self.clock, ids=self.ids
        )
        self.tally = self.restore(directory)

    def restore(self, directory: Path) -> np.ndarray:
        """Snapshot and tail; they must equal a recount of everything."""
        saved = self.ledger.load_snapshot("tally")
        tally = saved.parts["tally"] if saved else np.zeros(CUSTOMERS, np.int64)
        for row in self.ledger.read_from(saved.seq + 1 if saved else 1):
            tally[customer_of(row.event_id)] += 1
        recount = np.zeros(CUSTOMERS, np.int64)
        for row in self.ledger.read_from():
            recount[customer_of(row.event_id)] += 1
        if not np.array_equal(tally, recount):
            (directory / "mismatch").write_text(f"run {self.run}: {tally} is not {recount}\n")
        return tally

    def on_batch(self, entries: Sequence[Entry], error: Exception | None) -> None:
        assert error is None, error
        if not self.ack_early:
            self.acknowledge([(e.event_id, e.answer) for e in entries])
        for entry in entries:
            if entry.idempotency is not None:
                self.in_flight.end(entry.idempotency)
            self.room.release()

    def acknowledge(self, answers: Sequence[tuple[str, bytes]]) -> None:
        lines = [f"{i} {hashlib.sha256(answer).hexdigest()}\n" for i, answer in answers]
        os.write(self.acks, "".join(lines).encode())

    def request(self, event_id: str) -> None:
        key = IdempotencyKey("acct/decisions", f"key-{event_id}", event_id.encode())
        met = claim(self.ledger, self.in_flight, key)
        if isinstance(met, Replay):
            self.acknowledge([(event_id, met.answer)])
            return
        if met is Claim.RUNNING:
            return
        assert met is Claim.FRESH
        self.room.acquire()
        decision_id = self.ids.new("dec")
        answer = b'{"object":"decision","id":"%s"}' % decision_id.encode()
        now_us = self.clock.now_us()
        action = OutboxRow(f"act-{event_id}", "webhook", b"{}")
        self.tally[customer_of(event_id)] += 1
        os.write(self.sent, f"{event_id}\n".encode())
        if self.ack_early:
            self.acknowledge([(event_id, answer)])
        seq = self.ledger.append(
            Entry(
                "decision",
                event_id,
                "payment",
                now_us,
                now_us,
                b"{}" * 400,
                answer,
                200,
                decision_id,
                key,
                (action,),
            )
        )
        if seq % 200 == 0:
            self.snapshot(seq)

    def snapshot(self, seq: int) -> None:
        for _ in range(OUTSTANDING):  # all that was decided is now recorded
            self.room.acquire()
        self.ledger.save_snapshot("tally", seq, {"tally": self.tally})
        for _ in range(OUTSTANDING):
            self.room.release()


def customer_of(event_id: str) -> int:
    return hashlib.sha256(event_id.encode()).digest()[0] % CUSTOMERS


def decide(directory: Path, run: int, *, ack_early: bool) -> None:
    """Open the ledger, send the last requests again, then new ones without end."""
    sent = directory / "sent"
    again = sent.read_text().splitlines()[-RETRIED:] if sent.exists() else []
    desk = Desk(directory, run, ack_early=ack_early)
    os.write(1, b"ready\n")
    for event_id in again:
        desk.request(event_id)
    rng = random.Random(run)
    number = 0
    while True:
        desk.request(f"pay-{run}-{number}")
        number += 1
        if rng.random() < 0.01:
            time.sleep(rng.random() / 200)


def main() -> None:
    SeenIds(0)  # loads the compiled kernels, which every child then has
    for line in sys.stdin:
        directory, run, bug, crash_at = line.rstrip("\n").split("\t")
        pid = os.fork()
        if pid == 0:
            try:
                arm(crash_at)
                decide(Path(directory), int(run), ack_early=bug == "ack-early")
            finally:
                traceback.print_exc()
                os._exit(1)
        os.write(1, f"pid {pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(1, f"exit {os.waitstatus_to_exitcode(status)}\n".encode())


main()
