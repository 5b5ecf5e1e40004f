"""Kafka: offsets are committed by hand, and only up to the first message not yet done."""

# The stubs of confluent-kafka leave its futures open.
# pyright: strict, reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import heapq
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as Raw
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from sekisho.brokers.model import BrokerUnavailable, Message
from sekisho.brokers.ports import Delivery

PARTITIONS: Final = 6
_ID: Final = "sekisho-id"
_PATIENCE_S: Final = 10.0
_SESSION_MS: Final = 10_000  # a member silent for so long loses its partitions
_Source = tuple[str, str]
_Part = tuple[str, int]


@dataclass(slots=True)
class _Partition:
    """What of one partition is out, and up to where everything is done."""

    out: dict[int, bool] = field(default_factory=dict)

    def finish(self, offset: int) -> int | None:
        """The offset to commit now, if the head of the line has moved."""
        self.out[offset] = True
        moved: int | None = None
        for head in sorted(self.out):
            if not self.out[head]:
                break
            del self.out[head]
            moved = head + 1
        return moved


@dataclass(slots=True)
class _Reader:
    """One consumer of a group: its partitions and what waits to be tried again."""

    consumer: Consumer
    partitions: dict[_Part, _Partition] = field(default_factory=dict)
    later: list[tuple[float, int, Raw, int]] = field(default_factory=list)
    order: Any = field(default_factory=count)


class KafkaBroker:
    """Kafka behind the port.

    Kafka has no count of deliveries and no delay: both are kept by this client, and start anew
    when its partitions move to another one. Librdkafka blocks, so calls run in threads.

    Args:
        servers: `host:port,host:port`.
        replicas: copies of a topic that is made here; 0 = the cluster's default.
    """

    def __init__(self, servers: str, replicas: int = 0) -> None:
        self._servers = servers
        self._replicas = replicas or -1
        self._producer: Producer | None = None
        self._readers: dict[_Source, _Reader] = {}

    async def declare(self, topic: str, group: str) -> None:  # noqa: ARG002 — no making needed
        """Make the topic. A group needs no making: it begins at the topic's beginning."""
        await asyncio.to_thread(self._create, topic)

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Produce with `acks=all` and await every report."""
        await asyncio.to_thread(self._produce, topic, messages)

    async def receive(self, topic: str, group: str, most: int, wait_s: float) -> list[Delivery]:
        """What is due again first, then new messages."""
        reader = self._readers.get((topic, group))
        if reader is None:
            reader = _Reader(self._subscribed(topic, group))
            self._readers[topic, group] = reader
        due: list[Delivery] = []
        while reader.later and len(due) < most and reader.later[0][0] <= time.monotonic():
            _, _, raw, attempt = heapq.heappop(reader.later)
            due.append(KafkaDelivery(reader, raw, _message(raw), attempt))
        if due:
            return due
        if reader.later:
            wait_s = min(wait_s, max(0.01, reader.later[0][0] - time.monotonic()))
        raws = await asyncio.to_thread(_poll, reader.consumer, most, wait_s)
        for raw in raws:
            line = reader.partitions.setdefault(_part(raw), _Partition())
            line.out[raw.offset() or 0] = False
        return [KafkaDelivery(reader, raw, _message(raw), 1) for raw in raws]

    async def close(self) -> None:
        """Leave the groups; what was not committed is read by others."""
        readers, self._readers = self._readers, {}
        for reader in readers.values():
            await asyncio.to_thread(reader.consumer.close)
        if self._producer is not None:
            await asyncio.to_thread(self._producer.flush, _PATIENCE_S)

    def _create(self, topic: str) -> None:
        admin = AdminClient({"bootstrap.servers": self._servers})
        try:
            if admin.list_topics(topic, timeout=_PATIENCE_S).topics[topic].error is None:
                return
        except KafkaException as error:
            raise _lost(error) from error
        wanted = NewTopic(topic, num_partitions=PARTITIONS, replication_factor=self._replicas)
        future = admin.create_topics([wanted], request_timeout=_PATIENCE_S)[topic]
        try:
            future.result(_PATIENCE_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _lost(error) from error
        except TimeoutError as error:
            raise _lost(error) from error

    def _subscribed(self, topic: str, group: str) -> Consumer:
        consumer = Consumer(
            {
                "bootstrap.servers": self._servers,
                "group.id": f"{topic}.{group}",
                "session.timeout.ms": _SESSION_MS,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "logger": None,
            }
        )
        consumer.subscribe([topic])
        return consumer

    def _produce(self, topic: str, messages: Sequence[Message]) -> None:
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self._servers,
                    "acks": "all",
                    "enable.idempotence": True,
                    "delivery.timeout.ms": round(_PATIENCE_S * 1000),
                    "linger.ms": 1,
                }
            )
        failures: list[KafkaError] = []

        def told(error: KafkaError | None, _: Raw) -> None:
            if error is not None:
                failures.append(error)

        for message in messages:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            self._producer.produce(
                topic,
                message.body,
                key=message.key.encode() or None,
                headers=[*headers, (_ID, message.id.encode())],
                on_delivery=told,
            )
        left = self._producer.flush(_PATIENCE_S + 1)
        if failures or left:
            raise _lost(failures[0] if failures else TimeoutError("not confirmed in time"))


@dataclass(frozen=True, slots=True)
class KafkaDelivery:
    """One message of a partition."""

    reader: _Reader
    raw: Raw
    message: Message
    attempt: int

    async def done(self) -> None:
        """Mark it; commit if everything before it in its partition is done as well."""
        offset = self.reader.partitions[_part(self.raw)].finish(self.raw.offset() or 0)
        if offset is None:
            return
        topic, partition = _part(self.raw)
        try:
            await asyncio.to_thread(
                self.reader.consumer.commit,
                offsets=[TopicPartition(topic, partition, offset)],
                asynchronous=False,
            )
        except KafkaException as error:
            raise _lost(error) from error

    async def again(self, delay_s: float) -> None:
        """Keep it here for another attempt; its partition's offset waits for it."""
        due = time.monotonic() + delay_s
        entry = (due, next(self.reader.order), self.raw, self.attempt + 1)
        heapq.heappush(self.reader.later, entry)


def _poll(consumer: Consumer, most: int, wait_s: float) -> list[Raw]:
    """A batch: the first is waited for, the rest is what is there."""
    try:
        first = consumer.poll(wait_s)
        raws = [first] if first is not None else []
        if raws:
            raws += consumer.consume(most - 1, 0.005) if most > 1 else []
    except (KafkaException, RuntimeError) as error:
        raise _lost(error) from error
    good: list[Raw] = []
    for raw in raws:
        error = raw.error()
        if error is None:
            good.append(raw)
        elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 — its public name
            raise _lost(error)
    return good


def _part(raw: Raw) -> _Part:
    return raw.topic() or "", raw.partition() or 0


def _message(raw: Raw) -> Message:
    headers = {name.lower(): _text(value) for name, value in raw.headers() or []}
    return Message(headers.pop(_ID, ""), raw.value() or b"", _text(raw.key()), headers)


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""


def _lost(error: object) -> BrokerUnavailable:
    return BrokerUnavailable(f"Kafka: {error}; are the bootstrap servers up?")
