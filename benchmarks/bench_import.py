"""Importing history: rows a second of a core from files to segments, and counters made warm."""

import argparse
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from bench_counters import thirty
from sekisho.events import ReceiveContext, default_catalogue
from sekisho.history import (
    Archive,
    Import,
    ImportSettings,
    Shape,
    count_imported,
    known_ids,
    read_blocks,
    shape_of,
    source_files,
)
from sekisho.sandbox import World
from sekisho.velocity import Counters

GOAL = 200_000
TURNS = 3
SHARED = os.environ.get("SEKISHO_SHARED", "")
HANDBOOK_MAP = """
type = "payment"
id = "transaction_id"
occurred_at = "tx_datetime"
customer = "customer_id"
merchant = "terminal_id"
amount = { column = "tx_amount", unit = "major", currency = "eur" }
label = { column = "tx_fraud", known_after = "7d" }
"""
STREAMS = (
    "payment", "outcomes", "login", "signup", "otp_request", "inbound_transfer",
    "outbound_transfer", "sensitive_change",
)  # fmt: skip
Result = dict[str, object]


def shape(path: Path) -> Shape:
    """How a file is understood: by the map beside it."""
    found = shape_of(path, next(read_blocks(path)).frame.columns)
    assert found is not None
    return found


def imported(folder: Path, paths: Sequence[Path]) -> tuple[float, int, Archive]:
    """CPU seconds of one import into a new archive, its rows, and the archive."""
    archive = Archive(Path(mkdtemp(dir=folder)) / "history")
    context = ReceiveContext(currencies=["usd"])
    start = time.process_time()
    settings = ImportSettings(list(source_files(paths, shape)), context)
    rejects = archive.directory / "rejects.jsonl"
    tally = Import(settings, archive, known_ids(archive, ()), rejects).run()
    seconds = time.process_time() - start
    assert tally.imported == tally.read, tally
    assert sum(one.rows for one in archive.imported) == tally.imported + tally.labels
    return seconds, tally.read, archive


def best(folder: Path, paths: Sequence[Path]) -> tuple[float, Archive]:
    """Rows a CPU second of the quickest turn; the first also pays for the machine's memory."""
    turns = [imported(folder, paths) for _ in range(TURNS)]
    seconds, rows, archive = min(turns, key=lambda one: one[0])
    return rows / seconds, archive


def rate(what: str, found: float) -> Result:
    """A row of the table."""
    return {
        "what": what,
        "value": round(found),
        "unit": "rows/s",
        "floor_or_peer": "",
        "ratio": None,
        "goal": f">= {GOAL:,}",
        "met": found >= GOAL,
    }


def warmed(archive: Archive) -> Result:
    """Seconds in which thirty counters are filled from an archive, for each million rows."""
    counters = Counters(thirty(), default_catalogue(), 7)
    start = time.process_time()
    count_imported(archive, counters, ReceiveContext(currencies=["usd"]), 2**62)
    seconds = time.process_time() - start
    rows = sum(one.rows for one in archive.imported)
    assert counters.held_events > 1_000
    return {
        "what": f"30 counters warm from {rows:,} imported rows",
        "value": round(seconds / rows * 1e6, 2),
        "unit": "s per M rows",
        "floor_or_peer": "",
        "ratio": None,
        "goal": "seconds",
        "met": None,
    }


def run(quick: bool) -> list[Result]:  # noqa: FBT001 — called with its size by `run.py`
    """The rows of the table."""
    folder = Path(mkdtemp(prefix="bench-import-"))
    try:
        world = folder / "world"
        World(4_000 if quick else 20_000, 30 if quick else 60, 7).write(world)
        paths = [world / f"{name}.parquet" for name in STREAMS]
        found, archive = best(folder, paths)
        rows = [rate("the world's eight files", found), warmed(archive)]
        rows.append(rate("of these, payments: 40 columns", best(folder, paths[:1])[0]))
        text = folder / "payment.csv"
        pl.read_parquet(paths[0]).write_csv(text)
        shutil.copy(world / "payment.map.toml", folder / "payment.map.toml")
        rows.append(rate("payments as CSV", best(folder, [text])[0]))
        handbook = Path(SHARED) / "data/handbook/transactions.parquet"
        if SHARED and handbook.exists():
            mine = folder / "transactions.parquet"
            mine.symlink_to(handbook)
            (folder / "transactions.map.toml").write_text(HANDBOOK_MAP)
            found, archive = best(folder, [mine])
            rows += [rate("the handbook's transactions: 7 columns", found)]
        return rows
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for one in run(parser.parse_args().quick):
        print(one)
