"""A server that runs for weeks of event time: it holds what its windows reach, and no more."""

from __future__ import annotations

import asyncio
import json
import signal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from harness import SOAK, Servers, Witness, flood
from stream import DECISIONS, Request

from sekisho.kit.clock import iso

pytestmark = [
    pytest.mark.skipif(not SOAK, reason="takes minutes: make soak"),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc: run on Linux"),
]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEP_US = 15_000_000
"""Event time between two payments."""
START_US = 1_790_000_000_000_000
CUSTOMERS = 500
EIGHT_DAYS = 8 * 86_400 * 1_000_000 // STEP_US
"""Payments until those of the longest window that ends, a week, begin to leave it."""
EVENTS = 3 * EIGHT_DAYS
BYTES_OF_IDS = 100
"""What memory keeps of an event for eight days of the clock: hashes of its ids, in a table that
grows by halves. Anything else of an event is a leak."""
SPREAD = 12 << 20
"""By how much a server's memory goes up and down: caches, a snapshot on its way."""


def payments(first: int, count: int) -> Iterator[Request]:
    """Payments of a crowd that comes back, one after the other in event time."""
    for number in range(first, first + count):
        who = number * 7919 % CUSTOMERS
        event = {
            "type": "payment", "id": f"long_{number}", "customer": f"cus_{who}",
            "occurred_at": iso(START_US + number * STEP_US), "amount": 100 + number % 5_000,
            "currency": "usd", "email": f"a{who}@long.example",
            "ip_address": f"198.51.100.{who % 256}", "card": {"fingerprint": f"fp_{who}"},
        }  # fmt: skip
        yield Request(DECISIONS, json.dumps(event).encode())


def memory_of(pid: int) -> int:
    """Bytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


def counted(url: str) -> int:
    """Contributions that the counters hold, as the metrics tell."""
    text = httpx.get(f"{url}/metrics").text
    return int(float(text.partition("\nsekisho_counted_events ")[2].split()[0]))


class LongRun:
    """Payments sent in parts; what the server held after each."""

    def __init__(self, server: Servers, data: Path, progress: Callable[[int, int], None]) -> None:
        self.server, self.progress = server, progress
        self.sent = 0
        self.memory: list[int] = []
        self.counted: list[int] = []
        self._data = data

    def start(self, bug: str = "") -> None:
        self.server.start(self._data, bug=bug, environment={"SEKISHO_RATE_LIMIT_PER_S": "1000000"})

    def send(self, count: int, of: int) -> None:
        """Send so many more, and look."""
        requests, witness = payments(self.sent, count), Witness()
        while part := list(islice(requests, 2_000)):
            asyncio.run(flood(self.server.url, part, witness))
            self.sent += len(part)
            self.progress(self.sent, of)
            witness.answers.clear()
        assert witness.wrong == []
        assert witness.statuses.keys() == {200}
        self.counted.append(counted(self.server.url))
        self.memory.append(memory_of(self.server.pid))


def test_memory_stays_flat_in_a_long_run(
    server: Servers, data: Path, progress: Callable[[int, int], None]
) -> None:
    run = LongRun(server, data, progress)
    run.start()
    for _ in range(5):
        run.send(EVENTS // 5, EVENTS)
    assert run.counted[-1] < 1.1 * run.counted[1], run.counted  # both after the longest window
    later = EVENTS * 3 // 5
    grown = run.memory[-1] - run.memory[1]
    told = f"{grown / later:.0f} bytes an event, {run.memory}"
    print(told)  # noqa: T201 — the figure
    assert grown < BYTES_OF_IDS * later + SPREAD, told
    assert server.end(signal.SIGTERM) == 0


def test_a_leak_is_found(server: Servers, data: Path, progress: Callable[[int, int], None]) -> None:
    """Seeded bug: the answer to every decision is kept."""
    run = LongRun(server, data, progress)
    run.start(bug="leak")
    for _ in range(3):
        run.send(EVENTS // 10, 3 * EVENTS // 10)
    assert run.memory[-1] - run.memory[1] > BYTES_OF_IDS * EVENTS // 10 + SPREAD, run.memory
