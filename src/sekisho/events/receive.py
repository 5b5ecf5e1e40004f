"""The door: bytes in, an event or a refusal out, and never anything else."""

from hashlib import blake2b
from typing import Final

import msgspec

from sekisho.events import messages
from sekisho.events.build import draft_of
from sekisho.events.card_numbers import may_hold_card_number
from sekisho.events.context import ReceiveContext
from sekisho.events.diagnose import refusal, refusal_of_message
from sekisho.events.draft import Record
from sekisho.events.refusal import TOO_LARGE, EventRefused, Problem

MAX_BODY_BYTES: Final = 65_536
"""Largest payload: forty times an ordinary one, small enough to refuse a flood cheaply."""

_DECODER: Final = msgspec.json.Decoder(messages.AnyMessage)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_NUL: Final = b"\\u0000"
_NOTHING: Final[frozenset[str]] = frozenset()


class Event(msgspec.Struct, frozen=True, gc=False):
    """What came in, checked and normalised: the noun of this stage.

    Attributes:
        id: the caller's id, unique among events.
        type: one of `DECIDED_TYPES` or `OUTCOME_TYPES`.
        at_us: when it happened, microseconds since 1970, UTC.
        record: attribute name to folded value; what rules, counters and models read.
        given: names of the attributes the caller gave, which win over derived ones.
        about: id of the event an outcome tells about; empty for others.
        body: the event as canonical JSON; `receive(body)` gives an equal event.
    """

    id: str
    type: str
    at_us: int
    record: Record
    given: frozenset[str]
    about: str
    body: bytes

    @property
    def is_outcome(self) -> bool:
        """Whether it tells what became of an earlier event, and so gets no decision."""
        return self.type in messages.OUTCOME_TYPES


def receive(body: bytes, now_us: int, context: ReceiveContext) -> Event:
    """Decode, check and normalise one event.

    Args:
        body: JSON in UTF-8; a duplicated key counts with its last value.
        now_us: the time to use when the payload names none.
        context: catalogue and rates.

    Raises:
        EventRefused: 413 too large, 400 not JSON we can read, 422 not an event we take.
    """
    if len(body) > MAX_BODY_BYTES:
        message = f"{len(body)} bytes; at most {MAX_BODY_BYTES} are taken"
        raise EventRefused(TOO_LARGE, (Problem("", "too_large", message),))
    try:
        message = _DECODER.decode(body)
    except (ValueError, RecursionError):
        raise refusal(body, now_us, context) from None
    timed = message.occurred_at is not None
    draft, at_us = draft_of(message, now_us, context)
    canonical = _ENCODER.encode(message)
    if draft.problems or may_hold_card_number(canonical) or _NUL in canonical:
        found = refusal_of_message(message, draft, context)
        if found is not None:
            raise found
    if isinstance(message, messages.OutcomeMessage) and not message.id:
        canonical = _identified(message, canonical if timed else body)
    given = frozenset(message.attributes) if message.attributes else _NOTHING
    about = getattr(message, "about", "")
    kind = str(message.__struct_config__.tag)
    return Event(message.id, kind, at_us, draft.record, given, about, canonical)


def _identified(message: messages.OutcomeMessage, content: bytes) -> bytes:
    """Give an outcome without id one that follows from what was sent: a retry is the same."""
    message.id = f"out_{blake2b(content, digest_size=12).hexdigest()}"
    return _ENCODER.encode(message)
