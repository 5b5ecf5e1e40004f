"""What a counter is: a declaration in the field's own words, checked and frozen."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
LONGEST_WINDOW_US: Final = 365 * DAY_US
UNITS: Final = {"seconds": SECOND_US, "minutes": 60 * SECOND_US, "hours": 3600 * SECOND_US}


class Aggregate(StrEnum):
    """What a counter says about the events in its window."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"
    FIRST = "first"
    LAST = "last"
    RATIO = "ratio"
    UNSEEN = "unseen"
    """Whether no event was seen before: `is_new_card_on_customer` is one; not for declarations."""


@dataclass(frozen=True, slots=True)
class CounterSpec:
    """One counter: an aggregate over the events of some types that share a key, in a window.

    The window is (t - lag - window, t - lag] in event time; the event that asks is not counted
    unless `include_current`. Without an event in the window a count, a sum, a number of different
    values and a ratio are 0; the rest is missing.

    Attributes:
        of: event types that count.
        by: the attributes that make the key; an event without one of them does not count.
        where: a condition an event must fulfil to count, "" for none.
        window_us: length of the window, None for all time.
        value: what is summed, averaged, compared or told apart; "" where there is nothing to.
        matching: the condition whose share a ratio gives; "" when it shares out `value` instead.
        cap: where a count stops, 0 for nowhere.
        unit_us: the unit of a time since the first or last event.
    """

    name: str
    aggregate: Aggregate
    of: tuple[str, ...]
    by: tuple[str, ...]
    where: str = ""
    window_us: int | None = None
    lag_us: int = 0
    value: str = ""
    matching: str = ""
    include_current: bool = False
    cap: int = 0
    unit_us: int = SECOND_US

    @property
    def may_be_missing(self) -> bool:
        """Whether the counter has no value when nothing is in its window."""
        return self.aggregate in _MISSING


_MISSING = frozenset({Aggregate.AVG, Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST})


class CounterRefused(ValueError):
    """A declaration that cannot be a counter.

    `place` is the field at fault, such as `window`, or "" for the whole; `hint` a better text.
    """

    def __init__(self, message: str, place: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.hint = hint
