"""A batch that fails with many in flight: all of it is taken back, and everybody is told."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from recount import recounted
from stream import DECISIONS, Stream

from sekisho.flow import Asking, Checkpoint, NotRecorded, Refusal, Reply
from sekisho.ledger import Ledger
from sekisho.velocity import Counters

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.entrypoints.node import Node

SEED = 20261122
AT_US = 1_790_000_000_000_000


def submit(node: Node, stream: Stream, count: int) -> tuple[list[str], list[Reply | Exception]]:
    """Hand requests to the checkpoint without waiting, seven a turn; ids of those it took."""
    told: list[Reply | Exception] = []
    taken: list[str] = []
    for request in stream.take(count):
        way = node.checkpoint.decide if request.path == DECISIONS else node.checkpoint.report
        try:
            way(request.body, Asking("me", request.key), told.append)
        except Refusal:
            continue
        taken.append(request.event_id)
        if len(taken) % 7 == 0:
            node.ledger.hand_over()
    node.ledger.hand_over()
    return taken, told


def settle(node: Node, told: list[Reply | Exception], count: int) -> None:
    """Wait for every answer, or fail when one will never come."""
    barrier: list[bool] = []

    def end(_future: Any) -> None:
        node.owner.post(lambda: barrier.append(True))

    node.store.write(lambda _: None).add_done_callback(end)
    node.owner.run_until(lambda: bool(barrier))
    assert len(told) == count, f"seed {SEED}: {count - len(told)} are left waiting"


def full(node: Node, *, on: bool) -> None:
    """Make the disk refuse every row, or take them again."""
    text = (
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.ledger BEGIN SELECT RAISE(FAIL, 'x'); END"
    )
    node.store.write(lambda c: c.execute(text if on else "DROP TRIGGER full")).result()


def held(counters: Counters) -> dict[str, dict[int, list[Any]]]:
    """What is held, by table and key, whatever the places in memory."""
    found: dict[str, dict[int, list[Any]]] = {}
    tables = counters.plan.plan.tables
    for (name, words), table in zip(counters.snapshot().items(), tables, strict=True):
        columns = len(table.columns)
        place, keys = 1, found.setdefault(name, {})
        for _ in range(int(words[0])):
            key, length = int(words[place]), int(words[place + 1])
            base = words[place + 2 : place + 5 + columns].tolist()
            place += 5 + columns
            rows = words[place : place + length * (1 + columns)].reshape(length, 1 + columns)
            place += rows.size
            if length or base[0]:
                # the lowest bit of a member marks its latest row, which may move within an instant
                keys[key] = [base, sorted(np.hstack((rows[:, :1], rows[:, 1:] & -2)).tolist())]
    return found


def history(node: Node, stream: Stream, count: int = 150) -> None:
    """Let some of it be recorded in good health."""
    taken, told = submit(node, stream, count)
    settle(node, told, len(taken))
    assert all(isinstance(one, Reply) for one in told)


@pytest.mark.parametrize("seed", range(4))
def test_failed_batch_leaves_no_trace_and_no_waiter(new_node: Any, seed: int) -> None:
    node, stream = new_node(), Stream(f"t{seed}", AT_US)
    history(node, stream)
    before = held(node.policy.counters)
    full(node, on=True)
    taken, told = submit(node, stream, 120)
    settle(node, told, len(taken))
    fresh = [one for one in told if not isinstance(one, Reply) or not one.replayed]
    assert len(fresh) > 50
    assert all(isinstance(one, NotRecorded) for one in fresh), f"seed {seed}"
    assert held(node.policy.counters) == before, f"seed {seed}"
    full(node, on=False)
    history(node, Stream(f"u{seed}", AT_US))
    assert recounted(node)[1] == [], f"seed {seed}"


class Slow:
    """Holds the writer thread's news back, so that several batches end before the owner hears."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.kept: list[Callable[[], None]] = []
        node._post = self.kept.append

    def tell(self, count: int | None = None) -> None:
        """Bring news to the owner, oldest first."""
        some, self.kept[:] = (
            self.kept[:count],
            self.kept[len(self.kept) if count is None else count :],
        )
        for one in some:
            one()


def drain(node: Node) -> None:
    node.ledger.hand_over()
    node.store.write(lambda _: None).result()


def live_through_failures(node: Node, seed: int) -> None:
    """Several batches fail; between two of the news the owner goes on deciding."""
    rng = random.Random(seed)
    history(node, Stream(f"t{seed}", AT_US))
    slow = Slow(node)
    full(node, on=True)
    told: list[Reply | Exception] = []
    for number in range(30):
        node.checkpoint.decide(late_payment(f"l{number}"), Asking(), told.append)
        if rng.random() < 0.4:
            drain(node)
    drain(node)
    full(node, on=False)
    asked = 0
    for _ in range(200):
        slow.tell(1)
        with suppress(NotRecorded):
            node.checkpoint.decide(late_payment(f"n{asked}"), Asking(), told.append)
            asked += 1
        if rng.random() < 0.3:
            drain(node)
    drain(node)
    slow.tell()
    node.detach()
    assert asked > 50
    assert len(told) == 30 + asked, f"seed {seed}"
    assert sum(isinstance(one, Reply) for one in told) == asked, f"seed {seed}"
    assert recounted(node)[1] == [], f"seed {seed}"


def late_payment(event_id: str) -> bytes:
    event = {"type": "payment", "id": event_id, "customer": "late", "amount": 1, "currency": "usd"}
    return json.dumps(event).encode()


@pytest.mark.parametrize("seed", range(4))
def test_refusals_told_late_take_nothing_newer_back(new_node: Any, seed: int) -> None:
    live_through_failures(new_node(), seed)


# ── each check can fail ─────────────────────────────────────────────────────────────────────────


def fail_a_batch(node: Node) -> tuple[Any, int, list[Reply | Exception]]:
    """What was held before, requests taken, and answers to them, with a disk that refuses all."""
    stream = Stream("bug", AT_US)
    history(node, stream)
    before = held(node.policy.counters)
    full(node, on=True)
    taken, told = submit(node, stream, 60)
    return before, len(taken), told


def test_skipped_retraction_is_found(new_node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded bug: what a refused decision had counted stays."""
    node = new_node()
    monkeypatch.setattr(Counters, "retract", lambda *_: None)
    before, count, told = fail_a_batch(node)
    settle(node, told, count)
    assert held(node.policy.counters) != before
    full(node, on=False)
    _, wrong = recounted(node)
    assert any("after row" in one for one in wrong)


def test_waiter_left_hanging_is_found(new_node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded bug: nobody is told that a batch failed."""
    take_back = Checkpoint._take_back

    def silent(self: Checkpoint, told: int, error: Exception) -> None:
        for one in self._in_flight:
            one.waiters.clear()
        take_back(self, told, error)

    monkeypatch.setattr(Checkpoint, "_take_back", silent)
    node = new_node()
    _, count, told = fail_a_batch(node)
    with pytest.raises(AssertionError, match="left waiting"):
        settle(node, told, count)


def test_resuming_too_early_is_found(new_node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded bug: the owner goes on before it has heard of every refused batch."""
    refusing = property(lambda _: 0, lambda *_: None)
    monkeypatch.setattr(Checkpoint, "_refusing", refusing, raising=False)
    monkeypatch.setattr(Ledger, "pending", 0)
    with pytest.raises((AssertionError, IndexError)):
        live_through_failures(new_node(), 0)
