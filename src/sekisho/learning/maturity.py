"""How much of what will be known about events is known already."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_US: Final = 86_400_000_000
KNOWN_SHARE: Final = 0.95
"""The outcome window has passed once so much of fraud has usually been reported."""
LEAST_REPORTS: Final = 20
"""Reports below which nothing is said of delays."""


@dataclass(frozen=True, slots=True)
class Delays:
    """How long fraud takes to become known: `known[d]` is the share known within d days."""

    known: NDArray[np.float64]
    reports: int

    @property
    def window_days(self) -> int | None:
        """Days after which nearly all fraud is known; None when there are too few reports."""
        if self.reports < LEAST_REPORTS:
            return None
        return int(np.argmax(self.known >= KNOWN_SHARE))

    def completeness(self, age_days: NDArray[np.int64]) -> float | None:
        """Mean share of what will be known that is known, over events of these ages."""
        if self.window_days is None or not len(age_days):
            return None
        return float(self.known[np.clip(age_days, 0, len(self.known) - 1)].mean())


def learn_delays(delay_us: NDArray[np.int64], age_us: NDArray[np.int64]) -> Delays:
    """The distribution of delays from reports that came in so far.

    Of recent events only the quick reports are there yet, so a plain histogram would promise too
    much. The product-limit estimate for such truncated delays compares each delay only with
    events old enough to have shown it.

    Source: D. Lynden-Bell, Monthly Notices of the Royal Astronomical Society 155 (1971).

    Args:
        delay_us: from the event to its first report, for each event reported as fraud.
        age_us: from the event to the state of knowledge, at least its delay.
    """
    delay = np.maximum(delay_us, 0) // DAY_US
    age = np.maximum(age_us // DAY_US, delay)
    longest = int(delay.max()) if len(delay) else 0
    known = np.ones(longest + 1)
    at_delay = np.bincount(delay, minlength=longest + 1)
    within = np.cumsum(at_delay)
    too_young = np.concatenate(([0], np.cumsum(np.bincount(np.minimum(age, longest + 1)))))
    for day in range(longest, 0, -1):
        # Events with a delay of at most `day` that are at least `day` old.
        comparable = within[day] - too_young[min(day, len(too_young) - 1)]
        stay = 1 - at_delay[day] / comparable if comparable > 0 else 1.0
        known[day - 1] = known[day] * max(stay, 0.0)
    return Delays(known, len(delay))
