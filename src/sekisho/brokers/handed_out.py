"""Counts how often a message was handed out, for brokers that do not."""

from collections import OrderedDict
from typing import Final

_REMEMBERED: Final = 10_000


class HandedOut:
    """Hand-outs by message id, the least recent forgotten first; a restart forgets all.

    >>> handed_out = HandedOut()
    >>> handed_out.next("m1"), handed_out.next("m1"), handed_out.next("m2", told=7)
    (1, 2, 7)
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def next(self, ident: str, told: int = 1) -> int:
        """The number of this one; `told` is what the broker itself says at least."""
        attempt = max(told, self._counts.pop(ident, 0) + 1)
        self._counts[ident] = attempt
        if len(self._counts) > _REMEMBERED:
            self._counts.popitem(last=False)
        return attempt
