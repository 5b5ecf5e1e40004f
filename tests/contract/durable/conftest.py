"""The adapters of the queue, each on a store of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sekisho.durable import OUTBOX_STEPS, OutboxRow, Queue, Store
from sekisho.durable.sqlite import SqliteQueue

Opened = Callable[[], AbstractContextManager[Queue]]


@contextmanager
def sqlite_queue(path: Path) -> Iterator[Queue]:
    store = Store(path / "queue.db")
    store.migrate("outbox", OUTBOX_STEPS)
    try:
        yield SqliteQueue(store)
    finally:
        store.close()


@pytest.fixture(params=["sqlite"])
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Any], None]:
    """Runs a conversation with a fresh queue."""
    del request

    def run(conversation: Callable[[Queue], Awaitable[None]]) -> None:
        with sqlite_queue(tmp_path) as queue:
            asyncio.run(conversation(queue))  # pyright: ignore[reportArgumentType] — a coroutine

    return run


@pytest.fixture
def row() -> Callable[..., OutboxRow]:
    """Makes rows that differ in what a test is about."""

    def make(row_id: str, **more: Any) -> OutboxRow:
        plain: dict[str, Any] = {"kind": "a.b", "payload": b"{}", "due_at_us": 1000}
        return OutboxRow(row_id, **{**plain, **more})

    return make
