"""The calendar of the world: hours, weekdays, paydays, Christmas, and the slow drift of prices."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from sekisho.kit.clock import from_us
from sekisho.sandbox.draft import DAY_US, HOUR_US, Floats, Ints

HOURLY = (1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 13, 12, 11, 11, 11, 12, 14, 16, 17, 15, 10, 4)
"""How busy each local hour is."""

WEEKDAYS = (0.95, 0.94, 0.97, 1.0, 1.12, 1.15, 0.9)
CHRISTMAS = {11: 1.2, 12: 1.35}
PAYDAYS = frozenset({1, 25, 26, 27, 28})
EVENTS_PER_SHARD = 600_000
PAYMENTS_PER_DAY = 0.32
EVENTS_PER_DAY = 1.1  # of one customer, outcomes included
_STEPS = 4096


@dataclass(frozen=True, slots=True)
class Shard:
    """A run of whole days that is generated at once."""

    number: int
    first_day: int
    days: int
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one world, from midnight UTC of its first day."""

    start_us: int
    days: int

    @property
    def end_us(self) -> int:
        """The first instant after the world."""
        return self.start_us + self.days * DAY_US

    def shards(self, customers: int) -> list[Shard]:
        """Days grouped so that a shard fits in memory; depends on nothing but the world's size."""
        width = int(max(1, min(31, EVENTS_PER_SHARD // max(1, customers * EVENTS_PER_DAY))))
        return [
            Shard(
                number,
                day,
                days,
                self.start_us + day * DAY_US,
                self.start_us + (day + days) * DAY_US,
            )
            for number, day in enumerate(range(0, self.days, width))
            for days in [min(width, self.days - day)]
        ]

    def weights(self, first_day: int, days: int) -> Floats:
        """How busy each day is against an ordinary one."""
        return np.array([self._weight(first_day + offset) for offset in range(days)])

    def _weight(self, day: int) -> float:
        date = from_us(self.start_us) + timedelta(days=day)
        payday = 1.2 if date.day in PAYDAYS else 1.0
        return WEEKDAYS[date.weekday()] * payday * CHRISTMAS.get(date.month, 1.0)

    def is_gift_season(self, at_us: Ints) -> Ints:
        """1 for moments within the month before Christmas, else 0."""
        days = ((at_us - self.start_us) // DAY_US).astype(np.int64)
        dates = [from_us(self.start_us) + timedelta(days=day) for day in range(self.days + 1)]
        december = np.array(
            [(d.month, d.day) >= (11, 25) and (d.month, d.day) <= (12, 24) for d in dates]
        )
        return december[np.clip(days, 0, self.days)].astype(np.int64)

    def price_drift(self, at_us: Ints) -> Floats:
        """Prices rise by one percent a month."""
        return 1.0 + 0.01 * (at_us - self.start_us) / (30 * DAY_US)

    def moments(self, shard: Shard, rng: np.random.Generator, offset_h: Ints) -> Ints:
        """Honest moments within a shard, one for each local UTC offset given."""
        rows = len(offset_h)
        weights = np.cumsum(self.weights(shard.first_day, shard.days))
        day = np.searchsorted(weights / weights[-1], rng.random(rows, np.float32))
        local = _TIME_OF_DAY[rng.integers(0, _STEPS, rows, np.int32)]
        jitter = rng.integers(0, DAY_US // _STEPS, rows, np.int64)
        within = (local + jitter - offset_h * HOUR_US) % DAY_US
        return shard.from_us + np.minimum(day, shard.days - 1) * DAY_US + within


def _time_of_day() -> Ints:
    """Moments of the day at equal steps of probability: a look-up table of the inverse."""
    edges = np.cumsum(np.array([0, *HOURLY], np.float64))
    steps = (np.arange(_STEPS) + 0.5) / _STEPS * edges[-1]
    hours = np.asarray(np.interp(steps, edges, np.arange(25.0)), np.float64)
    return (hours * HOUR_US).astype(np.int64)


_TIME_OF_DAY = _time_of_day()
