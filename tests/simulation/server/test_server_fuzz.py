"""Malformed requests over connections that stay open: always an answer, never our fault."""

from __future__ import annotations

import asyncio
import random
import signal
from typing import TYPE_CHECKING

from harness import CONNECTIONS, DEV_KEY, SOAK, Connection, Gone, Servers
from stream import DECISIONS, EVENTS, Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REQUESTS = 100_000 if SOAK else 3_000
SEED = 20261122
PIECES = (
    b"null", b"true", b"-1", b"1e999", b"NaN", b"1" * 400, b'""', b"[]", b"{}", b"[" * 500, b'"',
    b"\\ud800", b"\\u0000", b"\xff", b"\xed\xa0\x80", b"\x00", b"\\", b",", b":", b"}", b"]",
    b'{"a":' * 200, b'"id":"x",', b'"type":"label",', b'"occurred_at":-1,', b'"amount":1.5,',
    b'"metadata":{"k":"' + b"v" * 600 + b'"},', b"4242424242424242", "\u202e\U0001f600".encode(),
)  # fmt: skip
PATHS = (DECISIONS, DECISIONS, DECISIONS, EVENTS, EVENTS, "/v1/decisions/batch", "/v1/rules/check")
HEADERS = (
    b"", b"", b"", b"idempotency-key: \xff\xfe\r\n", b"idempotency-key: " + b"k" * 300 + b"\r\n",
    b"idempotency-key:\r\n", b"content-type: text/plain\r\n", b"content-encoding: gzip\r\n",
    b"authorization: Basic !!!\r\n", b"x-junk: " + b"j" * 4_000 + b"\r\n",
)  # fmt: skip


def mutated(rng: random.Random, body: bytes) -> bytes:
    """A body with some of its bytes replaced, repeated, dropped or joined by nasty ones."""
    for _ in range(rng.choice((0, 1, 1, 2, 6))):
        start = rng.randrange(len(body) + 1)
        stop = min(len(body), start + rng.choice((0, 1, 4, 30)))
        piece = rng.choice((b"", rng.choice(PIECES), body[start:stop] * 2, rng.randbytes(3)))
        body = body[:start] + piece + body[stop:]
    if rng.random() < 0.05:
        return body[: rng.randrange(len(body) + 1)]
    return b'{"events": [%s, %s]}' % (body, body) if rng.random() < 0.05 else body


def request(rng: random.Random, stream: Stream) -> bytes:
    """One request as bytes: whole as HTTP, whatever it carries."""
    body = mutated(rng, stream.next().body)
    path, header = rng.choice(PATHS).encode(), rng.choice(HEADERS)
    key = b"" if rng.random() < 0.02 else b"authorization: Bearer " + DEV_KEY.encode() + b"\r\n"
    return (
        b"POST %s HTTP/1.1\r\nhost: x\r\n%s%scontent-length: %d\r\n\r\n"
        % (path, key, header, len(body))
    ) + body


async def fuzz(
    url: str, count: int, progress: Callable[[int, int], None] = lambda _done, _of: None
) -> list[str]:
    """Send so many over connections that are opened anew when the server closes them."""
    rng, stream = random.Random(SEED), Stream("fuzz", 1_790_000_000_000_000)
    source = iter([request(rng, stream) for _ in range(count)])
    wrong: list[str] = []
    answered = 0

    async def work() -> None:
        nonlocal answered
        connection = await Connection.open(url)
        for raw in source:
            try:
                status, body = await connection.exchange(raw)
            except Gone:
                wrong.append(f"no answer to {raw!r}")
                connection = await Connection.open(url)
                continue
            answered += 1
            progress(answered, count)
            if status >= 500 or (status >= 400 and b'"message"' not in body):
                wrong.append(f"{status} {body!r} to {raw!r}")
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    assert answered + len(wrong) >= count
    return wrong


def test_no_request_breaks_the_server(
    server: Servers, data: Path, progress: Callable[[int, int], None]
) -> None:
    print(f"seed {SEED}")  # noqa: T201 — shown when it fails
    server.start(data)
    before = server.log.read_text().count("Traceback")
    wrong = asyncio.run(fuzz(server.url, REQUESTS, progress))
    assert wrong == [], f"seed {SEED}: {len(wrong)}"
    assert server.end(signal.SIGTERM) == 0
    assert server.log.read_text().count("Traceback") == before, server.log.read_text()


def test_handler_that_raises_is_found(server: Servers, data: Path) -> None:
    """Seeded bug: the door breaks on an escape."""
    server.start(data, bug="door")
    assert asyncio.run(fuzz(server.url, 400))
