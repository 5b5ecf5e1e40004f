"""From a decoded message to a drafted record with its time."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sekisho.events import messages
from sekisho.events.context import ReceiveContext
from sekisho.events.draft import Draft
from sekisho.events.fields import EPOCH
from sekisho.events.fill import fills_for
from sekisho.kit.clock import MICROSECONDS, from_us

HOUR_US: Final = 3_600 * MICROSECONDS
DAY_US: Final = 24 * HOUR_US
FIRST_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday, the fourth day from 0

_MICROSECOND: Final = timedelta(microseconds=1)
LATEST_US: Final = messages.LATEST_SECOND * MICROSECONDS
_NAMES: Final = {kind: name for name, kind in messages.MESSAGES.items()}


def draft_of(message: messages.Message, now_us: int, context: ReceiveContext) -> tuple[Draft, int]:
    """The record of a message and its time in microseconds; the message is normalised in place."""
    kind = type(message)
    at_us = _time(message, now_us)
    draft = Draft(context, {
        "event_type": _NAMES[kind],
        "hour_of_day": at_us // HOUR_US % 24,
        "day_of_week": (at_us // DAY_US + FIRST_WEEKDAY) % 7 + 1,
    })  # fmt: skip
    if not 0 <= at_us < LATEST_US:
        draft.refuse("occurred_at", "bad_time", "before 1970 or after 2199")
    fills_for(context.wanted)[kind](draft, message)
    return draft, at_us


def _time(message: messages.Message, now_us: int) -> int:
    """When it happened; afterwards the message says so in UTC."""
    moment = message.occurred_at
    if isinstance(moment, datetime):
        at_us = (moment - EPOCH) // _MICROSECOND
        if moment.tzinfo is not UTC and 0 <= at_us < LATEST_US:
            message.occurred_at = from_us(at_us)
        return at_us
    at_us = now_us if moment is None else moment * MICROSECONDS
    message.occurred_at = from_us(at_us)
    return at_us
