"""Every read of a plan over whole columns of events in time order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sekisho.windows.plan import Aggregate, Column, Kind, Plan, Table

Words = NDArray[np.int64]
PART_ROWS: Final = 8192  # rows of a part that stay in a core's cache with their answers
MOST_PARTS: Final = 1024  # more streams than this defeat the cache they are meant for
ITSELF: Final = 1
INSTANT: Final = 2
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Columns:
    """Events as columns, in order of time: what `Plan` calls the words of an event.

    `types` has a bit for each type; `fields` identities with 0 for absent; `values` NaN for
    absent.
    """

    times: NDArray[np.int64]
    types: NDArray[np.int64]
    fields: Sequence[NDArray[np.uint64]]
    values: Sequence[Reals]
    conditions: Sequence[NDArray[np.bool_]]


class OutOfOrder(ValueError):
    """Rows are not in order of time: sort them, or replay them in order of arrival."""


def window_columns(plan: Plan, columns: Columns, *, whole_instants: bool = False) -> list[Reals]:
    """One column for each read: its value as of each row, NaN where it is missing.

    A row sees the rows before it, those of its own instant included; itself only by reads that
    include the current event. With `whole_instants` such reads see every row of the instant, also
    those after it, as the RANGE frames of SQL do.

    Raises:
        OutOfOrder: the times fall somewhere.
    """
    if len(columns.times) and bool(np.any(np.diff(columns.times) < 0)):
        raise OutOfOrder(OutOfOrder.__doc__)
    answers: list[Reals] = [np.empty(0)] * len(plan.reads)
    groups = _Groups(columns, whole_instants=whole_instants)
    for index, table in enumerate(plan.tables):
        reads = [at for at, read in enumerate(plan.reads) if read.table == index]
        reads.sort(key=lambda at: _window(plan, at))
        for at, found in zip(reads, _table(plan, table, reads, groups), strict=True):
            answers[at] = found
    return answers


class _Groups:
    """Keys of the rows, made once for all tables that share them."""

    def __init__(self, columns: Columns, *, whole_instants: bool) -> None:
        self.columns = columns
        self.current = INSTANT if whole_instants else ITSELF
        self._keys: dict[tuple[int, ...], tuple[Words, Words]] = {}

    def parts(self, key: tuple[int, ...]) -> tuple[Words, Words]:
        """Each row's key, and where each part of the rows starts."""
        from sekisho.windows.grouping import joint_identity, part_starts  # noqa: PLC0415 — numba

        if key not in self._keys:
            keys = joint_identity(np.stack([self.columns.fields[field] for field in key]))
            parts = 1
            while parts < MOST_PARTS and parts * PART_ROWS < len(keys):
                parts *= 2
            self._keys[key] = (keys, part_starts(keys, parts))
        return self._keys[key]


def _window(plan: Plan, at: int) -> tuple[int, int, bool]:
    read = plan.reads[at]
    return (-1 if read.window_us is None else read.window_us, read.lag_us, read.include_current)


def _table(plan: Plan, table: Table, reads: list[int], groups: _Groups) -> list[Reals]:
    from sekisho.windows.columns import window_table  # noqa: PLC0415 — numba
    from sekisho.windows.grouping import collect, lay_out  # noqa: PLC0415 — numba

    keys, starts = groups.parts(table.keys)
    words = np.empty((len(keys), 2 + len(table.columns)), np.int64)
    lay_out(keys, _packed(table, groups.columns), starts, words)
    kinds = np.array([int(column.kind) for column in table.columns], np.int64)
    asked = np.array([_words(plan, at, groups.current) for at in reads], np.int64)
    nothing = np.array([_nothing(plan, at) for at in reads])
    found = np.empty((len(keys), len(reads)))
    window_table(words, starts, kinds, asked.reshape(len(reads), 8), nothing, found)
    answers = np.empty((len(reads), len(keys)))
    collect(keys, starts, found, answers)
    return list(answers)


def _packed(table: Table, columns: Columns) -> NDArray[np.int64]:
    """Twice the time, plus one if the row counts, and the columns, row by row."""
    packed = np.empty((len(columns.times), 1 + len(table.columns)), np.int64)
    takes = (columns.types & table.types) != 0
    if table.condition >= 0:
        takes &= columns.conditions[table.condition]
    packed[:, 0] = columns.times * 2 + takes
    for at, column in enumerate(table.columns, start=1):
        _pack(column, columns, packed, at)
    return packed


def _pack(column: Column, columns: Columns, packed: NDArray[np.int64], at: int) -> None:
    from sekisho.windows.columns import pack_values  # noqa: PLC0415 — numba

    match column.kind:
        case Kind.MATCH:
            packed[:, at] = columns.conditions[column.source]
        case Kind.MEMBER:
            packed[:, at] = columns.fields[column.source].view(np.int64)
        case _:
            values = np.array(columns.values[column.source], np.float64)
            pack_values(values, int(column.kind), packed, at)


def _words(plan: Plan, at: int, current: int) -> list[int]:
    read = plan.reads[at]
    window, lag, includes = _window(plan, at)
    seen = current if includes and lag == 0 else 0
    return [read.aggregate, window, lag, read.column, read.second, seen, read.cap, read.unit_us]


def _nothing(plan: Plan, at: int) -> float:
    missing = (Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST)
    return float("nan") if plan.reads[at].aggregate in missing else 0.0
