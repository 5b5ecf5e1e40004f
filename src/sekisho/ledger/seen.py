"""Which ids were seen lately: a compact memory from hashed ids to rows of the ledger."""

# Compiled kernels are typed by numba when they are called.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from sekisho.ledger import _probe as probe
from sekisho.ledger.entry import Kind

Hashes = NDArray[np.int64]

PER_ROW = 3  # a row has an event id and, perhaps, an idempotency key and a subject
_CAPACITY_MIN = 1 << 14
_LOAD_MAX = 0.75  # fullest a table gets
_GROWTH = 1.45  # with the load above: 21 to 31 bytes for each id


class SeenIds:
    """Maps ids to the rows they may be in; a miss is certain, a hit is confirmed by its row.

    Ids are hashed to 63 bits, never 0: two of 10 million meet with a chance of 1 in 180,000, and
    then both rows are looked at. Only one thread may add; any may look. Growing makes a new table
    aside, so a look never waits for it.

    Args:
        seed: secret of the installation; nobody outside can aim ids at one slot.
    """

    __slots__ = ("_count", "_seed", "_slots")

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0
        self._slots: Hashes = np.zeros(2 * _CAPACITY_MIN, np.int64)
        self._warm_up()

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Memory of the table, in bytes."""
        return self._slots.nbytes

    def of_event(self, kind: Kind, event_id: str) -> int:
        """The hash under which an event id is kept; 0 for no id."""
        if not event_id:
            return probe.EMPTY
        return xxh3_64_intdigest(f"{kind}\0{event_id}".encode(), self._seed) >> 1 or 1

    def of_subject(self, event_id: str) -> int:
        """The hash under which rows about an event are kept; 0 for none."""
        if not event_id:
            return probe.EMPTY
        return xxh3_64_intdigest(f"about\0{event_id}".encode(), self._seed) >> 1 or 1

    def of_key(self, scope: str, key: str) -> int:
        """The hash under which an idempotency key is kept."""
        return xxh3_64_intdigest(f"key\0{scope}\0{key}".encode(), self._seed) >> 1 or 1

    def rows_of(self, wanted: int) -> Sequence[int]:
        """Rows that may hold the id, usually none or one."""
        seq = cast("int", probe.find(self._slots, wanted, 0))
        if seq == 0:
            return ()
        found = [seq]
        while seq := cast("int", probe.find(self._slots, wanted, len(found))):
            found.append(seq)
        return found

    def first_present(self, hashes: Hashes, start: int = 0) -> int:
        """Index of the first hash from `start` on that was seen before; -1 when all are new."""
        return probe.first_present(self._slots, hashes, start)

    def add_batch(self, first_seq: int, hashes: Hashes) -> None:
        """Remember the ids of consecutive rows: for each event id, key and subject (0 = none)."""
        needed = self._count + int(np.count_nonzero(hashes))
        if needed > _LOAD_MAX * (len(self._slots) >> 1):
            self._rebuild(max(int(needed / _LOAD_MAX * _GROWTH), _CAPACITY_MIN), 0)
        self._count += probe.put_batch(self._slots, hashes, first_seq, PER_ROW)

    def forget_before(self, seq: int) -> None:
        """Drop the ids of all rows before one, and the memory they took."""
        self._rebuild(len(self._slots) >> 1, seq)
        fitting = max(int(self._count / _LOAD_MAX * _GROWTH), _CAPACITY_MIN)
        if 2 * fitting < len(self._slots) >> 1:
            self._rebuild(fitting, seq)

    def _warm_up(self) -> None:
        """Load the kernels now, about half a second, and not at the first decision."""
        nothing = np.zeros(PER_ROW, np.int64)
        self.add_batch(1, nothing)
        self.first_present(nothing)
        self.rows_of(1)
        self._rebuild(_CAPACITY_MIN, 0)

    def _rebuild(self, capacity: int, seq_min: int) -> None:
        copied = probe.copy_from(self._slots, capacity, seq_min)
        self._slots, self._count = cast("tuple[Hashes, int]", copied)
