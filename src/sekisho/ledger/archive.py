"""Event ids too old for memory: kept on disk, in the order of their hashes."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Sequence
from itertools import islice
from typing import cast

import apsw
import numpy as np

from sekisho.durable import Store, insert_rows
from sekisho.ledger.rows import QUERIES
from sekisho.ledger.seen import PER_ROW, Hashes, SeenIds

SLICE_ROWS = 2000  # archived in one commit, so that decisions wait a few milliseconds at most
LOADED_COMMITS = 10_000  # taken into memory at once when a ledger is opened
ROUND_US = 86_400_000_000  # retire a day at a time: sorted, many ids share a page
CLOCKS_APART_US = 86_400_000_000  # how far ahead of its recording an event may be dated
_PAIR = 2

_Batch = tuple[int, int, bytes]


class Archive:
    """Where ids go when memory lets them go.

    Attributes:
        horizon_us: memory has every id recorded since; 0 while nothing was archived.
    """

    def __init__(self, store: Store, seen: SeenIds) -> None:
        self.horizon_us = 0
        self._store = store
        self._seen = seen

    def rows_of(self, wanted: int, at_us: int | None) -> Sequence[int]:
        """Archived rows that may hold the id; none, at once, for an event of recent date.

        An event is recorded after it happened, so one that happened within the horizon cannot
        have been recorded before it, give or take a day of wrong clocks.
        """
        if self.horizon_us == 0:
            return ()
        if at_us is not None and at_us >= self.horizon_us + CLOCKS_APART_US:
            return ()
        found = self._store.read().execute(QUERIES["archived"], (wanted,))
        return [cast("int", values[0]) for values in found]

    def retire(self, now_us: int, keep_us: int) -> int:
        """Archive the ids recorded more than `keep_us` ago, if a day's worth has gathered.

        Interrupted anywhere, it starts again and finds its own rows already there.

        Returns:
            Rows archived.
        """
        oldest = self._store.read().execute(QUERIES["recent_oldest"]).fetchone()
        if oldest is None or cast("int", oldest[0]) >= now_us - keep_us - ROUND_US:
            return 0
        batches = self._store.read().execute(QUERIES["recent_before"], (now_us - keep_us,))
        hashes, seqs = _event_ids(cast("list[_Batch]", batches.fetchall()))
        last = int(seqs[-1])
        order = np.argsort(hashes)
        order = order[hashes[order] != 0]
        for start in range(0, len(order), SLICE_ROWS):
            part = order[start : start + SLICE_ROWS]
            pairs = np.stack((hashes[part], seqs[part]), 1).ravel().tolist()
            self._store.write(lambda c, p=pairs: _insert(c, p)).result()
        self.horizon_us = self._store.write(lambda c: _forget(c, last)).result()
        self._store.write(lambda _: self._seen.forget_before(last + 1)).result()
        return len(seqs) // _PAIR


def load_recent(connection: apsw.Connection, seen: SeenIds) -> int:
    """Fill memory with the ids that are not archived, and return the horizon."""
    cursor = connection.execute(QUERIES["recent"])
    # commits follow one another without a gap, so many of them are added as one
    while batches := cast("list[_Batch]", list(islice(cursor, LOADED_COMMITS))):
        blobs = bytearray().join(blob for _, _, blob in batches)
        seen.add_batch(batches[0][0], np.frombuffer(blobs, np.int64))
    return _horizon_us(connection)


def _event_ids(batches: list[_Batch]) -> tuple[Hashes, Hashes]:
    """Hashes of event ids and subjects, with their rows; keys have expired by then."""
    hashes = np.frombuffer(b"".join(blob for _, _, blob in batches), np.int64)
    seqs = batches[0][0] + np.arange(len(hashes) // PER_ROW, dtype=np.int64)
    kept = np.concatenate((hashes[::PER_ROW], hashes[2::PER_ROW]))
    return kept, np.concatenate((seqs, seqs))


def _insert(connection: apsw.Connection, pairs: list[int]) -> None:
    insert_rows(connection, QUERIES["insert_archive"], _PAIR, pairs)


def _forget(connection: apsw.Connection, last_seq: int) -> int:
    connection.execute(QUERIES["forget_recent"], (last_seq,))
    return _horizon_us(connection)


def _horizon_us(connection: apsw.Connection) -> int:
    """When the oldest id in memory was recorded; 0 when the first row's is among them."""
    first = connection.execute(QUERIES["recent_oldest"]).fetchone()
    newest = connection.execute(QUERIES["newest_recorded"]).fetchone()
    if first is not None:
        recorded_us, seq = cast("tuple[int, int]", first)
        return 0 if seq == 1 else recorded_us
    return 0 if newest is None else cast("int", newest[0]) + 1
