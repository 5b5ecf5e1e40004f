"""At most so often for one subject: counts of a sliding window that outlive the process."""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from sekisho.actions.rows import POLICY
from sekisho.durable import Since
from sekisho.kit.clock import MICROSECONDS

WINDOW_S_MAX: Final = 31 * 86_400
"""Longest window: a month."""
TIMES_MAX: Final = 1000
SWEEP_EVERY: Final = 4096
"""Counts between two rounds that forget subjects whose window is empty."""


class AtMost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a policy may ask for one subject.

    Attributes:
        times: so often,
        per_s: within so many seconds.
    """

    times: int
    per_s: int

    def __post_init__(self) -> None:
        if not 0 < self.times <= TIMES_MAX:
            raise ValueError(f"`times` is 1 to {TIMES_MAX}")
        if not 0 < self.per_s <= WINDOW_S_MAX:
            raise ValueError(f"`per_s` is 1 to {WINDOW_S_MAX} seconds")


class Frequency:
    """When each policy last asked for each subject; owned by the thread that decides."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[int]] = {}
        self._taken = 0

    def restore(self, asked: Iterable[Since]) -> None:
        """Take in what was asked for before the process started, the actions of one time once."""
        for one in sorted({(s.accepted_us, s.origin, s.subject) for s in asked}):
            accepted_us, origin, subject = one
            name = origin.removeprefix(POLICY)
            self._of(name, subject).append(accepted_us)

    def take(self, name: str, subject: str, at_most: AtMost | None, now_us: int) -> bool:
        """Whether a policy may ask now; it then counts as having asked."""
        if at_most is None:
            return True
        times = self._of(name, subject)
        while times and times[0] <= now_us - at_most.per_s * MICROSECONDS:
            times.popleft()
        if len(times) >= at_most.times:
            return False
        times.append(now_us)
        self._taken += 1
        if self._taken % SWEEP_EVERY == 0:
            self._forget(now_us - WINDOW_S_MAX * MICROSECONDS)
        return True

    def give_back(self, name: str, subject: str) -> None:
        """The newest count came to nothing."""
        times = self._times.get((name, subject))
        if times:
            times.pop()

    def _of(self, name: str, subject: str) -> deque[int]:
        return self._times.setdefault((name, subject), deque(maxlen=TIMES_MAX))

    def _forget(self, before_us: int) -> None:
        kept = {place: times for place, times in self._times.items() if times}
        self._times = {place: times for place, times in kept.items() if times[-1] > before_us}
