"""The outbox: what is to be done after a commit, recorded in that same commit."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Iterator, Sequence
from typing import Literal, cast

import apsw
import msgspec

from sekisho.durable.migrations import Migration
from sekisho.durable.queries import load_queries
from sekisho.durable.rows import Value, insert_rows

Retry = Literal["safe", "ask"]
"""Whether an attempt of unknown outcome may be repeated, or must be asked about first."""

READY, NOTED = 0, 6
"""States in which a row is written; the others are the queue's."""

_QUERIES = load_queries("sekisho.durable")
OUTBOX_STEPS = (
    Migration(1, "outbox of actions", _QUERIES["outbox_step_1"]),
    Migration(2, "order of arrival, leases, audit, pauses", _QUERIES["outbox_step_2"]),
)
_WIDTH = 21
_LAST = "\U0010ffff"  # sorts behind whatever a kind goes on with
_Row = tuple[str, str, bytes, str, int, Retry]


class OutboxRow(msgspec.Struct, frozen=True, gc=False):
    """One thing to do, exactly once in effect.

    Attributes:
        id: the action's id, which is also its idempotency key at the receiver.
        kind: which executor takes it.
        payload: what that executor reads, kept byte for byte.
        ordering_key: rows of one key run one after another; empty = no order.
        due_at_us: not to be started before this moment.
        retry: `safe` to repeat after an unknown outcome, or `ask` the receiver first.
        context: JSON of what it is because of; empty for nothing.
        destination: whom it calls, such as a host; empty when it stays inside.
        origin: who asked for it: a policy, a caller, another action.
        subject: the entity it is about, for limits on how often.
        digest: of the request that asked for it, to notice an id used for something else.
        traceparent: W3C trace context that attempts continue; empty when it is not traced.
        accepted_us: when it was asked for; 0 takes `due_at_us`.
        deadline_us: not to be started any more after this moment; 0 = never too late.
        dry_run: only say what would be done.
        undo_of: id of the action that this one takes back.
        follow: JSON of the actions to ask for once it is done; empty for none.
        attempts_max: attempts after which it is dead.
        is_note: it is a note for others to read, and is never run.
    """

    id: str
    kind: str
    payload: bytes
    ordering_key: str = ""
    due_at_us: int = 0
    retry: Retry = "safe"
    context: bytes = b""
    destination: str = ""
    origin: str = ""
    subject: str = ""
    digest: bytes = b""
    traceparent: str = ""
    accepted_us: int = 0
    deadline_us: int = 0
    dry_run: bool = False
    undo_of: str = ""
    follow: bytes = b""
    attempts_max: int = 8
    is_note: bool = False


def insert_outbox(connection: apsw.Connection, rows: Sequence[tuple[int, OutboxRow]]) -> None:
    """Record things to do, each with the log position that caused it, in the open transaction."""
    insert_rows(connection, _QUERIES["outbox_insert"], _WIDTH, _values(rows))


def insert_new(connection: apsw.Connection, rows: Sequence[OutboxRow]) -> None:
    """Record things to do that no row of the log caused; what has a known id is left alone."""
    values = _values([(0, row) for row in rows])
    insert_rows(connection, _QUERIES["outbox_insert_new"], _WIDTH, values)


def values_of(cause: int, row: OutboxRow) -> tuple[Value, ...]:
    """A row in the order of the statement that inserts it."""
    return (
        row.id,
        row.kind,
        row.payload,
        row.context,
        row.ordering_key,
        row.destination,
        row.origin,
        row.subject,
        row.digest,
        row.traceparent,
        row.retry,
        cause,
        row.accepted_us or row.due_at_us,
        row.due_at_us,
        row.due_at_us,
        row.deadline_us,
        int(row.dry_run),
        row.undo_of,
        row.follow,
        row.attempts_max,
        NOTED if row.is_note else READY,
    )


def outbox_of(connection: apsw.Connection, kinds: str) -> Iterator[OutboxRow]:
    """Rows whose kind begins so, the newest cause first, whatever became of them."""
    rows = connection.execute(_QUERIES["outbox_of"], (kinds, kinds + _LAST))
    for row_id, kind, payload, ordering_key, due_at_us, retry in cast("Iterator[_Row]", rows):
        yield OutboxRow(row_id, kind, payload, ordering_key, due_at_us, retry)


def _values(rows: Sequence[tuple[int, OutboxRow]]) -> list[Value]:
    values: list[Value] = []
    for cause, row in rows:
        values += values_of(cause, row)
    return values
