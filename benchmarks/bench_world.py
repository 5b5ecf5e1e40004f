"""How fast the world is made: events per CPU second, in memory and written to Parquet."""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from time import process_time

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # the goal is for one core

import polars as pl

from sekisho.sandbox import World

GOAL_PER_S = 500_000
REPEATS = 5


def run(quick: bool) -> list[dict]:  # noqa: FBT001 — every benchmark is called so
    """Rows for the runner: making against a bare shuffle of as many strings, and writing."""
    customers, days = (5_000, 30) if quick else (40_000, 30)
    made: list[float] = []
    floor: list[float] = []
    written: list[float] = []
    events = check_same(customers // 10, days)
    for seed in range(REPEATS):
        world = World(customers, days, seed)
        events, seconds = make(world)
        made.append(seconds / events)
        floor.append(bare_copy(world, events) / events)
        written.append(write(World(customers, days, seed)) / events)
    peer = min(floor)
    return [
        row("world made, events per CPU second", made, peer, GOAL_PER_S),
        row("world made and written, events per CPU second", written, peer, None),
    ]


def check_same(customers: int, days: int) -> int:
    """The same seed must give the same frames before anything is timed."""
    one, other = World(customers, days, 1), World(customers, days, 1)
    if not one.streams()["payment"].equals(other.streams()["payment"]):
        raise AssertionError("the same seed made two different worlds")
    return len(one.truth())


def make(world: World) -> tuple[int, float]:
    begin = process_time()
    events = 0
    for part in world.slices():
        events += sum(map(len, part.streams.values())) + len(part.outcomes)
    return events, process_time() - begin


def bare_copy(world: World, events: int) -> float:
    """The floor: gather as many finished payments in random order."""
    payments = next(iter(world.slices())).streams["payment"]
    index = pl.Series(range(events)) * 7919 % len(payments)
    begin = process_time()
    for first in range(0, events, 600_000):
        payments.select(pl.all().gather(pl.lit(index[first : first + 600_000])))
    return process_time() - begin


def write(world: World) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begin = process_time()
        world.write(Path(folder))
        return process_time() - begin


def row(what: str, seconds: list[float], peer: float, goal: float | None) -> dict:
    best, middle = 1 / min(seconds), 1 / statistics.median(seconds)
    return {
        "what": f"{what} (median; best {best:,.0f})",
        "value": round(middle),
        "unit": "events/s",
        "floor_or_peer": f"gather of as many payments: {1 / peer:,.0f} events/s",
        "ratio": round(statistics.median(seconds) / peer, 2),
        "goal": goal if goal is None else f">= {goal:,}",
        "met": None if goal is None else middle >= goal,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for line in run(parser.parse_args().quick):
        print(*(f"{key}={value}" for key, value in line.items()), sep="\n  ")
