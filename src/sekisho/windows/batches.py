"""Which reads over columns are answered together, in the form the kernel takes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sekisho.windows.plan import Aggregate, Plan, Read, Table

MOST_READS: Final = 8  # reads of a table answered together: bounds the room a row takes
ITSELF: Final = 1
INSTANT: Final = 2
COUNTS: Final = frozenset({Aggregate.COUNT, Aggregate.DISTINCT, Aggregate.UNSEEN})
MISSING: Final = frozenset(
    {Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST}
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Reads of one table that are answered together, those of one window side by side.

    Attributes:
        reads: their positions in the plan.
        used: positions of the table's columns they need.
        slots: where each read's answer stands among those of a row: counts first.
        counts: how many are counts.
        asked: each read as a row of words.
        nothing: what each read answers to a row without a key.
    """

    table: Table
    reads: list[int]
    used: list[int]
    slots: list[int]
    counts: int
    asked: NDArray[np.int64]
    nothing: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Words of a row: its key, time and columns, and later its answers."""
        return max(2 + len(self.used), len(self.reads))


def batches_of(plan: Plan, *, whole_instants: bool) -> list[Batch]:
    """All reads of a plan, those of one key side by side."""
    current = INSTANT if whole_instants else ITSELF
    return sorted(_batches(plan, current), key=lambda batch: batch.table.keys)


def _batches(plan: Plan, current: int) -> Iterator[Batch]:
    for index, table in enumerate(plan.tables):
        reads = [at for at, read in enumerate(plan.reads) if read.table == index]
        reads.sort(key=lambda at: _window(plan.reads[at]))
        for start in range(0, len(reads), MOST_READS):
            yield _batch(plan, table, reads[start : start + MOST_READS], current)


def _batch(plan: Plan, table: Table, reads: list[int], current: int) -> Batch:
    asking = [plan.reads[at] for at in reads]
    used = sorted({at for read in asking for at in (read.column, read.second) if at >= 0})
    is_count = [read.aggregate in COUNTS for read in asking]
    order = sorted(range(len(asking)), key=lambda at: not is_count[at])
    slots = [order.index(at) for at in range(len(asking))]
    asked = [_words(*one, used, current) for one in zip(asking, slots, strict=True)]
    nothing = np.array([np.nan if read.aggregate in MISSING else 0.0 for read in asking])
    return Batch(table, reads, used, slots, sum(is_count), np.array(asked, np.int64), nothing)


def _words(read: Read, slot: int, used: list[int], current: int) -> list[int]:
    column, second = (used.index(at) if at >= 0 else -1 for at in (read.column, read.second))
    window, lag, includes = _window(read)
    seen = current if includes and lag == 0 else 0
    return [read.aggregate, window, lag, column, second, seen, read.cap, read.unit_us, slot]


def _window(read: Read) -> tuple[int, int, bool]:
    return (-1 if read.window_us is None else read.window_us, read.lag_us, read.include_current)
