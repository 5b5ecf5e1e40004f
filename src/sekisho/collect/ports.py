"""Who takes profiles: the one door through which everything known about an entity comes in."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sekisho.events import Scalar

Profile = tuple[str, Mapping[str, Scalar] | None]
"""An entity's id and all that is known of it; None when it is gone."""


class Sink(Protocol):
    """Takes profiles; the same ones again change nothing."""

    def take(self, entity: str, profiles: Sequence[Profile], at_us: int, /) -> None:
        """Profiles that were known from a moment on; durable when it returns.

        Not on the thread that owns the checkpoint: it waits for the disk.

        Raises:
            ProfileRefused: no such profiles are declared, or one of these does not fit.
            Refusal: the disk did not take them; nothing of what was asked since has happened.
        """
        ...
