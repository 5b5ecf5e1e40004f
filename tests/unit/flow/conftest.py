"""A whole node in this process, on a temporary directory and without HTTP."""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node
from sekisho.flow import Asking
from sekisho.rules import DraftRule


class Gate:
    """A node and the calls that tests make on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._numbers = count(1)
        self.open()

    def open(self) -> None:
        self.node: Node = open_node(Settings(data=self.data, dev=True))

    def close(self) -> None:
        self.node.close()

    def decide(self, key: str = "", **event: Any) -> dict[str, Any]:
        plain = {"type": "payment", "amount": 2500, "currency": "usd"}
        sent = {**plain, "id": f"pay_{next(self._numbers)}", **event}
        return json.loads(self.node.decide(json.dumps(sent).encode(), Asking("me", key)).body)

    def publish(self, *rules: str) -> None:
        async def run() -> None:
            await self.node.policy.save_draft([DraftRule(rule) for rule in rules], "test")
            await self.node.policy.publish("test", "")

        asyncio.run(run())

    def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        rows = self.node.store.read().execute("SELECT kind, payload FROM outbox ORDER BY cause, id")
        return [(str(kind), json.loads(bytes(payload))) for kind, payload in rows]

    def report(self, **event: Any) -> dict[str, Any]:
        return json.loads(self.node.report(json.dumps(event).encode()).body)


@pytest.fixture
def new_gate(tmp_path: Path) -> Iterator[Callable[[str], Gate]]:
    gates: list[Gate] = []

    def make(name: str) -> Gate:
        gates.append(Gate(tmp_path / name))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """One node for tests that keep to customers of their own."""
    made = Gate(tmp_path_factory.mktemp("gate") / "data")
    yield made
    made.close()
