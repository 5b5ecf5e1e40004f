"""Power cuts at any moment, with torn and reordered writes: no acknowledged entry is lost."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from sekisho.durable import Store, StoreDamaged, StoreOptions, open_reader
from sekisho.durable import connection as connection_module
from sekisho.kit.clock import ManualClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Entry, IdempotencyKey, Ledger, OutboxRow, verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    Run = tuple[list[Any], int]
    """What the disk and the owner were told, in order, and where recording began."""

SOAK = os.environ.get("SEKISHO_SOAK") == "1"
IMAGES = 5000 if SOAK else 200
SEED = 20261122
OPTIONS = {"wal_pages_max": 25, "batch_max": 8, "exclusive": True}


def record(disk: ModuleType, directory: Path, *, ack_early: bool = False) -> Run:
    """Record entries on a journalled disk; returns its steps and where recording began."""
    name = f"journal-{directory.name}"
    vfs = disk.JournalVfs(name)
    store = Store(directory / "ledger.db", StoreOptions(vfs=name, **OPTIONS))
    clock = ManualClock(1_800_000_000_000_000)

    def on_batch(entries: Sequence[Entry], error: Exception | None) -> None:
        assert error is None
        if not ack_early:
            vfs.steps.extend(disk.Step("ack", entry.event_id) for entry in entries)

    ledger = Ledger(store, on_batch, clock=clock, ids=Ids(clock, random.Random(1).randbytes))
    begun = len(vfs.steps)
    rng = random.Random(SEED)
    for n in range(240):
        entry = Entry(
            "decision",
            f"pay_{n}",
            "payment",
            n,
            clock.now_us(),
            rng.randbytes(rng.randrange(1500)),
            rng.randbytes(rng.randrange(900)),
            200,
            f"dec_{n:06d}",
            IdempotencyKey("acct", f"key_{n}", b"digest"),
            (OutboxRow(f"act_{n}", "webhook", b"{}"),),
        )
        if ack_early:
            vfs.steps.append(disk.Step("ack", entry.event_id))
        ledger.append(entry)
        if rng.random() < 0.3:
            store.write(lambda _: None).result()
    ledger.close()
    steps = list(vfs.steps)
    store.close()
    return steps, begun


def lost_after_cut(disk: ModuleType, run: Run, directory: Path, rng: random.Random) -> list[str]:
    """Cut the power once; what is wrong with the files that remain."""
    steps, begun = run
    cut = rng.randrange(begun, len(steps) + 1)
    directory.mkdir()
    disk.lay_out(disk.image(steps, begun, cut, rng), directory)
    acknowledged = [step.file for step in steps[:cut] if step.kind == "ack"]
    wrong: list[str] = []
    try:
        report = verify(directory / "ledger.db")
        if not report.ok:
            wrong.append(f"chain: {report.reason}")
        connection = open_reader(directory / "ledger.db", StoreOptions())
        if connection.pragma("integrity_check") != "ok":
            wrong.append("integrity_check")
        kept = {i for (i,) in connection.execute("SELECT event_id FROM ledger")}
        acted = {f"pay_{i[4:]}" for (i,) in connection.execute("SELECT id FROM outbox")}
        connection.close()
    except (apsw.Error, StoreDamaged) as error:
        return [f"unreadable: {error}"]
    if missing := [event_id for event_id in acknowledged if event_id not in kept]:
        wrong.append(f"{len(missing)} acknowledged entries lost, {missing[0]} first")
    if kept != acted:
        wrong.append("outbox and ledger differ")
    return wrong


def faults(disk: ModuleType, run: Run, directory: Path, images: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for n in range(images):
        if wrong := lost_after_cut(disk, run, directory / str(n), random.Random(SEED + n)):
            found[n] = wrong
    return found


def test_no_power_cut_loses_an_acknowledged_entry(disk: ModuleType, tmp_path: Path) -> None:
    run = record(disk, tmp_path)
    assert faults(disk, run, tmp_path, IMAGES) == {}, f"seed {SEED}"


def test_without_sync_the_checker_finds_losses(
    disk: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded bug: synchronous = OFF."""
    monkeypatch.setattr(connection_module, "SYNCHRONOUS", "OFF")
    monkeypatch.setattr(connection_module, "_REQUIRED", {})
    run = record(disk, tmp_path)
    assert len(faults(disk, run, tmp_path, 30)) >= 10


def test_with_normal_sync_the_checker_finds_losses(
    disk: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded bug: synchronous = NORMAL, consistent but not durable."""
    monkeypatch.setattr(connection_module, "SYNCHRONOUS", "NORMAL")
    monkeypatch.setattr(connection_module, "_REQUIRED", {})
    run = record(disk, tmp_path)
    found = faults(disk, run, tmp_path, 30)
    assert len(found) >= 10
    assert all("acknowledged entries lost" in wrong[0] for wrong in found.values())


def test_acknowledging_before_commit_is_found(disk: ModuleType, tmp_path: Path) -> None:
    """Seeded bug: the owner is told before the commit."""
    run = record(disk, tmp_path, ack_early=True)
    assert len(faults(disk, run, tmp_path, 30)) >= 10
