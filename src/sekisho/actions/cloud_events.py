"""Actions asked for as CloudEvents, in structured or in binary mode.

Source: CloudEvents 1.0.2, its HTTP and JSON bindings, and its extensions for partitioning
(`partitionkey`) and distributed tracing (`traceparent`).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from sekisho.actions.desk import ActionRefused
from sekisho.actions.kinds import Todo
from sekisho.actions.rows import Asked, derived_id
from sekisho.kit.clock import MICROSECONDS, to_us
from sekisho.kit.sentences import going_on

TYPE: Final = "sekisho.action."
"""How the `type` of an event begins that asks for an action; the kind follows."""
PREFIX: Final = "ce-"
TRACEPARENT: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
KEYS_AT_MOST: Final = 255
"""Characters of an ordering key or a subject."""


class CloudEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What is read of an event; other extensions are left alone."""

    specversion: str
    id: str
    source: str
    type: str
    data: dict[str, Any] = {}
    subject: str = ""
    partitionkey: str = ""
    traceparent: str = ""
    notbefore: datetime | None = None
    deadline: datetime | None = None
    dryrun: bool = False


class Request(msgspec.Struct, frozen=True):
    """An action asked for from outside."""

    id: str
    todo: Todo
    asked: Asked


def read_request(
    headers: Mapping[str, str], body: bytes, caller: str, key: str, now_us: int
) -> Request:
    """The action that an event asks for.

    The action's id follows from the caller and the event's `source` and `id`, or from the
    idempotency key when there is one: the same event sent again is the same action.

    Args:
        headers: names in lower case; `ce-specversion` among them means binary mode.
        body: the event as JSON, or in binary mode its data.
        caller: who sends it; ids of different callers do not meet.
        key: the `Idempotency-Key` header, or the empty text.
        now_us: when it was taken in.

    Raises:
        ActionRefused: it is no CloudEvent, or none that asks for an action.
    """
    event = _binary(headers, body) if f"{PREFIX}specversion" in headers else _structured(body)
    _check(event)
    name = f"key/{key}" if key else f"event/{event.source}/{event.id}"
    delay_us = max(to_us(event.notbefore) - now_us, 0) if event.notbefore else 0
    deadline_us = to_us(event.deadline) - now_us - delay_us if event.deadline else 0
    if event.deadline and deadline_us <= 0:
        raise ActionRefused(422, "out_of_range", "`deadline` has passed", "deadline")
    todo = Todo(
        kind=event.type.removeprefix(TYPE),
        params=event.data,
        delay_s=delay_us / MICROSECONDS,
        deadline_s=deadline_us / MICROSECONDS,
        dry_run=event.dryrun,
    )
    asked = Asked(
        origin=f"api:{caller}:{event.source}",
        now_us=now_us,
        subject=event.subject,
        traceparent=event.traceparent if TRACEPARENT.fullmatch(event.traceparent) else "",
        ordering_key=event.partitionkey,
        digest=_digest(event),
    )
    return Request(derived_id(caller, name), todo, asked)


def _structured(body: bytes) -> CloudEvent:
    try:
        return msgspec.json.decode(body, type=CloudEvent)
    except msgspec.ValidationError as error:
        raise _bad(f"no CloudEvent: {going_on(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ActionRefused(400, "not_json", f"the body is not JSON: {going_on(error)}") from error


def _binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    fields: dict[str, Any] = {
        name.removeprefix(PREFIX): unquote(value)
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    if "traceparent" in headers:
        fields.setdefault("traceparent", headers["traceparent"])
    try:
        fields["data"] = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ActionRefused(400, "not_json", f"the body is not JSON: {going_on(error)}") from error
    if "dryrun" in fields:
        fields["dryrun"] = fields["dryrun"] == "true"
    try:
        return msgspec.convert(fields, CloudEvent)
    except msgspec.ValidationError as error:
        raise _bad(f"no CloudEvent: {going_on(error)}") from error


def _check(event: CloudEvent) -> None:
    if event.specversion != "1.0":
        raise _bad(f"`specversion` must be 1.0, not {event.specversion[:20]}", "specversion")
    for name, least in (("id", 1), ("source", 1), ("subject", 0), ("partitionkey", 0)):
        if not least <= len(getattr(event, name)) <= KEYS_AT_MOST:
            raise _bad(f"`{name}` must have {least} to {KEYS_AT_MOST} characters", name)
    for name in ("notbefore", "deadline"):
        moment: datetime | None = getattr(event, name)
        if moment is not None and moment.tzinfo is None:
            raise _bad(f"`{name}` needs an offset from UTC, such as Z", name)


def _digest(event: CloudEvent) -> bytes:
    """What an id is bound to: all that was asked, whatever the mode in which it was sent."""
    plain = msgspec.structs.replace(event, traceparent="")
    return blake2b(msgspec.json.encode(plain, order="sorted"), digest_size=16).digest()


def _bad(message: str, param: str | None = None) -> ActionRefused:
    return ActionRefused(422, "event_refused", message, param)
