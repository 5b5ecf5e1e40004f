"""NATS JetStream: a stream a topic, a durable pull consumer a group."""

# nats-py leaves keyword arguments untyped.
# pyright: strict, reportUnknownMemberType=false

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from sekisho.brokers.model import BrokerUnavailable, Message
from sekisho.brokers.ports import Delivery

KEEP_S: Final = 7 * 86_400
_ID: Final = "Nats-Msg-Id"
_KEY: Final = "sekisho-key"
_PATIENCE_S: Final = 5.0


class NatsBroker:
    """JetStream behind the port.

    Acknowledgement is explicit. `max_deliver` is without limit, since JetStream leaves a message
    that hits it in the stream without a word; the attempts are counted by `consume` instead.

    Args:
        url: `nats://[user:password@]host:port`.
        lease_s: a message not acknowledged for so long is handed out again.
    """

    def __init__(self, url: str, lease_s: float = 30.0) -> None:
        self._url = url
        self._lease_s = lease_s
        self._client: Client | None = None
        self._pulls: dict[tuple[str, str], JetStreamContext.PullSubscription] = {}

    async def declare(self, topic: str, group: str) -> None:
        """Make stream and durable consumer; both survive the broker's restart."""
        stream = _stream(topic)
        try:
            jetstream = await self._jetstream()
            try:
                await jetstream.stream_info(stream)
            except NotFoundError:
                await jetstream.add_stream(_stream_config(topic))
            config = ConsumerConfig(
                durable_name=group,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._lease_s,
                max_deliver=-1,
                max_ack_pending=10_000,
            )
            self._pulls[topic, group] = await jetstream.pull_subscribe(
                topic, durable=group, stream=stream, config=config
            )
        except (Error, OSError) as error:
            raise _lost(error) from error

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish and await the stream's acknowledgement of each."""
        try:
            jetstream = await self._jetstream()
            for message in messages:
                headers = {**message.headers, _ID: message.id, _KEY: message.key}
                await jetstream.publish(topic, message.body, timeout=_PATIENCE_S, headers=headers)
        except (Error, OSError) as error:
            raise _lost(error) from error

    async def receive(self, topic: str, group: str, most: int, wait_s: float) -> list[Delivery]:
        """Pull a batch."""
        try:
            messages = await self._pulls[topic, group].fetch(most, timeout=wait_s)
        except TimeoutError:
            return []
        except (Error, OSError) as error:
            raise _lost(error) from error
        return [NatsDelivery(message, _message(message)) for message in messages]

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()

    async def _jetstream(self) -> JetStreamContext:
        if self._client is None or self._client.is_closed:
            # Of itself it would try for ever to reach a server that has never answered.
            async with asyncio.timeout(_PATIENCE_S):
                self._client = await nats.connect(
                    self._url, max_reconnect_attempts=-1, error_cb=_quiet
                )
        return self._client.jetstream(timeout=_PATIENCE_S)


@dataclass(frozen=True, slots=True)
class NatsDelivery:
    """One message of a pull consumer."""

    raw: Msg
    message: Message

    @property
    def attempt(self) -> int:
        """JetStream's own count of deliveries."""
        return self.raw.metadata.num_delivered or 1

    async def done(self) -> None:
        """Acknowledge, and wait until the server has taken that in."""
        try:
            await self.raw.ack_sync(timeout=_PATIENCE_S)
        except (Error, OSError) as error:
            raise _lost(error) from error

    async def again(self, delay_s: float) -> None:
        """Ask for another delivery after a delay."""
        try:
            await self.raw.nak(delay=delay_s)
        except (Error, OSError) as error:
            raise _lost(error) from error


def _stream(topic: str) -> str:
    """A stream's name may have no dots."""
    return topic.replace(".", "_")


def _stream_config(topic: str) -> StreamConfig:
    return StreamConfig(
        name=_stream(topic), subjects=[topic], storage=StorageType.FILE, max_age=KEEP_S
    )


def _message(raw: Msg) -> Message:
    headers = {name.lower(): value for name, value in (raw.headers or {}).items()}
    key = headers.pop(_KEY, "")
    return Message(headers.pop(_ID.lower(), ""), raw.data, key, headers)


def _lost(error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(f"NATS: {error or type(error).__name__}; is JetStream on and up?")


async def _quiet(_: Exception) -> None:
    """The client reconnects by itself; what a call could not do it says itself."""
