"""Real servers to load and to kill, and a witness of every answer they gave."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stream import DECISIONS, Request

from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.entrypoints.node import Node
    from sekisho.ledger import Kind, Ledger

SOAK = os.environ.get("SEKISHO_SOAK") == "1"
CHILD = Path(__file__).with_name("serve_child.py")
DEV_KEY = "sk_test_sekisho"
SCOPE = "key_dev"
"""The id of that key: what its idempotency keys are kept under."""
CONNECTIONS = 12
EXPECTED = frozenset({"idempotency_key_in_use", "resource_missing"})
"""A repeat that overtakes its first; an outcome that overtakes its event."""
Gone = (ConnectionError, asyncio.IncompleteReadError)


class Servers:
    """Runs `sekisho serve --dev`, one after the other, each until it is killed or ends."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._ask, self._hear, self.log = process.stdin, process.stdout, log
        self.pid = 0  # of the running server; 0 when there is none
        self.url = ""

    def start(self, data: Path, *, crash_at: str = "", bug: str = "", **more: Any) -> str:
        """Start on a data directory; returns where it answers."""
        asked = {
            "arguments": ["--dev", "--data", str(data), "--port", "0"],
            "environment": {"SEKISHO_SNAPSHOT_EVERY": "150", "SEKISHO_RATE_LIMIT_PER_S": "1000000"},
            "crash_at": crash_at,
            "bug": bug,
            **more,
        }
        self._ask.write(json.dumps(asked) + "\n")
        self._ask.flush()
        self.pid = int(self._heard("pid"))
        self.url = self._heard("ready")
        return self.url

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self, how: signal.Signals | None = None) -> int:
        """Wait until it has ended, after a signal if one is given; its exit status."""
        if how is not None:
            os.kill(self.pid, how)
        status = int(self._heard("exit"))
        self.pid = 0
        return status

    def _heard(self, wanted: str) -> str:
        word, _, value = self._hear.readline().strip().partition(" ")
        assert word == wanted, f"{word} {value} instead of {wanted}"
        return value


def servers(log: Path) -> Iterator[Servers]:
    """For a fixture: one process that loads everything once and forks the servers."""
    command = [sys.executable, str(CHILD)]
    pipe = subprocess.PIPE
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, text=True) as process,
    ):
        yield Servers(process, log)
        process.kill()


@dataclass
class Witness:
    """Everything that was sent and answered, for comparison with what is kept."""

    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    keyed: dict[tuple[str, str], tuple[Request, bytes]] = field(default_factory=dict)
    open: dict[tuple[str, str], Request] = field(default_factory=dict)
    expected: frozenset[str] = EXPECTED
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def send(self, request: Request) -> None:
        """A request goes out."""
        self.open[request.path, request.event_id] = request

    def hear(self, request: Request, status: int, body: bytes) -> None:
        """Its answer came in."""
        self.statuses[status] += 1
        if status != 200:
            code = json.loads(body)["error"]["code"]
            if code not in self.expected:
                self.wrong.append(f"{request.event_id} was answered {status} {body.decode()}")
            return
        name = (request.path, request.event_id)
        if self.answers.setdefault(name, body) != body:
            self.wrong.append(f"{request.event_id} was answered twice, differently")
        self.open.pop(name, None)
        if request.key:
            self.keyed[request.path, request.key] = (request, body)

    def missing(self, ledger: Ledger) -> list[str]:
        """Acknowledged answers that a ledger has lost or altered."""
        wrong: list[str] = []
        for (path, event_id), answer in self.answers.items():
            kind: Kind = "decision" if path == DECISIONS else "event"
            row = ledger.find_event(event_id, kind)
            if row is None or row.answer != answer:
                wrong.append(f"acknowledged {event_id} is {'lost' if row is None else 'altered'}")
        for (path, key), (request, answer) in self.keyed.items():
            kept = ledger.find_idempotent(SCOPE + path, key)
            # a key that met an event already recorded under another is not kept; the event is
            if kept is not None and kept.answer != answer:
                wrong.append(f"key of {request.event_id} replays something else")
        return wrong


class Connection:
    """One keep-alive connection, by hand: the generator must cost less than the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> Connection:
        place = urlsplit(url)
        return cls(*await asyncio.open_connection(place.hostname, place.port))

    async def post(self, request: Request) -> tuple[int, bytes]:
        """Send and wait; the status and the body."""
        key = f"idempotency-key: {request.key}\r\n" if request.key else ""
        return await self.exchange(
            f"POST {request.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {DEV_KEY}\r\n{key}"
            "content-type: application/json\r\n"
            f"content-length: {len(request.body)}\r\n\r\n".encode()
            + request.body
        )

    async def exchange(self, raw: bytes) -> tuple[int, bytes]:
        """Send bytes as they are; the status and the body of the answer."""
        try:
            self._writer.write(raw)
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            return int(head[9:12]), await self._reader.readexactly(length)
        except Gone:
            self.close()  # the other side went: nobody else would close this one
            raise

    def close(self) -> None:
        self._writer.close()


async def flood(url: str, requests: Iterable[Request], witness: Witness) -> None:
    """Send requests over several connections at once until there are none, or nobody answers."""
    source = iter(requests)

    async def work() -> None:
        connection = await Connection.open(url)
        try:
            for request in source:
                witness.send(request)
                witness.hear(request, *await connection.post(request))
        finally:
            connection.close()

    ended = await asyncio.gather(*(work() for _ in range(CONNECTIONS)), return_exceptions=True)
    for one in ended:
        if one is not None and not isinstance(one, Gone):
            raise one


async def flood_until(
    server: Servers, requests: Iterable[Request], witness: Witness, rng: random.Random
) -> None:
    """Flood a server and kill it some moment after it has given so many answers."""
    heard, enough = witness.statuses.total(), rng.randint(1, 160)
    loop = asyncio.get_running_loop()
    is_doomed = False

    def some() -> Iterator[Request]:
        nonlocal is_doomed
        for request in requests:
            if not is_doomed and witness.statuses.total() - heard >= enough:
                is_doomed = True
                loop.call_later(rng.uniform(0, 0.02), server.kill)
            yield request

    await flood(server.url, some(), witness)


def opened(data: Path) -> Node:
    """A node in this process on a data directory that nobody else has."""
    return open_node(Settings(data=data, dev=True))
