"""From an action that is asked for to its row in the outbox."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from sekisho.actions.kinds import Kinds, KindUnknown, ParamsRefused, Todo
from sekisho.durable import Job, OutboxRow
from sekisho.kit.clock import MICROSECONDS

POLICY: Final = "policy:"
"""How the origin of actions begins that a policy asked for."""
_ENCODER: Final = msgspec.json.Encoder()
_TODOS: Final = msgspec.json.Decoder(tuple[Todo, ...])


class Asked(msgspec.Struct, frozen=True):
    """Who asks for an action, and because of what.

    Attributes:
        origin: `policy:<name>`, `api:<key>:<source>`, or `action:<id>`.
        now_us: when.
        subject: the entity that it is about.
        context: JSON of what it is because of; empty for nothing.
        traceparent: trace to continue.
        ordering_key: for actions that name none.
        digest: of the request.
        undo_of: the action that is taken back.
    """

    origin: str
    now_us: int
    subject: str = ""
    context: bytes = b""
    traceparent: str = ""
    ordering_key: str = ""
    digest: bytes = b""
    undo_of: str = ""


def row_of(kinds: Kinds, action_id: str, todo: Todo, asked: Asked) -> OutboxRow:
    """The row of an action.

    Parameters that its kind refuses are written all the same: the action ends as dead, where
    somebody sees it, instead of being lost on the way.
    """
    payload = _ENCODER.encode(todo.params)
    due_us = asked.now_us + round(todo.delay_s * MICROSECONDS)
    deadline_us = due_us + round(todo.deadline_s * MICROSECONDS) if todo.deadline_s else 0
    key = asked.ordering_key if todo.ordering_key is None else todo.ordering_key
    row = OutboxRow(
        id=action_id,
        kind=todo.kind,
        payload=payload,
        ordering_key=key,
        due_at_us=due_us,
        context=asked.context,
        origin=asked.origin,
        subject=asked.subject,
        digest=asked.digest,
        traceparent=asked.traceparent,
        accepted_us=asked.now_us,
        deadline_us=deadline_us,
        dry_run=todo.dry_run,
        undo_of=asked.undo_of,
        follow=_ENCODER.encode(todo.then) if todo.then else b"",
    )
    return _known(kinds, row)


def rows_after(
    kinds: Kinds, job: Job, asked_for: Sequence[Todo], now_us: int
) -> tuple[OutboxRow, ...]:
    """What follows a job that is done: what it asked for, and what was to come after it anyway."""
    planned = _TODOS.decode(job.follow) if job.follow else ()
    asked = Asked(
        origin=f"action:{job.id}",
        now_us=now_us,
        subject=job.subject,
        context=job.context.encode(),
        traceparent=job.traceparent,
        ordering_key=job.ordering_key,
    )
    return tuple(
        row_of(kinds, derived_id(job.id, str(number)), todo, asked)
        for number, todo in enumerate((*asked_for, *planned))
    )


def derived_id(parent: str, part: str) -> str:
    """The id of an action that another one asks for: the same however often it asks.

    >>> derived_id("act_1", "0") == derived_id("act_1", "0") != derived_id("act_1", "1")
    True
    """
    return f"act_{blake2b(f'{parent}/{part}'.encode(), digest_size=16).hexdigest()}"


def cause_of(job: Job) -> Mapping[str, Any]:
    """What a job is because of."""
    return msgspec.json.decode(job.context) if job.context else {}


def _known(kinds: Kinds, row: OutboxRow) -> OutboxRow:
    """The row with what its kind says of it, if the kind can read it."""
    try:
        kind, params = kinds.read(row.kind, row.payload)
    except (KindUnknown, ParamsRefused):
        return row
    return msgspec.structs.replace(
        row,
        retry=kind.retry,
        destination=kind.destination(params),
        attempts_max=kind.attempts_max,
    )
