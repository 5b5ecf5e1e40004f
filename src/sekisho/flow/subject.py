"""The event an outcome is about: its record, and what became known of it since."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from sekisho.events import Event, Record


@dataclass(frozen=True, slots=True)
class Subject:
    """A decided event with its record as evaluated and the outcomes recorded for it so far."""

    event: Event
    record: Record
    outcomes: tuple[Event, ...] = ()


class _Told(msgspec.Struct, gc=False):
    """What an answer tells that a fold needs; the rest is skipped."""

    outcome: str
    attributes: Record


class _Verdict(msgspec.Struct, gc=False):
    """What an answer to an outcome tells that a fold needs."""

    outcome: str | None = None


_ANSWER: Final = msgspec.json.Decoder(_Told)
_VERDICT: Final = msgspec.json.Decoder(_Verdict)

ISSUER_CHECKS: Final = (
    "cvc_check",
    "address_zip_check",
    "address_line1_check",
    "is_3d_secure",
    "is_3d_secure_authenticated",
    "has_liability_shift",
)
"""What an issuer's answer brings beside approval."""


def as_evaluated(event: Event, answer: bytes) -> Record:
    """The record of a decided event as rules saw it: its own attributes and those its answer lists.

    A blocked event is known to be `blocked` from the start.
    """
    told = _ANSWER.decode(answer)
    record: Record = {**event.record, **told.attributes}
    if told.outcome == "block":
        record.setdefault("outcome", "blocked")
    return record


def as_reported(outcome: Event, answer: bytes) -> Event:
    """A recorded outcome as it counts: a payment reversed after approval is a blocked one."""
    if outcome.type != "authorization" or _VERDICT.decode(answer).outcome != "block":
        return outcome
    return msgspec.structs.replace(outcome, record={**outcome.record, "outcome": "blocked"})


def learn(record: Record, outcomes: Iterable[Event]) -> Record:
    """The record after later outcomes, in the order in which they arrived.

    An issuer's answer settles `outcome`, unless the event was blocked; a label settles `label`.
    """
    known = dict(record)
    for outcome in outcomes:
        match outcome.type:
            case "authorization" if known.get("outcome") != "blocked":
                names = ("outcome", *ISSUER_CHECKS)
            case "label":
                names = ("label",)
            case _:
                names = ()
        known.update({name: outcome.record[name] for name in names if name in outcome.record})
    return known


def inherit(subject: Record, outcome: Event) -> Record:
    """The record under which an outcome is counted: the subject's keys and facts, and its own."""
    return {**subject, **outcome.record}
