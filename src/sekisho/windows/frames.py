"""Every read of a plan over whole columns of events in time order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sekisho.windows import layout
from sekisho.windows.plan import FIXED_POINT, VALUE_LIMIT, Aggregate, Column, Kind, Plan, Table

ITSELF = 1
INSTANT = 2
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
    """Codes of fields and keys, made once for all tables that share them."""

    def __init__(self, columns: Columns, *, whole_instants: bool) -> None:
        self.columns = columns
        self.current = INSTANT if whole_instants else ITSELF
        self.times = np.array(columns.times, np.int64)
        self._codes: dict[tuple[int, ...], tuple[NDArray[np.int32], int]] = {}
        self._orders: dict[tuple[int, ...], tuple[NDArray[np.int32], NDArray[np.int64]]] = {}

    def codes(self, key: tuple[int, ...]) -> tuple[NDArray[np.int32], int]:
        from sekisho.windows.grouping import dense_codes, joint_identity  # noqa: PLC0415 — numba

        if key not in self._codes:
            parts = np.stack([self.columns.fields[field] for field in key])
            self._codes[key] = dense_codes(joint_identity(parts))
        return self._codes[key]

    def order(self, key: tuple[int, ...]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        from sekisho.windows.grouping import grouped  # noqa: PLC0415 — numba

        if key not in self._orders:
            self._orders[key] = grouped(*self.codes(key))
        return self._orders[key]


def _window(plan: Plan, at: int) -> tuple[int, int, bool]:
    read = plan.reads[at]
    return (-1 if read.window_us is None else read.window_us, read.lag_us, read.include_current)


def _table(plan: Plan, table: Table, reads: list[int], groups: _Groups) -> list[Reals]:
    from sekisho.windows.columns import turned, window_table  # noqa: PLC0415 — numba

    columns = groups.columns
    rows = len(columns.times)
    takes = (columns.types & table.types) != 0
    if table.condition >= 0:
        takes &= columns.conditions[table.condition]
    source = np.zeros((max(1, len(table.columns)), rows), np.int64)
    codes = 0
    for at, column in enumerate(table.columns):
        source[at], used = _cells(column, groups)
        codes = max(codes, used)
    kinds = np.array([int(column.kind) for column in table.columns] or [0], np.int64)
    words = np.array([_words(plan, at, groups.current) for at in reads], np.int64).reshape(
        len(reads), 8
    )
    order, starts = groups.order(table.keys)
    found = np.tile(np.array([_nothing(plan, at) for at in reads]), (rows, 1))
    times = groups.times
    window_table(order, starts, times, takes, source, kinds, words, codes, found)
    answers = np.empty((len(reads), rows))
    turned(found, answers)
    return list(answers)


def _cells(column: Column, groups: _Groups) -> tuple[NDArray[np.int64], int]:
    columns = groups.columns
    if column.kind is Kind.MATCH:
        return columns.conditions[column.source].astype(np.int64), 0
    if column.kind is Kind.MEMBER:
        codes, used = groups.codes((column.source,))
        return codes.astype(np.int64), used
    value = columns.values[column.source]
    absent = np.isnan(value)
    if column.kind is Kind.PRESENT:
        return (~absent).astype(np.int64), 0
    held = np.clip(np.where(absent, 0.0, value), -VALUE_LIMIT, VALUE_LIMIT)
    words = np.rint(held * FIXED_POINT).astype(np.int64)
    if column.kind is Kind.TOTAL:
        return words, 0
    return np.where(absent, layout.NONE, -words if column.kind is Kind.DIP else words), 0


def _words(plan: Plan, at: int, current: int) -> list[int]:
    read = plan.reads[at]
    window, lag, includes = _window(plan, at)
    seen = current if includes and lag == 0 else 0
    return [read.aggregate, window, lag, read.column, read.second, seen, read.cap, read.unit_us]


def _nothing(plan: Plan, at: int) -> float:
    missing = (Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST)
    return float("nan") if plan.reads[at].aggregate in missing else 0.0
