"""Many send the same request at once: it is decided once, and its bytes are everybody's."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

from harness import SOAK, Connection, Servers, opened
from recount import recounted
from stream import DECISIONS, Request, Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROUNDS = 5_000 if SOAK else 60
CALLERS = 16
SEED = 20261122
BUSY = {"idempotency_key_in_use"}
"""What a caller may be told who comes while the first is still on its way."""


class Callers:
    """Connections that all send one request at the same moment."""

    def __init__(self, connections: list[Connection]) -> None:
        self.connections = connections
        self.first: dict[tuple[str, str], bytes] = {}
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []

    async def send(self, requests: list[Request]) -> None:
        """One request for each connection."""
        pairs = zip(self.connections, requests, strict=True)
        answers = await asyncio.gather(*(one.post(request) for one, request in pairs))
        for request, (status, body) in zip(requests, answers, strict=True):
            self.statuses[status] += 1
            name = (request.path, request.event_id)
            if status == 200 and self.first.setdefault(name, body) != body:
                self.wrong.append(f"{request.event_id} was answered twice, differently")
            elif status == 409 and not any(code.encode() in body for code in BUSY):
                self.wrong.append(f"{request.event_id} was answered {body.decode()}")
            elif status not in (200, 409):
                self.wrong.append(f"{request.event_id} was answered {status} {body.decode()}")
        if not any(status == 200 for status, _ in answers):
            self.wrong.append(f"nobody was answered {requests[0].event_id}")


def rush(rng: random.Random, stream: Stream) -> list[Request]:
    """The same decision for every caller: under one key, under keys of their own, or under none."""
    while (request := stream.next()).path != DECISIONS:
        pass
    way = rng.randrange(3)
    keys = [
        ("", f"key_{request.event_id}", f"key_{request.event_id}_{n}")[way] for n in range(CALLERS)
    ]
    return [Request(request.path, request.body, key) for key in keys]


async def rush_all(url: str, progress: Callable[[int, int], None]) -> Callers:
    rng, stream = random.Random(SEED), Stream("rush", 1_790_000_000_000_000)
    callers = Callers([await Connection.open(url) for _ in range(CALLERS)])
    for number in range(ROUNDS):
        await callers.send(rush(rng, stream))
        progress(number + 1, ROUNDS)
    for one in callers.connections:
        one.close()
    return callers


def test_same_request_from_many_is_decided_once(
    server: Servers, data: Path, progress: Callable[[int, int], None]
) -> None:
    server.start(data)
    callers = asyncio.run(rush_all(server.url, progress))
    server.kill()
    server.end()
    assert callers.wrong == []
    assert callers.statuses[200] > ROUNDS
    with closing(opened(data)) as node:
        rows = [row for row in node.ledger.read_from() if row.kind != "control"]
        assert {(DECISIONS, row.event_id): row.answer for row in rows} == callers.first
        assert len(rows) == len(callers.first)
        assert recounted(node)[1] == []
