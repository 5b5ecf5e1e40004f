"""A plan laid out in words, as the kernel reads it."""

import numpy as np
from numpy.typing import NDArray

from sekisho.windows import layout
from sekisho.windows.plan import MAX_KEY_FIELDS, Kind, Plan, Read, Table

Words = NDArray[np.int64]


class Image:
    """The words of a plan as the kernel reads them; keeps every array alive that it points to."""

    def __init__(self, plan: Plan) -> None:
        self.root: Words = np.zeros(layout.ROOT_WORDS, np.int64)
        self.address = self.root.ctypes.data
        self._kept: list[NDArray[np.int64] | NDArray[np.float64]] = []
        self._table_words: Words = np.zeros(
            (max(1, len(plan.tables)), layout.DESCRIPTOR_WORDS), np.int64
        )
        self.descriptors = [self._table_words[index] for index in range(len(plan.tables))]
        root = self.root
        root[layout.TABLES] = len(plan.tables)
        root[layout.CONDITION_WORDS] = plan.condition_words
        root[layout.FIELDS] = plan.fields
        root[layout.EVICTION_NOW] = layout.NEVER // 2
        root[layout.DESCRIPTORS] = self._table_words.ctypes.data
        scratch = np.zeros(layout.MAX_CUTS + 2 * layout.MAX_COLUMNS, np.int64)
        root[layout.POSITIONS] = self._keep(scratch)
        for index, table in enumerate(plan.tables):
            reads = [(at, read) for at, read in enumerate(plan.reads) if read.table == index]
            self._describe(self.descriptors[index], table, reads)

    def point(self, event: Words, other: Words, answers: NDArray[np.float64]) -> None:
        """Tell the kernel where events come in and answers go out."""
        self.root[layout.INPUT] = self._keep(event)
        self.root[layout.OTHER_INPUT] = self._keep(other)
        self.root[layout.OUTPUT] = self._keep(answers)

    def _keep(self, array: NDArray[np.int64] | NDArray[np.float64]) -> int:
        self._kept.append(array)
        return array.ctypes.data

    def _slots(self) -> int:
        from sekisho.windows.slots import new_slots  # noqa: PLC0415 — brings numba

        self.root[layout.BYTES] += layout.FIRST_SLOTS * 16
        return new_slots(layout.FIRST_SLOTS)

    def _describe(self, words: Words, table: Table, reads: list[tuple[int, Read]]) -> None:
        columns = table.columns
        trees = any(column.kind > Kind.MATCH for column in columns)
        assert len(table.keys) <= MAX_KEY_FIELDS
        assert len(columns) <= layout.MAX_COLUMNS
        words[layout.SLOTS] = self._slots()
        words[layout.MASK] = layout.FIRST_SLOTS - 1
        words[layout.TYPES] = table.types
        words[layout.CONDITION] = table.condition
        words[layout.KEY_COUNT] = len(table.keys)
        words[layout.KEY_FIELDS : layout.KEY_FIELDS + len(table.keys)] = list(table.keys)
        words[layout.COLUMNS] = len(columns)
        pairs = [word for column in columns for word in (column.kind, column.source)]
        words[layout.COLUMN_LIST] = self._keep(np.array([*pairs, 0], np.int64))
        words[layout.RETENTION] = table.retention_us
        words[layout.HINTS] = layout.BASE + len(columns) * (2 if trees else 1)
        words[layout.STRIDE] = 1 + len(columns)
        words[layout.FOREVER] = table.members_forever
        words[layout.KEEP_KEYS] = any(read.window_us is None for _, read in reads)
        words[layout.CURRENT] = any(read.include_current for _, read in reads)
        words[layout.ACTIVE] = 1
        words[layout.TREES] = trees
        self._describe_reads(words, reads)

    def _describe_reads(self, words: Words, reads: list[tuple[int, Read]]) -> None:
        cuts = sorted({cut for _, read in reads for cut in _cuts(read)})
        assert len(cuts) <= layout.MAX_CUTS
        place = {cut: at for at, cut in enumerate(cuts)}
        rows: list[int] = []
        for output, read in reads:
            low = -1 if read.window_us is None else place[read.lag_us + read.window_us]
            rows += [read.aggregate, low, place[read.lag_us], read.column, read.second]
            rows += [read.include_current and read.lag_us == 0, read.cap, read.unit_us, output]
        words[layout.CUTS] = len(cuts)
        words[layout.HEAD] = int(words[layout.HINTS]) + (len(cuts) + 1) // 2
        words[layout.CUT_LIST] = self._keep(np.array([*cuts, 0], np.int64))
        words[layout.READS] = len(reads)
        words[layout.READ_LIST] = self._keep(np.array([*rows, 0], np.int64))


def _cuts(read: Read) -> tuple[int, ...]:
    if read.window_us is None:
        return (read.lag_us,)
    return (read.lag_us, read.lag_us + read.window_us)
