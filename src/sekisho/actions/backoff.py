"""When to try again: exponential, capped, with full jitter."""

from collections.abc import Callable
from typing import Final

from sekisho.kit.clock import MICROSECONDS

FIRST_S: Final = 0.5
"""Longest wait after the first attempt; it doubles with each."""
LONGEST_S: Final = 600.0
"""Longest wait: ten minutes."""


def wait_us(attempt: int, draw: Callable[[], float]) -> int:
    """Microseconds to wait after an attempt.

    Drawn evenly from nothing to the bound, so that what failed together does not come back
    together. Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.

    Args:
        attempt: 1 for the first.
        draw: a random number in [0, 1).

    >>> [wait_us(n, lambda: 0.5) for n in (1, 2, 3, 30)]
    [250000, 500000, 1000000, 300000000]
    """
    bound_s = min(LONGEST_S, FIRST_S * 2 ** min(attempt - 1, 30))
    return round(draw() * bound_s * MICROSECONDS)
