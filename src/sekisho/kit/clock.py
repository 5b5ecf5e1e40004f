"""Where time comes from: one injected clock, so that any run can be replayed."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

MICROSECONDS = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        ...


class SystemClock:
    """The machine's clock, with an offset that developer mode may move forward."""

    def __init__(self) -> None:
        self._offset_us = 0

    def now_us(self) -> int:
        """Microseconds since the epoch, never rounded to seconds."""
        return time.time_ns() // 1000 + self._offset_us

    def advance(self, seconds: float) -> None:
        """Move this clock forward; the machine's own clock is untouched."""
        self._offset_us += round(seconds * MICROSECONDS)


class ManualClock:
    """A clock that stands still until told otherwise, for tests and replays."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """The time last set."""
        return self._now_us

    def set(self, now_us: int) -> None:
        """Jump to a moment; a replay sets the time of each event."""
        self._now_us = now_us

    def advance(self, seconds: float) -> None:
        """Move forward by a span."""
        self._now_us += round(seconds * MICROSECONDS)


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware moment.

    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * MICROSECONDS + delta.microseconds


def from_us(moment_us: int) -> datetime:
    """The aware UTC moment of a count of microseconds.

    >>> from_us(1_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    return _EPOCH + timedelta(microseconds=moment_us)


def iso(moment_us: int) -> str:
    """RFC 3339 text of a moment, with microseconds only when it has some.

    >>> iso(1_500_000)
    '1970-01-01T00:00:01.500000Z'
    """
    return from_us(moment_us).isoformat().replace("+00:00", "Z")
