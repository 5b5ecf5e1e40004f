"""A server and a worker of their own processes, and producers that know nothing of either."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from sekisho.brokers import Broker, Message

from .conftest import LONG, Bench, Meeting

KEY = {"authorization": "Bearer sk_test_sekisho"}
ASKED, TOLD, GROUP = "sekisho.actions", "example.told", "test"
COMMAND = Path(sys.executable).with_name("sekisho")
Meet = Callable[[Callable[[Meeting], Any]], None]


@pytest.fixture
def service(bench: Bench) -> Any:
    if bench.service is None:
        pytest.skip(f"{bench.name}: no server process of its own here")
    return bench.service


@contextmanager
def serving(data: Path, broker: str) -> Iterator[str]:
    environment = {
        "SEKISHO_BROKER": broker,
        "SEKISHO_WORKER_ACTIONS": "event.publish",
        "SEKISHO_WORKER_PATIENCE_S": "1",
    }
    with started(["serve", "--dev", "--data", str(data), "--port", "0"], environment) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("ready "), line
        yield line.removeprefix("ready ").strip()


@contextmanager
def working(broker: str) -> Iterator[subprocess.Popen[str]]:
    with started(["work", "--broker", broker], {}) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith("working as work_")
        yield worker


@contextmanager
def started(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [COMMAND, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def asking(number: int) -> Message:
    """An action asked for as a structured CloudEvent."""
    event = {
        "specversion": "1.0",
        "id": f"ask-{number}",
        "source": "/billing",
        "type": "sekisho.action.event.publish",
        "partitionkey": f"account-{number % 3}",
        "data": {"topic": TOLD, "type": "com.example.done", "data": {"number": number}},
    }
    return Message(f"{number}-{time.monotonic_ns()}", msgspec.json.encode(event))


async def told(broker: Broker, numbers: set[int]) -> list[dict[str, Any]]:
    """The events told, until every number has come, and a little longer."""
    events: list[dict[str, Any]] = []
    quiet = 0
    while not numbers <= {event["data"]["number"] for event in events} or quiet < 3:
        deliveries = await broker.receive(TOLD, GROUP, 100, 0.3)
        quiet = 0 if deliveries else quiet + 1
        for delivery in deliveries:
            events.append(msgspec.json.decode(delivery.message.body))
            await delivery.done()
    return events


def states(url: str) -> dict[str, str]:
    listed = httpx.get(f"{url}/v1/actions", params={"limit": 100}, headers=KEY).json()
    return {action["id"]: action["state"] for action in listed["data"]}


def test_what_any_producer_asks_for_is_done_once_by_a_worker(
    meet: Meet, service: Any, tmp_path: Path
) -> None:
    async def scenario(meeting: Meeting) -> None:
        broker = meeting.client("producer")
        await broker.declare(TOLD, GROUP)
        await broker.declare(ASKED, "sekisho")
        twice = [asking(number) for number in range(20) for _ in range(2)]
        binary = Message(
            "binary",
            msgspec.json.encode({"topic": TOLD, "type": "t", "data": {"number": 20}}),
            "",
            {
                "ce-specversion": "1.0",
                "ce-id": "ask-20",
                "ce-source": "/billing",
                "ce-type": "sekisho.action.event.publish",
            },
        )
        await broker.publish(ASKED, [*twice, binary, Message("bad", b"not JSON")])
        dead = f"{ASKED}.dead"
        await broker.declare(dead, GROUP)
        events = await told(broker, set(range(21)))
        assert sorted(event["data"]["number"] for event in events) == list(range(21))
        assert len({event["id"] for event in events}) == 21
        (letter,) = await broker.receive(dead, GROUP, 10, 5.0)
        assert letter.message.body == b"not JSON"
        assert letter.message.headers["sekisho-reason"].startswith("not_json: ")
        await letter.done()
        assert set(states(url).values()) == {"done"}

    with serving(tmp_path / "data", service.url) as url, working(service.url):
        meet(scenario)


@LONG
def test_orders_outlive_workers(meet: Meet, service: Any, tmp_path: Path) -> None:
    """No worker at first, then one that is killed, then another: all is done in the end."""

    async def scenario(meeting: Meeting) -> None:
        broker = meeting.client("producer")
        await broker.declare(TOLD, GROUP)
        await broker.declare(ASKED, "sekisho")
        numbers = set(range(100, 106))
        await broker.publish(ASKED, [asking(number) for number in sorted(numbers)])
        await asyncio.sleep(0.5)
        with working(service.url) as lost:
            lost.kill()
        with working(service.url):
            events = await told(broker, numbers)
        assert {event["data"]["number"] for event in events} == numbers
        assert len({event["id"] for event in events}) == len(numbers)
        assert set(states(url).values()) == {"done"}

    with serving(tmp_path / "data", service.url) as url:
        meet(scenario)
