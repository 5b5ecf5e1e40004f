"""The store: tables of rows per key in compiled memory, one call for each event."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from struct import Struct
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from sekisho.windows import layout
from sekisho.windows.image import Image, Words
from sekisho.windows.plan import Plan

if TYPE_CHECKING:
    from typing_extensions import Buffer

Step = Callable[..., int]
STRETCH: Final = 1024
"""Events added in one call: some 2 ms in which no other thread runs."""


@dataclass(frozen=True, slots=True)
class TableSnapshot:
    """One table's content: how many keys, and their words."""

    keys: int
    words: Words


class WindowStore:
    """Exact counts, sums, extremes and different members per key over any window of event time.

    An event is handed over with `load`, then `run` reads it, adds it, takes it out or replaces one
    version by another; `answers` gives what the last read found, in the order of the plan's reads.
    Adding and reading near the newest rows costs the logarithm of a key's rows; an event that
    comes late moves the rows behind it.
    """

    def __init__(self, plan: Plan) -> None:
        # numba takes a second to import: only who counts pays for it.
        from sekisho.windows.kernel import step  # noqa: PLC0415 — see above

        self.plan = plan
        form = Struct(plan.event_format)
        event = np.zeros(form.size // 8, np.int64)
        other = np.zeros_like(event)
        found = np.full(max(1, len(plan.reads)), np.nan)
        self._form_bytes = form.size
        self._image = Image(plan)
        self._image.point(event, other, found)
        self._step: Step = step
        self._root = self._image.address
        # Bound once in C, because these four run for every event.
        self.load: Callable[..., None] = partial(form.pack_into, _bytes_of(event), 0)
        """Hand over an event: the words `Plan` describes."""
        self.load_before: Callable[..., None] = partial(form.pack_into, _bytes_of(other), 0)
        """Hand over the version of the event that REVISE replaces."""
        self.run: Step = partial(self._step, self._root)
        """Do one operation; a read returns how many answers are missing."""
        self.answers: Callable[[], list[float]] = found.tolist
        """What the last read found; NaN where a value is missing."""
        weakref.finalize(self, _clear, self._step, self._image)

    def add_many(self, events: Words) -> None:
        """Add events at once: a row of words each, as `Plan` describes them.

        The interpreter is let go between stretches of them, so that other threads get on.
        """
        assert events.flags.c_contiguous
        assert events.shape[1] * events.itemsize == self._form_bytes
        root = self._image.root
        before = int(root[layout.INPUT])
        root[layout.EVENT_BYTES] = self._form_bytes
        for start in range(0, len(events), STRETCH):
            stretch = events[start : start + STRETCH]
            root[layout.INPUT] = stretch.ctypes.data
            root[layout.MANY] = len(stretch)
            self._step(self._root, int(layout.Operation.ADD_MANY))
        root[layout.INPUT] = before

    def sweep(self, now_us: int) -> bool:
        """Evict what expired, looking at a bounded number of keys; True when all were looked at."""
        self._image.root[layout.EVICTION_NOW] = now_us
        return self._step(self._root, int(layout.Operation.SWEEP)) == 0

    @property
    def held_rows(self) -> tuple[int, ...]:
        """Rows held in each table."""
        return tuple(int(table[layout.ROWS]) for table in self._image.descriptors)

    @property
    def held_keys(self) -> tuple[int, ...]:
        """Keys held in each table."""
        return tuple(int(table[layout.USED]) for table in self._image.descriptors)

    @property
    def held_bytes(self) -> int:
        """Bytes taken from the allocator, its own overhead included."""
        return int(self._image.root[layout.BYTES])

    @property
    def unmatched(self) -> int:
        """Removals that found nothing to remove since the store was made."""
        return int(self._image.root[layout.UNMATCHED])

    def activate(self, tables: frozenset[int]) -> None:
        """Let additions and removals touch these tables only, to fill them from history."""
        for index, table in enumerate(self._image.descriptors):
            table[layout.ACTIVE] = index in tables

    def adopt(self, table: int, other: "WindowStore", its_table: int) -> None:
        """Take over the rows of an equal table of another store, which loses them."""
        mine = self._image.descriptors[table]
        its = other._image.descriptors[its_table]
        if mine[layout.HEAD] != its[layout.HEAD]:  # other windows: rows begin elsewhere in a block
            self.restore(table, other.snapshot(its_table))
            return
        for word in (layout.SLOTS, layout.MASK, layout.USED, layout.ROWS):
            mine[word], its[word] = int(its[word]), int(mine[word])

    def snapshot(self, table: int) -> TableSnapshot:
        """Everything a table holds, as words."""
        from sekisho.windows.snapshots import KEY_WORDS, copy  # noqa: PLC0415 — as above

        descriptor = self._image.descriptors[table]
        keys, columns = int(descriptor[layout.USED]), int(descriptor[layout.COLUMNS])
        rows = int(descriptor[layout.ROWS]) * int(descriptor[layout.STRIDE])
        words = np.empty(keys * (KEY_WORDS + columns) + rows, np.int64)
        copy(self._root, descriptor.ctypes.data, words.ctypes.data, -1)
        return TableSnapshot(keys, words)

    def restore(self, table: int, snapshot: TableSnapshot) -> None:
        """Fill an empty table from a snapshot of an equal one."""
        from sekisho.windows.snapshots import copy  # noqa: PLC0415 — as above

        words = np.ascontiguousarray(snapshot.words, np.int64)
        descriptor = self._image.descriptors[table]
        copy(self._root, descriptor.ctypes.data, words.ctypes.data, snapshot.keys)


def _clear(step: Step, image: Image) -> None:
    step(image.address, int(layout.Operation.CLEAR))


def _bytes_of(words: Words) -> memoryview:
    return memoryview(cast("Buffer", words)).cast("B")


def warm() -> None:
    """Compile the kernel now, or load it from the cache on disk (set-up does this once)."""
    for name in ("kernel", "snapshots", "grouping", "spreading", "columns"):
        import_module(f"sekisho.windows.{name}")
