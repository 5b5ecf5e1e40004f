"""Every read of a plan over whole columns of events in time order, key after key."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sekisho.windows.batches import Batch, batches_of
from sekisho.windows.plan import Column, Kind, Plan, Table

Words = NDArray[np.int64]
Reals = NDArray[np.float64]
Answers = NDArray[np.uint32] | Reals
PART_ROWS: Final = 8192  # rows of a part that stay in a core's cache with their answers
MOST_PARTS: Final = 1024  # more streams than this defeat the cache they are meant for


@dataclass(frozen=True, slots=True)
class Columns:
    """Events as columns, in order of time: what `Plan` calls the words of an event.

    `types` has a bit for each type; `fields` identities with 0 for absent; `values` NaN for
    absent. The sequences are asked for a column when a key needs it, and may make it then.
    """

    times: NDArray[np.int64]
    types: NDArray[np.int64]
    fields: Sequence[NDArray[np.uint64]]
    values: Sequence[Reals]
    conditions: Sequence[NDArray[np.bool_]]


class OutOfOrder(ValueError):
    """Rows are not in order of time: sort them, or replay them in order of arrival."""


def window_columns(plan: Plan, columns: Columns, *, whole_instants: bool = False) -> list[Answers]:
    """One column for each read: its value as of each row, NaN where it is missing.

    Counts, different members and UNSEEN come as 32-bit whole numbers, the rest as floats. A row
    sees the rows before it, those of its own instant included; itself only by reads that include
    the current event. With `whole_instants` such reads see every row of the instant, also those
    after it, as the RANGE frames of SQL do.

    Beside columns and answers this takes about 100 bytes a row, however many reads there are: their
    number at a time is bounded.

    Raises:
        OutOfOrder: the times fall somewhere.
    """
    if bool(np.any(columns.times[1:] < columns.times[:-1])):
        raise OutOfOrder(OutOfOrder.__doc__)
    batches = batches_of(plan, whole_instants=whole_instants)
    rows = _Rows(columns, max((batch.width for batch in batches), default=0))
    answers: dict[int, Answers] = {}
    for key, same in groupby(batches, key=lambda batch: batch.table.keys):
        grouped = _Grouped(rows, key)
        for batch in same:
            answers.update(zip(batch.reads, grouped.answers(batch), strict=True))
    return [answers[at] for at in range(len(plan.reads))]


class _Rows:
    """The columns, which of their rows count, and room for words that all batches use in turn."""

    def __init__(self, columns: Columns, widest: int) -> None:
        self.columns = columns
        self._room: Words = np.empty(len(columns.times) * widest, np.int64)
        self._counting: dict[tuple[int, int], NDArray[np.bool_]] = {}

    def words(self, width: int) -> Words:
        """Room for the words of every row."""
        rows = len(self.columns.times)
        return self._room[: rows * width].reshape(rows, width)

    def counting(self, table: Table) -> NDArray[np.bool_]:
        """Which rows count in a table."""
        rule = (table.types, table.condition)
        if rule not in self._counting:
            counts = (self.columns.types & table.types) != 0
            if table.condition >= 0:
                counts &= self.columns.conditions[table.condition]
            self._counting[rule] = counts
        return self._counting[rule]

    def source(self, column: Column) -> NDArray[Any]:
        """What a column of a table is filled from, as the kernel reads it."""
        match column.kind:
            case Kind.MATCH:
                return np.ascontiguousarray(self.columns.conditions[column.source], np.bool_)
            case Kind.MEMBER:
                return np.ascontiguousarray(self.columns.fields[column.source], np.uint64)
            case _:
                return np.ascontiguousarray(self.columns.values[column.source], np.float64)


class _Grouped:
    """The rows brought together by one key, part by part."""

    def __init__(self, rows: _Rows, key: tuple[int, ...]) -> None:
        from sekisho.windows.grouping import joint_identity, part_starts  # noqa: PLC0415 — numba

        self._rows = rows
        fields = [rows.columns.fields[field].view(np.int64) for field in key]
        self._keys: Words = joint_identity(np.stack(fields)) if len(key) > 1 else fields[0]
        parts = 1
        while parts < MOST_PARTS and parts * PART_ROWS < len(self._keys):
            parts *= 2
        self._starts: Words = part_starts(self._keys, parts)

    def answers(self, batch: Batch) -> list[Answers]:
        """The answers to a batch of reads, in its order."""
        from sekisho.windows.columns import window_table  # noqa: PLC0415 — numba
        from sekisho.windows.spreading import collect, lay_out  # noqa: PLC0415 — numba

        keys, starts, words = self._keys, self._starts, self._rows.words(batch.width)
        columns = [batch.table.columns[at] for at in batch.used]
        kinds = np.array([column.kind for column in columns], np.int64)
        sources = [
            self._rows.source(column) for column in columns
        ]  # held: the kernel has addresses
        addresses = np.array([source.ctypes.data for source in sources], np.int64)
        counting = self._rows.counting(batch.table)
        lay_out(keys, starts, self._rows.columns.times, counting, kinds, addresses, words)
        window_table(words, starts, kinds, batch.asked, batch.nothing)
        counts = np.empty((batch.counts, len(keys)), np.uint32)
        reals = np.empty((len(batch.reads) - batch.counts, len(keys)))
        collect(keys, starts, words.view(np.float64), counts, reals)
        found: list[Answers] = [*counts, *reals]
        return [found[slot] for slot in batch.slots]
