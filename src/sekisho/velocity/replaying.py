"""History that columns cannot tell: events out of order, labels that come while a window looks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sekisho.windows import Columns, Operation, Plan, WindowStore

Words = tuple[float, ...]
LAST_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Learned:
    """The events as they looked before their labels were known, and when that was."""

    before: Columns
    known_us: NDArray[np.int64]
    has_known: NDArray[np.bool_]


def replayed(plan: Plan, columns: Columns, learned: Learned | None) -> list[NDArray[np.float64]]:
    """Every read as of each row, the rows taken one by one in their order.

    A label is seen from the first row on that comes at or after its known time.
    """
    store = WindowStore(plan)
    found = np.full((len(columns.times), len(plan.reads)), np.nan)
    later = list(_words(plan, columns))
    first = later if learned is None else list(_words(plan, learned.before))
    due = _due(columns, learned)
    now = -(2**63)
    turn = 0
    for row, words in enumerate(first):
        now = max(now, int(columns.times[row]))
        while turn < len(due) and due[turn][0] <= now and due[turn][1] < row:
            _learn(store, first[due[turn][1]], later[due[turn][1]])
            turn += 1
        known = learned is not None and learned.has_known[row] and learned.known_us[row] <= now
        store.load(*(later[row] if known else words))
        store.run(int(Operation.READ_ADD))
        if plan.reads:
            found[row] = store.answers()
    return [np.ascontiguousarray(found[:, at]) for at in range(len(plan.reads))]


def _learn(store: WindowStore, before: Words, after: Words) -> None:
    store.load_before(*before)
    store.load(*after)
    store.run(int(Operation.REVISE))


def _due(columns: Columns, learned: Learned | None) -> list[tuple[int, int]]:
    """Known time and row of each label that is not known when its row arrives, by known time."""
    if learned is None:
        return []
    arrived = np.maximum.accumulate(columns.times)
    late = np.flatnonzero(learned.has_known & (learned.known_us > arrived))
    return sorted((int(learned.known_us[row]), int(row)) for row in late)


def _words(plan: Plan, columns: Columns) -> Iterator[Words]:
    bits = [0] * len(columns.times)
    for at, held in enumerate(columns.conditions):
        for row in np.flatnonzero(held):
            bits[row] |= 1 << at
    packed = [[word >> (64 * n) & LAST_WORD for word in bits] for n in range(plan.condition_words)]
    parts = [columns.times.tolist(), columns.types.tolist(), *packed]
    parts += [field.tolist() for field in columns.fields]
    parts += [value.tolist() for value in columns.values]
    yield from zip(*parts, strict=True)
