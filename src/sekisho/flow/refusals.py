"""Why the checkpoint gives no decision; each says what to do next."""

from typing import ClassVar


class Refusal(Exception):
    """Base of the checkpoint's refusals; `code` is part of the API."""

    code: ClassVar[str] = "refused"

    def __init__(self, *args: object) -> None:
        super().__init__(*(args or (self.__doc__ or "",)))


class KeyInUse(Refusal):
    """a request with this idempotency key is still running: wait for its answer, then retry"""

    code = "idempotency_key_in_use"


class KeyMismatch(Refusal):
    """this idempotency key was used with another body: use a new key for a new request"""

    code = "idempotency_error"


class EventIdInUse(Refusal):
    """an event of this id was recorded with other content: give the new event its own id"""

    code = "event_id_in_use"


class SubjectUnknown(Refusal):
    """no event of the id in `about` was recorded: ask for its decision first"""

    code = "resource_missing"


class WrongDoor(Refusal):
    """this type of event is not taken here"""

    code = "wrong_endpoint"


class Overloaded(Refusal):
    """too many decisions are waiting for the disk: retry in a moment"""

    code = "overloaded"


class NotRecorded(Refusal):
    """the decision could not be recorded, so it was not made: retry, nothing of it was kept"""

    code = "not_recorded"


def not_recorded(error: Exception) -> Refusal:
    """What a caller is told whose decision the store refused, and why."""
    refused = NotRecorded(f"{NotRecorded.__doc__} ({error})")
    refused.__cause__ = error
    return refused
