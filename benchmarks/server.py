"""A real `sekisho serve` as a child on a core of its own, and connections that load it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import cast

from sekisho.entrypoints.cli.demo.client import Connection
from sekisho.entrypoints.keys import DEV_KEY

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE, OUR_CORE = CORES[0], CORES[-1]
SETTINGS = {"SEKISHO_RATE_LIMIT_PER_S": "1000000"}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
OnAnswer = Callable[["Client", bytes], None]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, its process and how long its start took."""

    process: subprocess.Popen[bytes]
    port: int
    ready_s: float

    def cpu_s(self) -> float:
        """User and system time of the process, all its threads, and children that ended."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        return sum(map(int, text.rpartition(")")[2].split()[11:15])) * TICK_S

    def connect(self) -> Connection:
        """A connection of an ordinary client."""
        return Connection("127.0.0.1", self.port)

    def end(self, how: signal.Signals) -> None:
        """End it and wait until it is gone."""
        self.process.send_signal(how)
        self.process.wait()


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[Server]:
    """A server in developer mode; it ends with the block, however that ends."""
    command = ["-m", "sekisho.entrypoints.cli", "serve", "--dev", "--port", "0"]
    with child([*command, "--data", str(data)], **settings) as server:
        yield server


@contextmanager
def bare() -> Iterator[Server]:
    """The floor: `bare_app.py`."""
    with child([str(Path(__file__).with_name("bare_app.py"))]) as server:
        yield server


@contextmanager
def child(arguments: list[str], **settings: str) -> Iterator[Server]:
    """A Python process that says when it is ready."""
    start = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, **SETTINGS, **settings},
        preexec_fn=_to_its_core,  # noqa: PLW1509 — no thread of ours runs here
    )
    assert process.stdout is not None
    try:
        word, _, url = process.stdout.readline().decode().strip().partition(" ")
        assert word == "ready", "the server did not start"
        yield Server(process, int(url.rpartition(":")[2]), perf_counter() - start)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        process.stdout.close()


def _to_its_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {SERVER_CORE})


@contextmanager
def on_our_core() -> Iterator[None]:
    """Keep this process off the server's core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {OUR_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def request(body: bytes) -> bytes:
    """The bytes of a request for a decision."""
    head = (
        f"POST /v1/decisions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {DEV_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client(asyncio.Protocol):
    """One kept-alive connection with one request on its way at most."""

    def __init__(self, on_answer: OnAnswer) -> None:
        self._on_answer = on_answer
        self._buffer = b""
        self._length = -1
        self.transport: asyncio.Transport
        self.sent_s = 0.0
        self.intended_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def send(self, wire: bytes, intended_s: float) -> None:
        """Send a request that was due at a moment."""
        self.intended_s, self.sent_s = intended_s, perf_counter()
        self.transport.write(wire)

    def data_received(self, data: bytes) -> None:
        """Collect an answer; only a decision is one."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and self._length < 0:
            assert head.startswith(b"HTTP/1.1 200"), self._buffer
            at = head.lower().index(b"content-length:") + 15
            self._length = int(head[at:].partition(b"\r\n")[0])
        if found and len(body) >= self._length:
            self._buffer, self._length = b"", -1
            self._on_answer(self, body)


async def clients(port: int, count: int, on_answer: OnAnswer) -> list[Client]:
    """Open so many connections."""
    loop = asyncio.get_running_loop()
    opened: list[Client] = []
    for _ in range(count):
        _, client = await loop.create_connection(lambda: Client(on_answer), "127.0.0.1", port)
        opened.append(client)
    return opened
