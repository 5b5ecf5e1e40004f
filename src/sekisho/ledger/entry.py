"""What is recorded about a decision, an outcome event or a change of control data."""

from typing import Literal

import msgspec

from sekisho.durable import OutboxRow

Kind = Literal["decision", "event", "control"]
"""A decided event; an outcome such as a dispute; a published rule set, list or counter."""

Columns = tuple[int, str, str, str, str, int, int, str, int, str, str, bytes, bytes, bytes]
"""A row without its hash, in the order of the table; the same order is sealed by the chain."""


class IdempotencyKey(msgspec.Struct, frozen=True, gc=False):
    """The caller's own name for a request.

    Attributes:
        scope: tenant and endpoint; the same key in another scope is another request.
        key: the `Idempotency-Key` header, at most 255 characters.
        body_hash: digest of the request body, to notice a key used for something else.
    """

    scope: str
    key: str
    body_hash: bytes


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One thing to record; acknowledged only once it is on disk.

    Attributes:
        kind: what it is.
        event_id: the event's id, unique within its kind; a control entry may leave it empty.
        event_type: `payment`, `login`, `dispute`, … or the name of the control change.
        at_us: when it happened.
        recorded_us: when it was taken in; never decreasing from entry to entry.
        body: the normalised event, all that replay needs.
        answer: the response body exactly as sent.
        status: the HTTP status sent with it; 0 when there was none.
        decision_id: id of the decision; empty for other kinds.
        idempotency: the request's key, if it had one.
        outbox: what is to be done because of it, recorded in the same commit.
        about: for an outcome, the id of the decided event it tells about.
    """

    kind: Kind
    event_id: str
    event_type: str
    at_us: int
    recorded_us: int
    body: bytes
    answer: bytes = b""
    status: int = 0
    decision_id: str = ""
    idempotency: IdempotencyKey | None = None
    outbox: tuple[OutboxRow, ...] = ()
    about: str = ""


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A row of the ledger, as it lies on disk."""

    seq: int
    kind: Kind
    event_id: str
    event_type: str
    about: str
    at_us: int
    recorded_us: int
    decision_id: str
    status: int
    scope: str
    key: str
    body_hash: bytes
    body: bytes
    answer: bytes
    hash: bytes


def columns(seq: int, entry: Entry) -> Columns:
    """The entry as it will lie on disk at a place in the chain."""
    asked = entry.idempotency
    scope, key, body_hash = (asked.scope, asked.key, asked.body_hash) if asked else ("", "", b"")
    return (
        seq,
        entry.kind,
        entry.event_id,
        entry.event_type,
        entry.about,
        entry.at_us,
        entry.recorded_us,
        entry.decision_id,
        entry.status,
        scope,
        key,
        body_hash,
        entry.body,
        entry.answer,
    )
