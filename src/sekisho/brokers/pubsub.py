"""Google Pub/Sub: a topic a topic, a subscription a group, ordered by key."""

# google-cloud-pubsub is generated and only partly typed.
# pyright: strict, reportUnknownMemberType=false, reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.api_core.exceptions import (
    AlreadyExists,
    DeadlineExceeded,
    GoogleAPICallError,
    RetryError,
)
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage

from sekisho.brokers.handed_out import HandedOut
from sekisho.brokers.model import BrokerUnavailable, Message
from sekisho.brokers.ports import Delivery

LEASE_S: Final = 60
_ID: Final = "sekisho-id"
_PATIENCE_S: Final = 10.0
_FAILURES: Final = (GoogleAPICallError, RetryError, GoogleAuthError, OSError)


class PubSubBroker:
    """Pub/Sub behind the port, with unary pulls, so that nothing is acknowledged by itself.

    Attempts are counted by this client, since Pub/Sub counts them only for subscriptions with a
    dead-letter policy. Ordering per key holds within one region.

    Args:
        project: the Google Cloud project's id.
        emulator: `host:port` of an emulator; default, as for Google's own clients, is
            `PUBSUB_EMULATOR_HOST`. Without one, Application Default Credentials are used.
    """

    def __init__(self, project: str, emulator: str = "") -> None:
        self._project = project
        self._emulator = emulator or os.environ.get("PUBSUB_EMULATOR_HOST", "")
        self._clients: tuple[PublisherAsyncClient, SubscriberAsyncClient] | None = None
        self._handed_out = HandedOut()

    async def declare(self, topic: str, group: str) -> None:
        """Make topic and subscription."""
        publisher, subscriber = self._open()
        try:
            await _unless_there(publisher.create_topic(name=self._topic(topic)))
            subscription = {
                "name": self._subscription(topic, group),
                "topic": self._topic(topic),
                "ack_deadline_seconds": LEASE_S,
                "enable_message_ordering": True,
            }
            await _unless_there(subscriber.create_subscription(request=subscription))
        except _FAILURES as error:
            raise _lost(error) from error

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Publish in one call; the answer carries an id for each."""
        publisher, _ = self._open()
        raws = [
            PubsubMessage(
                data=message.body,
                attributes={**message.headers, _ID: message.id},
                ordering_key=message.key,
            )
            for message in messages
        ]
        try:
            await publisher.publish(topic=self._topic(topic), messages=raws, timeout=_PATIENCE_S)
        except _FAILURES as error:
            raise _lost(error) from error

    async def receive(self, topic: str, group: str, most: int, wait_s: float) -> list[Delivery]:
        """Pull once; Pub/Sub itself decides how many of those there it hands out."""
        _, subscriber = self._open()
        name = self._subscription(topic, group)
        try:
            told = await subscriber.pull(subscription=name, max_messages=most, timeout=wait_s)
        except DeadlineExceeded:
            return []
        except _FAILURES as error:
            raise _lost(error) from error
        return [self._delivery(subscriber, name, raw) for raw in told.received_messages]

    async def close(self) -> None:
        """Close both channels."""
        if self._clients is not None:
            publisher, subscriber = self._clients
            self._clients = None
            await asyncio.gather(publisher.transport.close(), subscriber.transport.close())

    def _delivery(
        self, subscriber: SubscriberAsyncClient, name: str, raw: ReceivedMessage
    ) -> Delivery:
        attempt = self._handed_out.next(raw.message.message_id, raw.delivery_attempt)
        return PubSubDelivery(subscriber, name, raw.ack_id, _message(raw), attempt)

    def _open(self) -> tuple[PublisherAsyncClient, SubscriberAsyncClient]:
        if self._clients is None:
            self._clients = self._connect()
        return self._clients

    def _connect(self) -> tuple[PublisherAsyncClient, SubscriberAsyncClient]:
        if not self._emulator:
            try:
                return PublisherAsyncClient(), SubscriberAsyncClient()
            except GoogleAuthError as error:
                raise _lost(error) from error
        publishing = PublisherGrpcAsyncIOTransport(
            channel=grpc.aio.insecure_channel(self._emulator)
        )
        subscribing = SubscriberGrpcAsyncIOTransport(
            channel=grpc.aio.insecure_channel(self._emulator)
        )
        return (
            PublisherAsyncClient(transport=publishing),
            SubscriberAsyncClient(transport=subscribing),
        )

    def _topic(self, topic: str) -> str:
        return f"projects/{self._project}/topics/{topic}"

    def _subscription(self, topic: str, group: str) -> str:
        return f"projects/{self._project}/subscriptions/{topic}.{group}"


@dataclass(frozen=True, slots=True)
class PubSubDelivery:
    """One outstanding message of a subscription."""

    subscriber: SubscriberAsyncClient
    subscription: str
    ack_id: str
    message: Message
    attempt: int

    async def done(self) -> None:
        """Acknowledge by the latest ack id."""
        try:
            await self.subscriber.acknowledge(
                subscription=self.subscription, ack_ids=[self.ack_id], timeout=_PATIENCE_S
            )
        except _FAILURES as error:
            raise _lost(error) from error

    async def again(self, delay_s: float) -> None:
        """Let its deadline run out after the delay; 600 s is Pub/Sub's longest."""
        try:
            await self.subscriber.modify_ack_deadline(
                subscription=self.subscription,
                ack_ids=[self.ack_id],
                ack_deadline_seconds=min(600, round(delay_s)),
                timeout=_PATIENCE_S,
            )
        except _FAILURES as error:
            raise _lost(error) from error


async def _unless_there(call: Any) -> None:
    try:
        await call
    except AlreadyExists:
        return


def _message(raw: ReceivedMessage) -> Message:
    headers = {str(name).lower(): str(value) for name, value in raw.message.attributes.items()}
    ident = headers.pop(_ID, "") or raw.message.message_id
    return Message(ident, raw.message.data, raw.message.ordering_key, headers)


def _lost(error: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(
        f"Pub/Sub: {error}; are the credentials set (gcloud auth application-default login)?"
    )
