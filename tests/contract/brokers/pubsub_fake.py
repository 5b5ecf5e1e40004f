"""Google Pub/Sub as far as its documentation promises: the real protocol over gRPC, in memory.

At least once; a message is outstanding until its deadline, acknowledged only by its latest ack id;
messages of one ordering key are handed out one after another, in the order of publishing.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1.types import (
    AcknowledgeRequest,
    ModifyAckDeadlineRequest,
    PublishRequest,
    PublishResponse,
    PubsubMessage,
    PullRequest,
    PullResponse,
    ReceivedMessage,
    Subscription,
    Topic,
)


@dataclass
class Held:
    """One message in one subscription."""

    message: PubsubMessage
    ready_at: float = 0.0
    ack_id: str = ""


@dataclass
class Queue:
    """One subscription."""

    spec: Subscription
    held: dict[str, Held] = field(default_factory=dict)

    def take(self, most: int, number: Any) -> list[ReceivedMessage]:
        now = time.monotonic()
        taken: list[ReceivedMessage] = []
        blocked: set[str] = set()
        for held in self.held.values():
            key = held.message.ordering_key
            waiting = held.ready_at > now
            if len(taken) < most and not waiting and key not in blocked:
                held.ready_at = now + self.spec.ack_deadline_seconds
                held.ack_id = f"ack-{next(number)}"
                taken.append(ReceivedMessage(ack_id=held.ack_id, message=held.message))
            if key:  # the next of this key waits until this one is acknowledged
                blocked.add(key)
        return taken

    def by_ack_id(self, ack_id: str) -> str | None:
        return next((i for i, held in self.held.items() if held.ack_id == ack_id), None)


class FakePubSub:
    """Publisher and Subscriber of google.pubsub.v1."""

    def __init__(self) -> None:
        self.topics: dict[str, list[str]] = {}
        self.queues: dict[str, Queue] = {}
        self.number = count(1)

    async def create_topic(self, request: Topic, context: Any) -> Topic:
        if request.name in self.topics:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "topic exists")
        self.topics[request.name] = []
        return request

    async def create_subscription(self, request: Subscription, context: Any) -> Subscription:
        if request.name in self.queues:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "subscription exists")
        if request.topic not in self.topics:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such topic")
        self.topics[request.topic].append(request.name)
        self.queues[request.name] = Queue(request)
        return request

    async def publish(self, request: PublishRequest, context: Any) -> PublishResponse:
        if request.topic not in self.topics:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such topic")
        ids: list[str] = []
        for message in request.messages:
            message.message_id = str(next(self.number))
            ids.append(message.message_id)
            for name in self.topics[request.topic]:
                self.queues[name].held[message.message_id] = Held(message)
        return PublishResponse(message_ids=ids)

    async def pull(self, request: PullRequest, context: Any) -> PullResponse:
        queue = self.queues.get(request.subscription)
        if queue is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such subscription")
            raise AssertionError
        while context.time_remaining() is None or context.time_remaining() > 0.05:
            if taken := queue.take(request.max_messages, self.number):
                return PullResponse(received_messages=taken)
            await asyncio.sleep(0.01)
        return PullResponse()

    async def acknowledge(self, request: AcknowledgeRequest, _: Any) -> Empty:
        queue = self.queues[request.subscription]
        for ack_id in request.ack_ids:
            if (ident := queue.by_ack_id(ack_id)) is not None:
                del queue.held[ident]
        return Empty()

    async def modify_ack_deadline(self, request: ModifyAckDeadlineRequest, _: Any) -> Empty:
        queue = self.queues[request.subscription]
        for ack_id in request.ack_ids:
            if (ident := queue.by_ack_id(ack_id)) is not None:
                queue.held[ident].ready_at = time.monotonic() + request.ack_deadline_seconds
        return Empty()


def _handlers(fake: FakePubSub) -> list[grpc.GenericRpcHandler]:
    publisher = {
        "CreateTopic": (fake.create_topic, Topic, Topic),
        "Publish": (fake.publish, PublishRequest, PublishResponse),
    }
    subscriber = {
        "CreateSubscription": (fake.create_subscription, Subscription, Subscription),
        "Pull": (fake.pull, PullRequest, PullResponse),
        "Acknowledge": (fake.acknowledge, AcknowledgeRequest, None),
        "ModifyAckDeadline": (fake.modify_ack_deadline, ModifyAckDeadlineRequest, None),
    }
    return [
        grpc.method_handlers_generic_handler(
            f"google.pubsub.v1.{service}",
            {
                name: grpc.unary_unary_rpc_method_handler(
                    handler,
                    request_deserializer=asked.deserialize,
                    response_serializer=told.serialize if told else Empty.SerializeToString,
                )
                for name, (handler, asked, told) in methods.items()
            },
        )
        for service, methods in {"Publisher": publisher, "Subscriber": subscriber}.items()
    ]


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The fake's `host:port` while it runs."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(tuple(_handlers(FakePubSub())))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
