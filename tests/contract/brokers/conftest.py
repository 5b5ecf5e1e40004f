"""The brokers under test, each real but Pub/Sub, for which no emulator can be installed."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from sekisho.brokers import Broker
from sekisho.brokers.kafka import KafkaBroker
from sekisho.brokers.nats import NatsBroker
from sekisho.brokers.pubsub import PubSubBroker
from sekisho.brokers.rabbitmq import RabbitBroker
from sekisho.brokers.redis import RedisBroker

from .pubsub_fake import serving
from .servers import Service, nats_server, rabbitmq_server, redis_server, running

LEASE_S = 2.0
LONG = pytest.mark.skipif(
    os.environ.get("SEKISHO_SOAK") != "1", reason="five brokers, many restarts: make soak"
)
_TOPICS = count(1)


@dataclass
class Bench:
    """One kind of broker: how to connect a client, and its server where there is a real one."""

    name: str
    connect: Callable[[str], Broker]
    service: Service | None = None


@contextmanager
def _real(kind: str, folder: Path) -> Iterator[Bench]:
    make = {"nats": nats_server, "redis": redis_server, "rabbitmq": rabbitmq_server}[kind]
    with running(make(folder)) as service:
        clients: dict[str, Callable[[str], Broker]] = {
            "nats": lambda _: NatsBroker(service.url, LEASE_S),
            "redis": lambda member: RedisBroker(service.url, member, LEASE_S),
            "rabbitmq": lambda _: RabbitBroker(service.url),
        }
        yield Bench(kind, clients[kind], service)


@contextmanager
def _mock_kafka() -> Iterator[Bench]:
    """Librdkafka's own cluster of three brokers, speaking the real protocol on real ports."""
    cluster = Producer({"test.mock.num.brokers": 3})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    yield Bench("kafka", lambda _: KafkaBroker(servers))
    del cluster


KINDS = [
    pytest.param(kind, marks=pytest.mark.xdist_group(f"broker-{kind}"))
    for kind in ("nats", "redis", "rabbitmq", "kafka", "pubsub")
]


@pytest.fixture(scope="session", params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    if request.param == "kafka":
        with _mock_kafka() as bench:
            yield bench
    elif request.param == "pubsub":
        yield Bench("pubsub", lambda _: PubSubBroker("test"))
    else:
        with _real(request.param, tmp_path_factory.mktemp(request.param)) as bench:
            yield bench


@dataclass
class Meeting:
    """What a test gets: a topic nobody else uses, and clients that are closed after it."""

    bench: Bench
    topic: str
    clients: list[Broker]

    def client(self, member: str = "one") -> Broker:
        broker = self.bench.connect(member)
        self.clients.append(broker)
        return broker


@asynccontextmanager
async def _meeting(bench: Bench) -> AsyncIterator[Meeting]:
    meeting = Meeting(bench, f"test.topic{next(_TOPICS)}", [])
    try:
        yield meeting
    finally:
        for broker in meeting.clients:
            await broker.close()


@pytest.fixture
def meet(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a scenario on an event loop of its own, against the broker under test."""

    def run(scenario: Callable[[Meeting], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            if bench.name == "pubsub":
                async with serving() as address:
                    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
                    await _within(bench, scenario)
            else:
                await _within(bench, scenario)

        asyncio.run(whole())

    return run


async def _within(bench: Bench, scenario: Callable[[Meeting], Awaitable[None]]) -> None:
    async with _meeting(bench) as meeting:
        await scenario(meeting)
