"""Something that a person is to look at."""

import msgspec


class Review(msgspec.Struct, frozen=True):
    """A review item; whether it is still open, the log tells: a verdict about its event ends it.

    Attributes:
        id: `rev_…`.
        event: the decided event that it is about.
        decision: the decision; empty when it was not opened by one.
        reason: for people.
        priority: the higher, the sooner.
        opened_us: when.
        opened_by: the action that opened it.
    """

    id: str
    event: str
    decision: str
    reason: str
    priority: int
    opened_us: int
    opened_by: str
