"""What is known from before the log: events that were imported, and what became of them."""

from typing import Protocol

from sekisho.events import Event, ReceiveContext
from sekisho.flow.subject import Subject


class Past(Protocol):
    """Imported history, as far as live events have to do with it."""

    def tells_of(self, event_id: str, /, *, outcome: bool = False) -> bool:
        """Whether an event to be decided, or an outcome, of this id is known from history."""
        ...

    def subject(self, event_id: str, context: ReceiveContext, /) -> Subject | None:
        """An imported event with its imported outcomes; None when it is none."""
        ...

    def outcomes_of(self, event_id: str, context: ReceiveContext, /) -> tuple[Event, ...]:
        """Imported outcomes about an event of any origin, in the order of their times."""
        ...
