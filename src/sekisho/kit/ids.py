"""Identifiers: a prefix that says what it is, then time-ordered random text."""

import secrets
from collections.abc import Callable

from sekisho.kit.clock import Clock

RANDOM_BYTES = 9  # 72 bits, so ids of one millisecond do not meet
DRAWN_AT_ONCE = 512  # ids for each draw from the system's generator, which is a slow call

Randomness = Callable[[int], bytes]
"""Draws so many random bytes, like `secrets.token_bytes`."""


class Ids:
    """Makes ids such as `dec_019a8c3f2b7e…`: sortable by time, unguessable within a millisecond."""

    def __init__(self, clock: Clock, random_bytes: Randomness = secrets.token_bytes) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._drawn: list[str] = []

    def new(self, prefix: str) -> str:
        """A fresh id such as `dec_…`: 12 hexadecimal digits of milliseconds, 18 of chance."""
        if not self._drawn:
            text = self._random_bytes(RANDOM_BYTES * DRAWN_AT_ONCE).hex()
            width = 2 * RANDOM_BYTES
            self._drawn = [text[at : at + width] for at in range(0, len(text), width)]
        return f"{prefix}_{self._clock.now_us() // 1000:012x}{self._drawn.pop()}"
