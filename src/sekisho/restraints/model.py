"""One thing that somebody may not do for now."""

from typing import Final, Literal

import msgspec

Of = Literal["account", "transfer"]
RELEASE: Final = "release"
"""What a held transfer may not have."""


class Restraint(msgspec.Struct, frozen=True):
    """A feature that an account may not use, or a transfer that may not go on.

    Attributes:
        of, subject: an account or a transfer, by the caller's id.
        feature: what is held back; `release` of a transfer.
        since_us, until_us: from when, and until when; 0 = until it is lifted.
        reason: for people.
        by: the action that did it.
    """

    of: Of
    subject: str
    feature: str
    since_us: int
    until_us: int
    reason: str
    by: str
