"""A disk that really is full: refused with a reason, and recording again once there is room."""

from __future__ import annotations

import os
import random
import resource
import subprocess
from typing import TYPE_CHECKING

import pytest

from sekisho.durable import Store, StoreError, StoreFull, StoreUnavailable
from sekisho.kit.clock import ManualClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Entry, Ledger, LedgerPoisoned, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MIB = 1 << 20


class Desk:
    """An owner that counts what was acknowledged and refused."""

    def __init__(self, directory: Path) -> None:
        clock = ManualClock(1_800_000_000_000_000)
        self.store = Store(directory / "ledger.db")
        ids = Ids(clock, random.Random(1).randbytes)
        self.ledger = Ledger(self.store, self.on_batch, clock=clock, ids=ids)
        self.acknowledged: list[str] = []
        self.errors: list[Exception] = []
        self.number = 0

    def on_batch(self, entries: Sequence[Entry], error: Exception | None) -> None:
        if error is None:
            self.acknowledged += [entry.event_id for entry in entries]
        else:
            self.errors.append(error)

    def record(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            name = f"pay_{self.number}"
            self.ledger.append(
                Entry("decision", name, "payment", 1, 1, bytes(4000), bytes(1000), 200)
            )
        while self.ledger.pending:
            self.store.write(lambda _: None).exception()

    def fill(self) -> None:
        for _ in range(50):
            self.record(40)
            if self.ledger.poisoned is not None:
                return
        message = "the disk did not fill"
        raise AssertionError(message)


def survive(directory: Path, free: Callable[[], None]) -> Desk:
    """Fill the disk, free it, and go on in the same process."""
    desk = Desk(directory)
    desk.fill()
    refused = len(desk.errors)
    assert refused
    assert all(isinstance(e, StoreError) and e.retryable for e in desk.errors)
    free()
    desk.ledger.resume()
    desk.record(20)
    assert len(desk.errors) == refused
    assert [row.event_id for row in desk.ledger.read_from()] == desk.acknowledged
    assert verify(desk.store).ok
    desk.ledger.close()
    desk.store.close()
    return desk


def test_file_size_limit_refuses_cleanly_and_recovers(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, hard))
    try:
        desk = survive(tmp_path, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(desk.errors[0], StoreUnavailable | StoreFull)
    assert all(isinstance(e, LedgerPoisoned | StoreUnavailable | StoreFull) for e in desk.errors)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MiB."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root; the file size limit covers the rest")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)  # noqa: S607 — found on the path


def test_full_file_system_refuses_cleanly_and_recovers(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 * MIB))
    desk = survive(small_disk, ballast.unlink)
    assert isinstance(desk.errors[0], StoreFull)
    assert "free some space" in str(desk.errors[0])
