"""The one port behind which every broker stands: declare, publish, receive, acknowledge."""

from collections.abc import Sequence
from typing import Protocol

from sekisho.brokers.model import Message


class Delivery(Protocol):
    """One message handed to one receiver, who says what became of it."""

    @property
    def message(self) -> Message:
        """What was published."""
        ...

    @property
    def attempt(self) -> int:
        """1 for the first time it is handed out, as far as the broker or this client can tell."""
        ...

    async def done(self) -> None:
        """Acknowledge: it is never handed out again. Only after its effect is durable."""
        ...

    async def again(self, delay_s: float) -> None:
        """Hand it out once more, to anyone of the group, about so much later."""
        ...


class Broker(Protocol):
    """At-least-once transport with groups: each group sees every message, one member each.

    Every method raises `BrokerUnavailable` when the broker cannot be reached or does not confirm.
    """

    async def declare(self, topic: str, group: str) -> None:
        """Make the topic and the group exist: from now on nothing published is missed by it."""
        ...

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Hand messages over; returns once the broker has confirmed that it holds every one."""
        ...

    async def receive(self, topic: str, group: str, most: int, wait_s: float) -> list[Delivery]:
        """Up to `most` messages, waiting at most so long for the first; empty if none came."""
        ...

    async def close(self) -> None:
        """Let go of the connection; what was not acknowledged is handed out to others."""
        ...
