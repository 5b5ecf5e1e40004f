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

_QUERIES = load_queries("sekisho.durable")
OUTBOX_STEPS = (Migration(1, "outbox of actions", _QUERIES["outbox_step_1"]),)
_INSERT = _QUERIES["outbox_insert"]
_WIDTH = 8
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
    """

    id: str
    kind: str
    payload: bytes
    ordering_key: str = ""
    due_at_us: int = 0
    retry: Retry = "safe"


def insert_outbox(connection: apsw.Connection, rows: Sequence[tuple[int, OutboxRow]]) -> None:
    """Record things to do, each with the log position that caused it, in the open transaction."""
    values: list[Value] = []
    for cause, row in rows:
        values += (row.id, row.kind, row.payload, row.ordering_key)
        values += (row.due_at_us, row.due_at_us, row.retry, cause)
    insert_rows(connection, _INSERT, _WIDTH, values)


def outbox_of(connection: apsw.Connection, kinds: str) -> Iterator[OutboxRow]:
    """Rows whose kind begins so, the newest cause first, whatever became of them."""
    rows = connection.execute(_QUERIES["outbox_of"], (kinds, kinds + _LAST))
    for row_id, kind, payload, ordering_key, due_at_us, retry in cast("Iterator[_Row]", rows):
        yield OutboxRow(row_id, kind, payload, ordering_key, due_at_us, retry)
