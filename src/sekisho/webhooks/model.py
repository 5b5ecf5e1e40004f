"""What is kept of a place that messages are sent to."""

from typing import Final

import msgspec

MAX_ENDPOINTS: Final = 100
"""Endpoints of one installation."""
MAX_DESCRIPTION: Final = 500
"""Characters of a description."""
OVERLAP_S: Final = 86_400
"""Seconds for which the key before the newest signs too, unless said otherwise."""
MAX_OVERLAP_S: Final = 30 * 86_400


class Endpoint(msgspec.Struct, frozen=True):
    """A place that messages are sent to.

    Attributes:
        id: `whe_…`.
        url: checked for its shape; where it leads is looked at again at each call.
        description: for people.
        is_enabled: whether anything is sent to it.
        generation: counts its keys from 1; the newest signs.
        overlap_until_us: until when the key before the newest signs too; 0 when it does not.
        created_us, created_by: when, and with which API key.
    """

    id: str
    url: str
    description: str
    is_enabled: bool
    generation: int
    overlap_until_us: int
    created_us: int
    created_by: str

    def generations(self, now_us: int) -> tuple[int, ...]:
        """The keys that sign at a moment, the newest first.

        >>> Endpoint("whe_1", "https://a.example/", "", True, 3, 50, 0, "").generations(49)
        (3, 2)
        """
        if now_us < self.overlap_until_us:
            return (self.generation, self.generation - 1)
        return (self.generation,)
