"""RabbitMQ: a fanout exchange a topic, a durable queue a group, publisher confirms."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import AMQPError

from sekisho.brokers.handed_out import HandedOut
from sekisho.brokers.model import BrokerUnavailable, Message
from sekisho.brokers.ports import Delivery

_KEY: Final = "sekisho-key"
_COUNT: Final = "x-delivery-count"
_PATIENCE_S: Final = 5.0
_FAILURES: Final = (AMQPError, OSError, TimeoutError, asyncio.InvalidStateError, RuntimeError)


class RabbitBroker:
    """RabbitMQ behind the port.

    Queues are of the virtual host's default type, so that an operator chooses: classic ones, or
    quorum queues, which survive a node's loss and count deliveries. Classic ones only tell that a
    message comes again; then this client counts. No delivery limit is set: what a queue drops at
    its limit is gone unless somebody has configured a dead-letter exchange.

    Args:
        url: `amqp://user:password@host:port/vhost`.
        prefetch: messages handed to this client and not yet acknowledged.
    """

    def __init__(self, url: str, prefetch: int = 256) -> None:
        self._url = url
        self._prefetch = prefetch
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._handed_out = HandedOut()
        self._inboxes: dict[tuple[str, str], asyncio.Queue[AbstractIncomingMessage]] = {}

    async def declare(self, topic: str, group: str) -> None:
        """Make exchange, queue and binding, and start to be handed messages."""
        try:
            channel = await self._open()
            exchange = await channel.declare_exchange(topic, "fanout", durable=True)
            queue = await channel.declare_queue(f"{topic}.{group}", durable=True)
            await queue.bind(exchange)
        except _FAILURES as error:
            await self._drop()
            raise _lost(error) from error

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish persistent messages and await every confirm."""
        try:
            channel = await self._open()
            exchange = await channel.declare_exchange(topic, "fanout", durable=True)
            await asyncio.gather(
                *(
                    exchange.publish(_outgoing(message), "", timeout=_PATIENCE_S)
                    for message in messages
                )
            )
        except _FAILURES as error:
            await self._drop()
            raise _lost(error) from error

    async def receive(self, topic: str, group: str, most: int, wait_s: float) -> list[Delivery]:
        """Take what has been handed over, waiting for the first."""
        try:
            inbox = self._inboxes.get((topic, group)) or await self._start(topic, group)
            first = await asyncio.wait_for(inbox.get(), wait_s)
        except TimeoutError:
            if self._channel is None or self._channel.is_closed:
                raise _lost(ConnectionError("connection lost")) from None
            return []
        except _FAILURES as error:
            await self._drop()
            raise _lost(error) from error
        taken = [first]
        while len(taken) < most and not inbox.empty():
            taken.append(inbox.get_nowait())
        return [RabbitDelivery(raw, _incoming(raw), self._attempt(raw)) for raw in taken]

    async def close(self) -> None:
        """Close the connection; the queue takes back what was not acknowledged."""
        await self._drop()

    def _attempt(self, raw: AbstractIncomingMessage) -> int:
        count = raw.headers.get(_COUNT)
        told = count + 1 if isinstance(count, int) else 1 + bool(raw.redelivered)
        return self._handed_out.next(raw.message_id or "", told)

    async def _start(self, topic: str, group: str) -> "asyncio.Queue[AbstractIncomingMessage]":
        channel = await self._open()
        queue = await channel.get_queue(f"{topic}.{group}")
        inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(inbox.put, no_ack=False)
        self._inboxes[topic, group] = inbox
        return inbox

    async def _open(self) -> AbstractChannel:
        if self._connection is None or self._connection.is_closed:
            self._connection = await aio_pika.connect(self._url, timeout=_PATIENCE_S)
            self._channel = None
        if self._channel is None or self._channel.is_closed:
            self._inboxes.clear()
            channel = await self._connection.channel(publisher_confirms=True)
            await channel.set_qos(prefetch_count=self._prefetch)
            self._channel = channel
        return self._channel

    async def _drop(self) -> None:
        """Forget the connection: what was not acknowledged on it comes again."""
        connection, self._connection, self._channel = self._connection, None, None
        self._inboxes.clear()
        if connection is not None:
            with suppress(*_FAILURES):
                await connection.close()


@dataclass(frozen=True, slots=True)
class RabbitDelivery:
    """One message of a queue."""

    raw: AbstractIncomingMessage
    message: Message
    attempt: int
    _waiting: list[asyncio.Task[None]] = field(default_factory=list)

    async def done(self) -> None:
        """Acknowledge this one message."""
        try:
            await self.raw.ack()
        except _FAILURES as error:
            raise _lost(error) from error

    async def again(self, delay_s: float) -> None:
        """Give it back after the delay: the broker itself would hand it out at once."""
        self._waiting.append(asyncio.create_task(self._give_back(delay_s)))

    async def _give_back(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        with suppress(*_FAILURES):  # the connection is gone, and so it is given back already
            await self.raw.nack(requeue=True)


def _outgoing(message: Message) -> aio_pika.Message:
    return aio_pika.Message(
        message.body,
        message_id=message.id,
        headers={**message.headers, _KEY: message.key},
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _incoming(raw: AbstractIncomingMessage) -> Message:
    headers = {
        name.lower(): value if isinstance(value, str) else str(value)
        for name, value in raw.headers.items()
        if name != _COUNT
    }
    if raw.content_type:
        headers.setdefault("content-type", raw.content_type)
    key = headers.pop(_KEY, "")
    return Message(raw.message_id or "", raw.body, key, headers)


def _lost(error: BaseException) -> BrokerUnavailable:
    return BrokerUnavailable(
        f"RabbitMQ: {error or type(error).__name__}; is it up, is the user let in?"
    )
