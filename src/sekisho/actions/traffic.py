"""Sparing the receivers: a rate limit and a circuit breaker for each destination."""

from collections import OrderedDict
from typing import Final

import msgspec

from sekisho.kit.clock import MICROSECONDS

DESTINATIONS_MAX: Final = 10_000
"""Destinations remembered; the one not called for longest is forgotten first."""
FAILURES: Final = 5
"""Failures in a row after which a destination is left alone."""
OPEN_S: Final = 5
"""Seconds for which it is left alone at first; each probe that fails doubles them."""
OPEN_S_MAX: Final = 300


class Limits(msgspec.Struct, frozen=True):
    """How often one destination may be called.

    Attributes:
        per_s: attempts a second in the long run.
        burst: attempts at once after a quiet time.
    """

    per_s: float = 100
    burst: int = 100


class _Destination:
    """What is known of one receiver.

    The rate limit is kept as the moment at which the bucket would be empty (the generic cell rate
    algorithm), the breaker as a run of failures and the moment of the next probe.
    """

    __slots__ = ("empty_us", "failures", "open_s", "probe_us", "queued_us")

    def __init__(self) -> None:
        self.empty_us = 0
        self.queued_us = 0
        self.failures = 0
        self.probe_us = 0
        self.open_s = OPEN_S


class Traffic:
    """Says whether a destination may be called now.

    Args:
        limits: of every destination.
    """

    def __init__(self, limits: Limits) -> None:
        self._step_us = round(MICROSECONDS / limits.per_s)
        self._slack_us = self._step_us * max(limits.burst - 1, 0)
        self._known: OrderedDict[str, _Destination] = OrderedDict()

    def admit(self, destination: str, now_us: int) -> int:
        """0 when it may be called now (and it counts as called), else when to ask again."""
        if not destination:
            return 0
        one = self._of(destination)
        if one.failures >= FAILURES:
            if now_us < one.probe_us:
                return one.probe_us
            one.probe_us = now_us + one.open_s * MICROSECONDS  # half-open: this attempt alone
        if one.empty_us - self._slack_us > now_us:
            # who has to wait is spread over the moments at which there will be room again
            one.queued_us = max(one.queued_us, one.empty_us - self._slack_us) + self._step_us
            return one.queued_us
        one.empty_us = max(one.empty_us, now_us) + self._step_us
        return 0

    def note(self, destination: str, now_us: int, *, is_up: bool) -> None:
        """Take in how a call went."""
        if not destination:
            return
        one = self._of(destination)
        if is_up:
            one.failures, one.open_s = 0, OPEN_S
            return
        if one.failures >= FAILURES:
            one.open_s = min(one.open_s * 2, OPEN_S_MAX)
        one.failures += 1
        one.probe_us = now_us + one.open_s * MICROSECONDS

    def open(self) -> list[str]:
        """Destinations that are left alone at present."""
        return sorted(name for name, one in self._known.items() if one.failures >= FAILURES)

    def _of(self, destination: str) -> _Destination:
        one = self._known.get(destination)
        if one is None:
            one = self._known[destination] = _Destination()
            if len(self._known) > DESTINATIONS_MAX:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(destination)
        return one
