"""A disk that fills up under a serving node: refused cleanly, taken back, and resumed by itself."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from typing import TYPE_CHECKING

from harness import EXPECTED, Connection, Servers, Witness, flood
from inspection import Inspector
from stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MIB = 1 << 20
SEED = 20261122
REFUSED = {"not_recorded", "store_unavailable"}


def endure(server: Servers, data: Path, make_room: Callable[[], None]) -> None:
    """Load until the disk is full and beyond, make room, and load the same process again."""
    witness = Witness(expected=EXPECTED | REFUSED)
    stream = Stream(f"d{SEED}", time.time_ns() // 1000 - 86_400_000_000)
    for _ in range(30):
        asyncio.run(flood(server.url, stream.take(200), witness))
        if witness.statuses[503] > 100:
            break
    assert witness.statuses[503] > 100, "the disk did not fill"
    assert asyncio.run(get(server.url, "/healthz")) == 200
    make_room()
    asyncio.run(flood(server.url, [*witness.open.values()], witness))
    refused = witness.statuses[503]
    before = len(witness.answers)
    asyncio.run(flood(server.url, stream.take(200), witness))
    assert witness.statuses[503] == refused
    assert len(witness.answers) > before + 100
    assert asyncio.run(get(server.url, "/readyz")) == 200
    assert server.end(signal.SIGTERM) == 0
    assert Inspector(witness).inspect(data) == [], f"seed {SEED}"


async def get(url: str, path: str) -> int:
    connection = await Connection.open(url)
    status, _ = await connection.exchange(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    connection.close()
    return status


def test_file_size_limit_is_refused_and_survived(server: Servers, data: Path) -> None:
    server.start(data, file_size=2 * MIB)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    endure(
        server,
        data,
        lambda: resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard)) and None,
    )


def test_full_file_system_is_refused_and_survived(server: Servers, small_disk: Path) -> None:
    ballast = small_disk.parent / "ballast"
    ballast.write_bytes(bytes(15 * MIB))
    server.start(small_disk)
    endure(server, small_disk, ballast.unlink)
