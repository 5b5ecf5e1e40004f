"""kill -9 under load, at random moments and at every marked seam."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sekisho.durable import SEAMS, Store
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Ledger, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

SOAK = os.environ.get("SEKISHO_SOAK") == "1"
KILLS = 100 if SOAK else 10
PASSES = 3 if SOAK else 1
SEED = 20261122
CHILD = Path(__file__).with_name("crash_child.py")


class Children:
    """Starts children through one server, kills them, and says how they ended."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        assert server.stdin is not None
        assert server.stdout is not None
        self._ask, self._hear = server.stdin, server.stdout

    def run(
        self, directory: Path, run: int, *, bug: str = "", crash_at: str = "", live_s: float = 0
    ) -> int:
        """One child's life: killed after a while, or killing itself at a seam."""
        self._ask.write(f"{directory}\t{run}\t{bug}\t{crash_at}\n")
        self._ask.flush()
        heard: dict[str, str] = {}
        while "exit" not in heard:
            word, _, value = self._hear.readline().strip().partition(" ")
            heard[word] = value
            if not crash_at and {"pid", "ready"} == heard.keys():
                time.sleep(live_s)
                os.kill(int(heard["pid"]), signal.SIGKILL)
        return int(heard["exit"])


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        yield Children(server)


def check(directory: Path) -> tuple[int, list[str]]:
    """How many were acknowledged, and everything that is wrong."""
    wrong: list[str] = []
    if (directory / "mismatch").exists():
        wrong.append((directory / "mismatch").read_text())
    report = verify(directory / "ledger.db")
    if not report.ok:
        wrong.append(report.reason)
    clock = SystemClock()
    store = Store(directory / "ledger.db")
    ledger = Ledger(store, lambda _entries, _error: None, clock=clock, ids=Ids(clock))
    events = [row.event_id for row in ledger.read_from()]
    if len(set(events)) != len(events):
        wrong.append("an event was recorded twice")
    actions = {i for (i,) in store.read().execute("SELECT id FROM outbox")}
    if actions != {f"act-{event_id}" for event_id in events}:
        wrong.append("outbox and ledger differ")
    if store.read().pragma("integrity_check") != "ok":
        wrong.append("integrity_check")
    acks = [line.split() for line in (directory / "acks").read_text().splitlines()]
    for event_id, digest in acks:
        row = ledger.find_event(event_id)
        replay = ledger.find_idempotent("acct/decisions", f"key-{event_id}")
        if row is None or replay is None:
            wrong.append(f"acknowledged {event_id} is lost")
        elif {hashlib.sha256(a).hexdigest() for a in (row.answer, replay.answer)} != {digest}:
            wrong.append(f"answer of {event_id} differs")
    store.close()
    return len(acks), wrong


def test_killed_anywhere_under_load_nothing_acknowledged_is_lost(
    children: Children, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    for run in range(KILLS):
        assert children.run(tmp_path, run, live_s=rng.uniform(0.05, 0.3)) == -signal.SIGKILL
    acknowledged, wrong = check(tmp_path)
    assert wrong == [], f"seed {SEED}"
    assert acknowledged > 10 * KILLS


def test_killed_at_each_seam_nothing_acknowledged_is_lost(
    children: Children, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    lives = [(seam, n) for seam in SEAMS for n in range(PASSES)]
    for run, (seam, _) in enumerate(lives):
        # past the commits of opening, of which a new ledger makes six
        crash_at = f"{seam}:{rng.randint(10, 60)}"
        assert children.run(tmp_path, run, crash_at=crash_at) == -signal.SIGKILL, crash_at
    assert check(tmp_path)[1] == [], f"seed {SEED}"


def test_acknowledging_before_commit_is_found_by_the_checker(
    children: Children, tmp_path: Path
) -> None:
    """Seeded bug: the child acknowledges when it queues."""
    children.run(tmp_path, 0, bug="ack-early", crash_at="commit.before:20")
    assert any("is lost" in one for one in check(tmp_path)[1])
