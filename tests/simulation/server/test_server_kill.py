"""kill -9 of the server under load: nothing acknowledged is lost, and every counter is right."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from harness import SOAK, Servers, Witness, flood, flood_until
from inspection import Inspector
from stream import DECISIONS, Stream

from sekisho.durable import SEAMS
from sekisho.entrypoints.foundation import database_of
from sekisho.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

KILLS = 100 if SOAK else 6
KILLS_OF_A_LOG = 10
"""Kills before a new directory is taken: each recount is of the whole log."""
PASSES = 3 if SOAK else 1
SEED = 20261122
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def retry(server: Servers, witness: Witness, rng: random.Random) -> None:
    """Send again what was not answered and some of what was: the answers must be the first ones."""
    again = [*witness.open.values()]
    keyed = [request for request, _ in witness.keyed.values()]
    again += rng.sample(keyed, min(20, len(keyed)))
    asyncio.run(flood(server.url, again, witness))


def test_killed_anywhere_under_load_nothing_acknowledged_is_lost(
    server: Servers, new_data: Callable[[str], Path], progress: Callable[[int, int], None]
) -> None:
    print(f"seed {SEED}")  # noqa: T201 — shown when it fails
    for first in range(0, KILLS, KILLS_OF_A_LOG):
        kills = range(first, min(first + KILLS_OF_A_LOG, KILLS))
        kill_again_and_again(server, new_data(f"from{first}"), kills, progress)


def kill_again_and_again(
    server: Servers, data: Path, kills: range, progress: Callable[[int, int], None]
) -> None:
    rng, witness = random.Random(f"{SEED} {kills.start}"), Witness()
    inspector = Inspector(witness)
    stream = Stream(f"{SEED}k{kills.start}", time.time_ns() // 1000 - 86_400_000_000)
    for number in kills:
        server.start(data)
        retry(server, witness, rng)
        asyncio.run(flood_until(server, stream, witness, rng))
        assert server.end() == -signal.SIGKILL
        assert inspector.inspect(data) == [], f"seed {SEED}, kill {number}"
        progress(number + 1, KILLS)
    server.start(data)
    retry(server, witness, rng)
    assert server.end(signal.SIGTERM) == 0
    assert inspector.inspect(data) == [], f"seed {SEED}, at the end"
    assert len(witness.answers) > 10 * len(kills)
    assert min(inspector.tails) == 0 < max(inspector.tails), "no tail behind a snapshot was read"
    assert verified(data)
    print(f"{kills} killed, {len(witness.answers)} acknowledged, {witness.statuses}")  # noqa: T201 — the same


def verified(data: Path) -> bool:
    """What `sekisho verify-ledger` says."""
    command = [Path(sys.executable).with_name("sekisho"), "verify-ledger", "--data", data]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_killed_at_each_seam_nothing_acknowledged_is_lost(
    server: Servers, data: Path, progress: Callable[[int, int], None]
) -> None:
    print(f"seed {SEED}")  # noqa: T201 — shown when it fails
    rng, witness = random.Random(SEED), Witness()
    inspector = Inspector(witness)
    stream = Stream(f"s{SEED}", time.time_ns() // 1000 - 86_400_000_000)
    for number, seam in enumerate(SEAMS * PASSES):
        # past the commits of starting
        crash_at = f"{seam}:{rng.randint(25, 60)}"
        server.start(data, crash_at=crash_at)
        asyncio.run(flood(server.url, [*witness.open.values()], witness))
        asyncio.run(flood(server.url, stream, witness))
        assert server.end() == -signal.SIGKILL, crash_at
        assert inspector.inspect(data) == [], f"seed {SEED}, {crash_at}"
        progress(number + 1, PASSES * len(SEAMS))
    assert witness.answers


# ── each check can fail ─────────────────────────────────────────────────────────────────────────


def recorded(server: Servers, data: Path) -> Inspector:
    """A sound data directory with a few hundred rows, and who saw them acknowledged."""
    witness = Witness()
    server.start(data)
    stream = Stream("bug", time.time_ns() // 1000 - 86_400_000_000)
    asyncio.run(flood(server.url, stream.take(220), witness))
    server.kill()
    server.end()
    return Inspector(witness)


def spoil(data: Path, statement: str) -> None:
    connection = apsw.Connection(str(database_of(data)))
    for (trigger,) in connection.execute(TRIGGERS).fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute(statement)
    connection.close()


def test_each_spoilt_log_is_found(server: Servers, data: Path, tmp_path: Path) -> None:
    """Seeded faults: the last rows dropped, one of the middle dropped, one changed."""
    inspector = recorded(server, data)
    assert inspector.inspect(data) == []
    last = "(SELECT max(seq) FROM ledger)"
    faults = {
        f"DELETE FROM ledger WHERE seq > {last} - 3": "is lost",  # noqa: S608 — our own text
        "DELETE FROM ledger WHERE seq = 20": "row 20 is missing",
        "UPDATE ledger SET at_us = at_us + 1 WHERE seq = 30": "row 30 was changed",
    }
    for number, (statement, finding) in enumerate(faults.items()):
        spoilt = tmp_path / f"spoilt{number}"
        shutil.copytree(data, spoilt)
        spoil(spoilt, statement)
        found = Inspector(inspector.witness).look(spoilt)
        assert any(finding in one for one in found), found


def test_acknowledging_before_commit_is_found(server: Servers, data: Path) -> None:
    """Seeded bug: answers go out when they are queued."""
    witness = Witness()
    server.start(data, crash_at="commit.before:40", bug="ack-early")
    asyncio.run(flood(server.url, Stream("early", 1_790_000_000_000_000), witness))
    server.end()
    assert any("is lost" in one for one in Inspector(witness).inspect(data))


def test_snapshot_under_a_wrong_row_is_found(
    new_node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded bug: counters are kept as of an earlier row than they have counted."""
    node = new_node("data")
    for request in Stream("snap", 1_790_000_000_000_000).take(60):
        way = node.decide if request.path == DECISIONS else node.report
        way(request.body)
    save = Ledger.save_snapshot
    monkeypatch.setattr(
        Ledger, "save_snapshot", lambda s, name, seq, parts: save(s, name, seq - 9, parts)
    )
    node._keeper.save(node.policy.counters)
    monkeypatch.undo()
    assert any("after row" in one for one in Inspector(Witness()).inspect(tmp_path / "data"))
