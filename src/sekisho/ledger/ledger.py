"""The ledger: an append-only, hash-chained record of what was decided and why."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

import apsw

from sekisho.durable import OUTBOX_STEPS, Migration, Store, StoreClosed
from sekisho.kit.clock import Clock
from sekisho.kit.ids import Ids
from sekisho.ledger import rows
from sekisho.ledger.archive import Archive, load_recent
from sekisho.ledger.chain import genesis
from sekisho.ledger.checkpoints import FILE_NAME, Checkpoints
from sekisho.ledger.entry import Entry, Kind, Recorded
from sekisho.ledger.errors import NotDrained
from sekisho.ledger.idempotency import Replay
from sekisho.ledger.recorder import Head, OnBatch, Recorder
from sekisho.ledger.rows import QUERIES
from sekisho.ledger.seen import SeenIds
from sekisho.ledger.snapshots import Part, Snapshot, Snapshots

Defer = Callable[[Callable[[], None]], None]
"""Runs something a little later, on the thread that owns the ledger."""

IDS_AT_ONCE = 50_000
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
LEDGER_STEPS = (
    Migration(1, "ledger, recent ids, archive of ids", QUERIES["step_1"]),
    Migration(2, "changes of control data are found at once", QUERIES["step_2"]),
)


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """How long ids are remembered, and what signs the chain.

    Attributes:
        key_hours: how long an idempotency key replays its answer; at least 24.
        seen_days: how long event ids stay in memory; older ones are looked up on disk.
        signing_key: signs the heads of the chain; empty leaves them unsigned.
    """

    key_hours: int = 48
    seen_days: int = 8
    signing_key: bytes = b""

    def __post_init__(self) -> None:
        """Refuse lifetimes that would break a promise.

        Raises:
            ValueError: keys expire within a day, or outlive the memory of ids.
        """
        if not 24 <= self.key_hours <= 24 * self.seen_days:  # noqa: PLR2004 — hours of a day
            most = 24 * self.seen_days
            message = f"key_hours must be from 24 to {most} (seen_days), not `{self.key_hours}`"
            raise ValueError(message)


class Ledger:
    """Records entries in order; each is acknowledged through `on_batch` once it is on disk.

    `append` is for one owner thread at a time, the one that decides. Entries are handed to the
    writer together at the end of the owner's turn, so that they share a commit: `defer` says how
    to run something then. When a batch fails, the
    ledger is poisoned: that batch and all entries queued behind it are refused through
    `on_batch`, because they were decided on state that was never recorded. The owner takes back
    their effects, waits until `pending` is 0, and calls `resume`.

    Args:
        store: where it lives; closed by whoever opened it, after `close` of the ledger.
        on_batch: told in the writer thread how entries fared; it must be quick and not raise.
        clock: for the age of idempotency keys and ids.
        ids: names the installation when the ledger is new.
        options: lifetimes.
        defer: runs something on the owner's thread when its turn ends; at once if not given.
    """

    def __init__(
        self,
        store: Store,
        on_batch: OnBatch,
        *,
        clock: Clock,
        ids: Ids,
        options: LedgerOptions | None = None,
        defer: Defer = lambda run: run(),
    ) -> None:
        self._options = options or LedgerOptions()
        self._store = store
        self._clock = clock
        self._defer = defer
        self._lock = threading.Lock()
        self._appended = 0
        self._gathered: list[Entry] = []
        store.migrate("outbox", OUTBOX_STEPS)
        store.migrate("ledger", LEDGER_STEPS)
        self.installation = store.write(lambda c: _installation(c, ids)).result()
        self._seen = SeenIds(_seed(self.installation))
        self._archive = Archive(store, self._seen)
        self._archive.horizon_us = store.write(lambda c: load_recent(c, self._seen)).result()
        found = store.write(rows.head).result()
        head = Head(*found) if found else Head(0, genesis(self.installation))
        self._checkpoints = Checkpoints(
            store.path.with_name(FILE_NAME), self.installation, self._options.signing_key
        )
        self._recorder = Recorder(
            head, self._seen, self._checkpoints, on_batch, self._options.key_hours * HOUR_US
        )
        self._next_seq = head.seq + 1
        self._snapshots = Snapshots(store.path.with_name("snapshots"))

    # ── recording ────────────────────────────────────────────────────────────────────────────

    def append(self, entry: Entry) -> int:
        """Queue an entry; `on_batch` tells when it is on disk.

        Returns:
            The row it will have; void if it is refused.

        Raises:
            StoreClosed: the store is closed.
        """
        self._store.require_open()
        with self._lock:
            self._gathered.append(entry)
            seq = self._next_seq
            self._next_seq += 1
            self._appended += 1
            is_first = len(self._gathered) == 1
        if is_first:
            self._defer(self.hand_over)
        return seq

    def hand_over(self) -> None:
        """Give the writer what was appended since the last time; it is refused when it cannot be.

        Entries are handed over in the order of their rows, whatever thread comes first.
        """
        with self._lock:
            entries, self._gathered = self._gathered, []
            try:
                if entries:
                    self._store.put(self._recorder, entries)
            except StoreClosed as error:
                closed = error
            else:
                return
        self._recorder.settled(entries, closed)

    def append_wait(self, entry: Entry) -> int:
        """Record an entry and return its row once it is on disk.

        Raises:
            StoreError: it was not recorded.
        """
        seq = self.append(entry)
        self.hand_over()
        self._store.write(_nothing).result()  # comes after the entry, so it waits for it
        poison = self._recorder.poison
        if poison is not None and self.last_seq < seq:
            raise poison
        return seq

    @property
    def poisoned(self) -> Exception | None:
        """Why nothing is recorded at present; None in good health."""
        return self._recorder.poison

    @property
    def pending(self) -> int:
        """Entries appended whose fate `on_batch` has not been told yet."""
        return self._appended - self._recorder.settled_count

    def resume(self) -> None:
        """Record again, after every effect of the refused entries was taken back.

        Raises:
            NotDrained: refused entries are still on their way to `on_batch`.
        """
        with self._lock:
            if self.pending:
                message = (
                    f"{self.pending} entries are still being refused: resume when none is pending"
                )
                raise NotDrained(message)
            self._next_seq = self._recorder.head.seq + 1
            self._recorder.poison = None

    def close(self) -> None:
        """Wait for what was appended and write down the head of the chain."""
        self.hand_over()
        self._store.write(_nothing).result()
        head = self._recorder.head
        self._checkpoints.write(head.seq, head.hash, self._clock.now_us())

    # ── looking up ───────────────────────────────────────────────────────────────────────────

    @property
    def last_seq(self) -> int:
        """Number of the last row on disk; 0 in an empty ledger."""
        return self._recorder.head.seq

    @property
    def head_hash(self) -> bytes:
        """Hash of the last row on disk."""
        return self._recorder.head.hash

    @property
    def ids_held(self) -> int:
        """How many ids and keys are in memory."""
        return len(self._seen)

    @property
    def ids_bytes(self) -> int:
        """Memory they take, in bytes; at most about 32 each."""
        return self._seen.nbytes

    def find_event(
        self, event_id: str, kind: Kind = "decision", at_us: int | None = None
    ) -> Recorded | None:
        """The row of an event, by the caller's id; a miss costs under a microsecond.

        Args:
            event_id: the event's id.
            kind: ids are unique within decided events and within outcomes.
            at_us: when the event says it happened. If given, and recent, ids older than the
                memory of ids (8 days) are not looked for on disk; None always looks.
        """
        wanted = self._seen.of_event(kind, event_id)
        recent = self._confirm(self._seen.rows_of(wanted), kind, event_id)
        return recent or self._confirm(self._archive.rows_of(wanted, at_us), kind, event_id)

    def outcomes_of(self, event_id: str) -> list[Recorded]:
        """The rows about a decided event, oldest first: its answer, disputes, refunds, labels."""
        wanted = self._seen.of_subject(event_id)
        places = {*self._seen.rows_of(wanted), *self._archive.rows_of(wanted, None)}
        found = [rows.row(self._store.read(), seq) for seq in sorted(places)]
        return [one for one in found if one is not None and one.about == event_id]

    def find_decision(self, decision_id: str) -> Recorded | None:
        """The row of a decision, by its own id."""
        return rows.row_of_decision(self._store.read(), decision_id)

    def find_idempotent(self, scope: str, key: str) -> Replay | None:
        """The recorded answer to an idempotency key that has not expired."""
        expired_us = self._clock.now_us() - self._options.key_hours * HOUR_US
        # newest first: after the clock was set back, an older use of the key may be valid again
        for seq in sorted(self._seen.rows_of(self._seen.of_key(scope, key)), reverse=True):
            found = rows.row(self._store.read(), seq)
            if found is None or (found.scope, found.key) != (scope, key):
                continue
            if found.recorded_us > expired_us:
                return Replay(found.body_hash, found.status, found.answer)
        return None

    def read_from(self, seq: int = 1, limit: int | None = None) -> Iterator[Recorded]:
        """Rows from `seq` to the present end, in order, for replay."""
        end = self.last_seq + 1
        stop = end if limit is None else min(end, seq + limit)
        return rows.rows_from(self._store.read(), max(seq, 1), stop)

    def event_ids(self) -> Iterator[tuple[list[str], list[str]]]:
        """Every event's id and kind, some thousands at a time: for who must not repeat one."""
        cursor = self._store.read().execute(QUERIES["event_ids"])
        while page := cast("list[tuple[str, str]]", list(islice(cursor, IDS_AT_ONCE))):
            yield [one for one, _ in page], [kind for _, kind in page]

    def controls(self) -> Iterator[Recorded]:
        """The changes of control data but for profiles, in order."""
        return rows.controls(self._store.read())

    def profiles(self, after_seq: int = 0) -> Iterator[Recorded]:
        """The rows after one that bring profiles, in order."""
        return rows.profiles(self._store.read(), after_seq, self.last_seq)

    def last_decided_us(self) -> int:
        """When the newest decision or outcome on disk was recorded; 0 before the first."""
        return rows.last_decided_us(self._store.read())

    # ── keeping ──────────────────────────────────────────────────────────────────────────────

    def tidy(self) -> int:
        """Move ids older than `seen_days` from memory to disk; call it every hour or so.

        Returns:
            How many rows it moved; usually 0, once a day the rows of a day.

        Raises:
            StoreError: the disk is full; nothing is lost, the next call goes on.
        """
        return self._archive.retire(self._clock.now_us(), self._options.seen_days * DAY_US)

    def save_snapshot(self, name: str, seq: int, parts: Mapping[str, Part]) -> None:
        """Keep state derived from the first `seq` rows, to restart from.

        Raises:
            OSError: the disk is full; older snapshots stay.
        """
        self._snapshots.save(name, Snapshot(seq, self._hash_at(seq), parts))

    def load_snapshot(self, name: str) -> Snapshot | None:
        """The newest sound snapshot of this very chain; None means replay from the first row."""
        return self._snapshots.load_latest(
            name, lambda seq, digest: seq <= self.last_seq and self._hash_at(seq) == digest
        )

    def _confirm(self, places: Sequence[int], kind: Kind, event_id: str) -> Recorded | None:
        """The row among those of one hash that really is the event's."""
        for seq in places:
            found = rows.row(self._store.read(), seq)
            if found is not None and (found.kind, found.event_id) == (kind, event_id):
                return found
        return None

    def _hash_at(self, seq: int) -> bytes:
        if seq == 0:
            return genesis(self.installation)
        found = self._store.read().execute(QUERIES["hash"], (seq,)).fetchone()
        assert found is not None, "a snapshot of rows that are not recorded"
        return cast("bytes", found[0])


def _nothing(_connection: apsw.Connection) -> None:
    """Queued behind entries to learn when they are settled."""


def _installation(connection: apsw.Connection, ids: Ids) -> str:
    found = connection.execute(QUERIES["installation"]).fetchone()
    if found is not None:
        return cast("str", found[0])
    fresh = ids.new("inst")
    connection.execute(QUERIES["insert_installation"], (fresh,))
    return fresh


def _seed(installation: str) -> int:
    return int.from_bytes(hashlib.sha256(installation.encode()).digest()[:8], "little")
