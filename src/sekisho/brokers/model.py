"""What travels over a broker, and what can go wrong with it."""

from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message, the same on every broker.

    Attributes:
        id: unique; a broker that can forget duplicates (JetStream) does so by it, and only for
            a while, so receivers remember ids themselves.
        body: bytes, not looked into.
        key: messages of one key keep their order where the broker knows keys (Kafka, Pub/Sub).
        headers: names in lower case; values are text.
    """

    id: str
    body: bytes
    key: str = ""
    headers: dict[str, str] = {}


class BrokerError(Exception):
    """Base of what a broker refuses or fails at."""

    retryable: ClassVar[bool] = False


class BrokerUnavailable(BrokerError):
    """The broker cannot be reached or did not confirm: the same call may be made again."""

    retryable = True


class BrokerMissing(BrokerError):
    """The broker's client library is not installed."""


class Poison(Exception):
    """Raised by a handler for a message that no further attempt will make good."""
