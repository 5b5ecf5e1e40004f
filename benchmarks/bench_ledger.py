"""Durable recording: CPU per record beside a bare append with fdatasync, and under group commit."""

import argparse
import hashlib
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sekisho.durable import Store, StoreOptions
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Entry, IdempotencyKey, Ledger, verify
from sekisho.ledger.recorder import Head, Recorder

BODY_BYTES = 900  # body and answer together, the record of performance notes
BATCH = 500
REPEATS = 5
Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer records")
    for row in run(quick=parser.parse_args().quick):
        ratio = f"{row['ratio']:8.2f}" if row["ratio"] is not None else " " * 8
        print(f"{row['what']:58} {row['value']:10.2f} {row['unit']:12} {ratio}  {row['goal']}")


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    records = 4_000 if quick else 20_000
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as name:
        directory = Path(name)
        check(directory / "check")
        return [
            *writing(directory, records),
            *python_side(directory),
            group_commit(directory, 300 if quick else 2_000),
            *reading(directory, records),
        ]


# ── writing in full batches ──────────────────────────────────────────────────────────────────


def entries(count: int, salt: int) -> list[Entry]:
    rng = random.Random(salt)
    ids = Ids(SystemClock(), rng.randbytes)
    now_us = SystemClock().now_us()
    body, answer = rng.randbytes(BODY_BYTES // 2), rng.randbytes(BODY_BYTES // 2)
    return [
        Entry(
            "decision",
            f"pay_{rng.randbytes(10).hex()}",
            "payment",
            now_us,
            now_us,
            body,
            answer,
            200,
            ids.new("dec"),
            IdempotencyKey("acct/decisions", rng.randbytes(16).hex(), body[:32]),
        )
        for _ in range(count)
    ]


def open_ledger(directory: Path) -> tuple[Store, Ledger]:
    store = Store(directory / "ledger.db", StoreOptions(batch_max=BATCH))
    clock = SystemClock()
    return store, Ledger(store, lambda _entries, _error: None, clock=clock, ids=Ids(clock))


def check(directory: Path) -> None:
    """Before any figure: what is timed below records every entry, and its chain holds."""
    store, ledger = open_ledger(directory)
    wanted = entries(1500, 1)
    for entry in wanted:
        ledger.append(entry)
    ledger.close()
    assert [row.event_id for row in ledger.read_from()] == [e.event_id for e in wanted]
    assert verify(store).ok
    store.close()


def ledger_batches(directory: Path, wanted: Sequence[Entry]) -> None:
    store, ledger = open_ledger(directory)
    for entry in wanted:
        ledger.append(entry)
    ledger.close()
    store.close()


def append_batches(directory: Path, wanted: Sequence[Entry]) -> None:
    """The floor: the same bytes appended to a file, fdatasync for every batch."""
    directory.mkdir()
    descriptor = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        os.write(descriptor, b"".join(e.body + e.answer for e in batch))
        os.fdatasync(descriptor)
    os.close(descriptor)


def preallocated_batches(directory: Path, wanted: Sequence[Entry]) -> None:
    """The lower floor: a file that already has its size, so no metadata is written."""
    directory.mkdir()
    descriptor = os.open(directory / "log", os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(descriptor, 0, len(wanted) * BODY_BYTES)
    os.fdatasync(descriptor)
    offset = 0
    for start in range(0, len(wanted), BATCH):
        data = b"".join(e.body + e.answer for e in wanted[start : start + BATCH])
        offset += os.pwrite(descriptor, data, offset)
        os.fdatasync(descriptor)
    os.close(descriptor)


def writing(directory: Path, records: int) -> list[Row]:
    ways: dict[str, Callable[[Path, Sequence[Entry]], None]] = {
        "ledger": ledger_batches,
        "append": append_batches,
        "preallocated": preallocated_batches,
    }
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(REPEATS + 1):  # the first warms up
        for name, way in ways.items():
            wanted = entries(records, repeat)
            cpu_start, wall_start = time.process_time(), time.perf_counter()
            way(directory / f"{name}-{repeat}", wanted)
            if repeat:
                cpu[name].append((time.process_time() - cpu_start) / records * 1e6)
                wall[name].append(records / (time.perf_counter() - wall_start))
    floor = statistics.median(cpu["append"])
    rows: list[Row] = []
    for name in ways:
        value = statistics.median(cpu[name])
        what = f"{name}: {BODY_BYTES} B records, batches of {BATCH}, CPU"
        rows.append(figure(what, value, "us/record", floor, value / floor))
        rate = statistics.median(wall[name])
        ratio = rate / statistics.median(wall["append"])
        rows.append(figure(f"{name}: durable records", rate, "records/s", None, ratio))
    return rows


# ── the part that is ours: everything but SQLite and the disk ────────────────────────────────


class _Silent:
    """Stands where SQLite is, to time what Python does for a record."""

    def execute(self, _sql: str, _values: object = None) -> None:
        """Take the values and do nothing."""


def python_side(directory: Path) -> list[Row]:
    store, ledger = open_ledger(directory / "python")
    recorder: Recorder = ledger._recorder  # noqa: SLF001 — the part that is timed
    times: list[float] = []
    hashing: list[float] = []
    for repeat in range(REPEATS):
        wanted = entries(BATCH, 1000 + repeat)
        recorder.head = Head(repeat * BATCH, bytes(32))
        start = time.thread_time()
        recorder.insert(_Silent(), wanted)  # type: ignore[arg-type] — a stand-in
        recorder.settled(wanted, None)
        times.append((time.thread_time() - start) / BATCH * 1e6)
        start = time.thread_time()
        for entry in wanted:
            hashlib.sha256(entry.body + entry.answer).digest()
        hashing.append((time.thread_time() - start) / BATCH * 1e6)
    store.close()
    value, floor = statistics.median(times), statistics.median(hashing)
    return [
        figure(
            "ledger: client side (ids, chain, rows), without SQLite",
            value,
            "us/record",
            floor,
            value / floor,
            goal=5.0,
        )
    ]


# ── one record at a time, at a rate ──────────────────────────────────────────────────────────


def group_commit(directory: Path, records: int) -> Row:
    """Open loop at 1,000 records a second: time from the intended start to the acknowledgement."""
    store = Store(directory / "rate" / "ledger.db")
    clock = SystemClock()
    intended: dict[str, float] = {}
    taken: list[float] = []
    done = threading.Event()

    def on_batch(batch: Sequence[Entry], _error: Exception | None) -> None:
        now = time.perf_counter()
        taken.extend(now - intended[entry.event_id] for entry in batch)
        if len(taken) == records:
            done.set()

    ledger = Ledger(store, on_batch, clock=clock, ids=Ids(clock))
    rng = random.Random(3)
    moment = time.perf_counter()
    for entry in entries(records, 2):
        moment += rng.expovariate(1000)
        time.sleep(max(0.0, moment - time.perf_counter()))
        intended[entry.event_id] = moment
        ledger.append(entry)
    done.wait()
    store.close()
    floor = sync_ms(directory)
    value = statistics.median(taken) * 1e3
    what = "ledger: group commit at 1,000/s, p50 to acknowledgement"
    return figure(what, value, "ms", floor, value / floor)


def sync_ms(directory: Path) -> float:
    """What one small append with fdatasync takes on this disk, at this moment."""
    descriptor = os.open(directory / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    times: list[float] = []
    for _ in range(50):
        start = time.perf_counter()
        os.write(descriptor, bytes(BODY_BYTES))
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - start)
    os.close(descriptor)
    return statistics.median(times) * 1e3


# ── reading back ─────────────────────────────────────────────────────────────────────────────


def reading(directory: Path, records: int) -> list[Row]:
    store, ledger = open_ledger(directory / "reading")
    wanted = entries(records, 9)
    for entry in wanted:
        ledger.append(entry)
    ledger.close()
    known, unknown = [e.event_id for e in wanted[:500]], [f"none_{n}" for n in range(5000)]
    rows = [
        timed("ledger: replay", records, lambda: sum(1 for _ in ledger.read_from())),
        timed("ledger: verify", records, lambda: verify(store)),
        timed("ledger: a new event id", len(unknown), lambda: look(ledger, unknown), goal=1.5),
        timed("ledger: a known event id", len(known), lambda: look(ledger, known)),
        figure("ledger: memory of ids", ledger.ids_bytes / ledger.ids_held, "bytes/id", None, None)
        | {"goal": 32.0, "met": ledger.ids_bytes / ledger.ids_held <= 32.0},
    ]
    store.close()
    return rows


def look(ledger: Ledger, ids: Sequence[str]) -> None:
    for event_id in ids:
        ledger.find_event(event_id)


def timed(what: str, count: int, work: Callable[[], object], goal: float | None = None) -> Row:
    times: list[float] = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) / count * 1e6)
    return figure(f"{what}, CPU", statistics.median(times), "us each", None, None, goal=goal)


def figure(
    what: str,
    value: float,
    unit: str,
    floor_or_peer: float | None,
    ratio: float | None,
    *,
    goal: float | None = None,
) -> Row:
    met = None if goal is None else value <= goal
    return {
        "what": what,
        "value": value,
        "unit": unit,
        "floor_or_peer": floor_or_peer,
        "ratio": ratio,
        "goal": goal,
        "met": met,
    }


if __name__ == "__main__":
    main()
