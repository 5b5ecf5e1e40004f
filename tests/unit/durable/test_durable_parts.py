"""Locks, seams, atomic files, named SQL, bulk rows and the outbox table."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from sekisho.durable import (
    OUTBOX_STEPS,
    SEAMS,
    DirectoryLock,
    DirectoryTaken,
    OutboxRow,
    Store,
    insert_outbox,
    insert_rows,
    load_queries,
    seam,
    write_atomic,
)
from sekisho.durable.queries import named_statements
from sekisho.durable.seams import arm

HOLD_LOCK = """
import sys
from collections.abc import Iterator
from pathlib import Path
from sekisho.durable import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_lock_of_another_process_names_its_pid_and_dies_with_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DirectoryTaken, match=f"in use by process {holder.pid}"):
            DirectoryLock(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    lock = DirectoryLock(tmp_path)
    lock.release()
    lock.release()
    DirectoryLock(tmp_path).release()


def test_unknown_seam_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no seam `commit.between`: .* commit.before"):
        arm("commit.between")


def test_seam_kills_at_its_nth_pass_only(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, number: killed.append(number))
    arm("commit.before:3")
    for _ in range(2):
        for name in SEAMS:
            seam(name)
    assert killed == []
    seam("commit.before")
    assert killed == [signal.SIGKILL]
    arm("")
    seam("commit.before")
    assert killed == [signal.SIGKILL]


def test_atomic_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_atomic(path, [b"old"])
    write_atomic(path, [b"n", memoryview(b"ew")])
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_atomic(path, [b"old"])

    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 — any failure of the disk
        write_atomic(path, parts())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_statements_are_found_by_name() -> None:
    found = named_statements(
        "-- a comment\n-- name: one\n-- why\nSELECT 1;\n\n-- name: two\nSELECT 2"
    )
    assert dict(found) == {"one": "-- why\nSELECT 1;", "two": "SELECT 2"}
    assert "outbox_insert" in load_queries("sekisho.durable")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 257, 1000])
def test_bulk_insert_keeps_every_row_in_order(count: int) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE parcel(id INTEGER PRIMARY KEY, kg REAL)")
    insert_rows(connection, "INSERT INTO parcel", 2, [v for n in range(count) for v in (n, n / 2)])
    assert connection.execute("SELECT * FROM parcel").fetchall() == [
        (n, n / 2) for n in range(count)
    ]


def test_outbox_row_starts_ready_and_knows_its_cause(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    store.migrate("outbox", OUTBOX_STEPS)
    row = OutboxRow("act_1", "webhook", b"{}", "cus_1", 7, "ask")
    store.write(lambda c: insert_outbox(c, [(3, row)])).result()
    found = store.read().execute(
        "SELECT id, kind, payload, ordering_key, due_at_us, not_before_us, retry, cause, state,"
        " attempts, fence FROM outbox"
    )
    assert found.fetchall() == [("act_1", "webhook", b"{}", "cus_1", 7, 7, "ask", 3, 0, 0, 0)]
    with pytest.raises(apsw.ConstraintError):
        store.write(lambda c: insert_outbox(c, [(4, row)])).result()
    store.close()
