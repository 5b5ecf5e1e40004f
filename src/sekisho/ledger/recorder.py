"""Writes batches of entries into the chain, in the writer thread, and reports how they fared."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apsw
import numpy as np

from sekisho.durable import OutboxRow, insert_outbox, insert_rows, seam
from sekisho.ledger.chain import seal
from sekisho.ledger.checkpoints import Checkpoints
from sekisho.ledger.entry import Entry, columns
from sekisho.ledger.errors import LedgerConflict, LedgerPoisoned
from sekisho.ledger.rows import QUERIES, row
from sekisho.ledger.seen import PER_ROW, Hashes, SeenIds

OnBatch = Callable[[Sequence[Entry], Exception | None], None]
"""Told, in the writer thread, that entries are on disk (None) or that nothing of them was kept."""

_INSERT = QUERIES["insert_ledger"]
_WIDTH = 15
_UNIQUE = 2  # of the hashes of a row, event id and key come once; a subject may have many


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class _Staged:
    """A run inserted but not yet committed."""

    first_seq: int
    hashes: Hashes
    head: Head


class Recorder:
    """The ledger's side of a group commit; all methods run in the writer thread.

    After a failure it is poisoned: the entries behind the failed ones were decided on state that
    was never recorded, so all of them are refused until the owner has taken their effects back
    and resumes.
    """

    def __init__(
        self,
        head: Head,
        seen: SeenIds,
        checkpoints: Checkpoints,
        on_batch: OnBatch,
        key_lifetime_us: int,
    ) -> None:
        self.head = head
        self.settled_count = 0
        self.poison: Exception | None = None
        self._seen = seen
        self._checkpoints = checkpoints
        self._on_batch = on_batch
        self._key_lifetime_us = key_lifetime_us
        self._staged: deque[_Staged] = deque()

    def insert(self, connection: apsw.Connection, entries: Sequence[Entry], /) -> None:
        """Chain and insert a run of entries.

        Raises:
            LedgerPoisoned: an earlier entry failed.
            LedgerConflict: an id is already recorded.
        """
        if self.poison is not None:
            message = f"nothing is recorded since `{self.poison}`: send it again in a moment"
            raise LedgerPoisoned(message)
        try:
            self._staged.append(self._write(connection, entries))
        except apsw.ConstraintError as error:
            self.poison = LedgerConflict(f"an id is already recorded (`{error}`)")
            raise self.poison from error
        except Exception as error:
            self.poison = error
            raise

    def settled(self, entries: Sequence[Entry], error: Exception | None, /) -> None:
        """Take in how the commit ended, then tell the owner."""
        if error is None:
            done = self._staged.popleft()
            self._seen.add_batch(done.first_seq, done.hashes)
            self.head = done.head
            self._checkpoints.note(done.head.seq, done.head.hash, entries[-1].recorded_us)
        else:
            self.poison = self.poison or error
            self._staged.clear()
        self.settled_count += len(entries)
        seam("answer.before")
        self._on_batch(entries, error)

    def _write(self, connection: apsw.Connection, entries: Sequence[Entry]) -> _Staged:
        start = self._staged[-1].head if self._staged else self.head
        hashes = self._hashes(entries)
        self._refuse_known(connection, entries, hashes)
        seq, digest = start.seq, start.hash
        values: list[int | str | bytes] = []
        outbox: list[tuple[int, OutboxRow]] = []
        for entry in entries:
            seq += 1
            written = columns(seq, entry)
            digest = seal(digest, written)
            values += written
            values.append(digest)
            if entry.outbox:
                outbox += [(seq, action) for action in entry.outbox]
        insert_rows(connection, _INSERT, _WIDTH, values)
        recent = (start.seq + 1, entries[0].recorded_us, hashes.tobytes())
        connection.execute(QUERIES["insert_recent"], recent)
        if outbox:
            insert_outbox(connection, outbox)
        return _Staged(start.seq + 1, hashes, Head(seq, digest))

    def _hashes(self, entries: Sequence[Entry]) -> Hashes:
        """Three for each entry: id, key, subject; 0 where it has none.

        Raises:
            LedgerConflict: an id comes twice in one commit.
        """
        of_event, of_key = self._seen.of_event, self._seen.of_key
        found: list[int] = []
        for entry in entries:
            asked = entry.idempotency
            found.append(of_event(entry.kind, entry.event_id))
            found.append(of_key(asked.scope, asked.key) if asked else 0)
            found.append(self._seen.of_subject(entry.about))
        hashes = np.array(found, np.int64)
        together = np.concatenate([_ids(hashes), *(_ids(one.hashes) for one in self._staged)])
        together = together[together != 0]
        if len(np.unique(together)) != len(together):
            message = "an id comes twice in one batch: ask `InFlight` before deciding"
            raise LedgerConflict(message)
        return hashes

    def _refuse_known(
        self, connection: apsw.Connection, entries: Sequence[Entry], hashes: Hashes
    ) -> None:
        """The last fence against a second record of one id; its owner should have asked first."""
        ids = _ids(hashes)
        index = self._seen.first_present(ids)
        while index >= 0:
            entry, is_key = entries[index // _UNIQUE], index % _UNIQUE == 1
            for seq in self._seen.rows_of(int(ids[index])):
                self._refuse_same(connection, seq, entry, is_key=is_key)
            index = self._seen.first_present(ids, index + 1)

    def _refuse_same(
        self, connection: apsw.Connection, seq: int, entry: Entry, *, is_key: bool
    ) -> None:
        found = row(connection, seq)
        if found is None:
            return
        if not is_key and (found.kind, found.event_id) == (entry.kind, entry.event_id):
            message = f"event `{entry.event_id}` is already recorded in row {seq}"
            raise LedgerConflict(message)
        asked = entry.idempotency
        if is_key and asked and (found.scope, found.key) == (asked.scope, asked.key):
            if found.recorded_us + self._key_lifetime_us <= entry.recorded_us:
                return  # the key has expired and may be used anew
            message = f"idempotency key `{asked.key}` is already recorded in row {seq}"
            raise LedgerConflict(message)


def _ids(hashes: Hashes) -> Hashes:
    """The hashes that may come only once."""
    return np.ascontiguousarray(hashes.reshape(-1, PER_ROW)[:, :_UNIQUE]).ravel()
