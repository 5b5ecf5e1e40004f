"""Every read of a plan over whole columns of events in time order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sekisho.windows.plan import Aggregate, Plan

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
    sources = _Sources(plan, columns, whole_instants=whole_instants)
    answers: dict[int, Reals] = {}
    for index in range(len(plan.tables)):
        answers.update(_table(plan, index, sources))
    return [answers[at] for at in range(len(plan.reads))]


class _Sources:
    """The columns as the kernel reads them, and memory that one table after another uses."""

    def __init__(self, plan: Plan, columns: Columns, *, whole_instants: bool) -> None:
        self.current = INSTANT if whole_instants else ITSELF
        self._rows = len(columns.times)
        fields = [field.view(np.int64) for field in columns.fields]
        self.fields: Words = np.array([*fields, columns.types, columns.times], np.int64)
        self.values = self._matrix(columns.values, np.float64)
        self.conditions = self._matrix(columns.conditions, np.bool_)
        widest = max((len(table.columns) for table in plan.tables), default=0)
        self._words: Words = np.empty(self._rows * (2 + widest), np.int64)
        most = max((len(_reads(plan, index)) for index in range(len(plan.tables))), default=0)
        self._found: Reals = np.empty(self._rows * most)
        self._keys: dict[tuple[int, ...], tuple[Words, Words]] = {}

    def _matrix(self, columns: Sequence[Any], kind: Any) -> NDArray[Any]:
        return np.array([*columns], kind).reshape(len(columns), self._rows)

    def words(self, width: int) -> Words:
        """Room for the words of every row."""
        return self._words[: self._rows * width].reshape(self._rows, width)

    def found(self, width: int) -> Reals:
        """Room for the answers of every row."""
        return self._found[: self._rows * width].reshape(self._rows, width)

    def parts(self, key: tuple[int, ...]) -> tuple[Words, Words]:
        """Each row's key, and where each part of the rows starts."""
        from sekisho.windows.grouping import joint_identity, part_starts  # noqa: PLC0415 — numba

        if key not in self._keys:
            keys = joint_identity(np.stack([self.fields[field] for field in key]))
            parts = 1
            while parts < MOST_PARTS and parts * PART_ROWS < len(keys):
                parts *= 2
            self._keys[key] = (keys, part_starts(keys, parts))
        return self._keys[key]


def _reads(plan: Plan, table: int) -> list[int]:
    """Positions of a table's reads, those of the same window side by side."""
    reads = [at for at, read in enumerate(plan.reads) if read.table == table]
    return sorted(reads, key=lambda at: _window(plan, at))


def _window(plan: Plan, at: int) -> tuple[int, int, bool]:
    read = plan.reads[at]
    return (-1 if read.window_us is None else read.window_us, read.lag_us, read.include_current)


def _table(plan: Plan, index: int, sources: _Sources) -> dict[int, Reals]:
    from sekisho.windows.columns import window_table  # noqa: PLC0415 — numba
    from sekisho.windows.grouping import collect, lay_out  # noqa: PLC0415 — numba

    table, reads = plan.tables[index], _reads(plan, index)
    keys, starts = sources.parts(table.keys)
    words = sources.words(2 + len(table.columns))
    takes = np.array([table.types, table.condition], np.int64)
    pairs = np.array([(c.kind, c.source) for c in table.columns], np.int64)
    pairs = pairs.reshape(len(table.columns), 2)
    lay_out(keys, starts, words, takes, pairs, sources.fields, sources.values, sources.conditions)
    asked = np.array([_words(plan, at, sources.current) for at in reads], np.int64)
    nothing = np.array([_nothing(plan, at) for at in reads], np.float64)
    found = sources.found(len(reads))
    kinds = np.ascontiguousarray(pairs[:, 0])
    window_table(words, starts, kinds, asked.reshape(len(reads), 8), nothing, found)
    answers = np.empty((len(reads), len(keys)))
    collect(keys, starts, found, answers)
    return dict(zip(reads, answers, strict=True))


def _words(plan: Plan, at: int, current: int) -> list[int]:
    read = plan.reads[at]
    window, lag, includes = _window(plan, at)
    seen = current if includes and lag == 0 else 0
    return [read.aggregate, window, lag, read.column, read.second, seen, read.cap, read.unit_us]


def _nothing(plan: Plan, at: int) -> float:
    missing = (Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST)
    return float("nan") if plan.reads[at].aggregate in missing else 0.0
