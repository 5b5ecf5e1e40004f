"""Profiles of a million companies: time of a look-up, memory, a restart from the snapshot."""

import gc
import os
import random
import time
from pathlib import Path
from typing import Any

from sekisho.collect import Profiles, Table, table_spec

GOAL_US = 1.0
GOAL_MB = 400
ATTRIBUTES = {
    "industry": "string_ci",
    "country": "country",
    "employees": "numeric",
    "usual": "numeric",
    "deviation": "numeric",
    "abroad": "numeric",
    "is_regulated": "boolean",
}
READ = frozenset(f"company.{name}" for name in ("usual", "deviation", "abroad"))


def run(quick: bool) -> list[dict[str, Any]]:  # noqa: FBT001 — as every benchmark
    count = 200_000 if quick else 1_000_000
    before = resident_bytes()
    profiles = Profiles()
    profiles.declare(table_spec("company", {"attributes": ATTRIBUTES}))
    fill(profiles, count)
    gc.collect()
    held = resident_bytes() - before
    profiles.focus(READ)
    table = profiles.table("company")
    busy = random.Random(5).sample(list(table.newest), 10_000)
    wanted = random.Random(3).choices(busy, k=200_000)
    lookup_us = best(lambda: look_up(profiles, wanted)) / len(wanted) * 1e6
    floor_us = best(lambda: floor(table.newest, wanted)) / len(wanted) * 1e6
    parts = list(table.parts(table.newest))
    start = time.process_time()
    again = Table(table.known)
    for part in parts:
        again.fill(part)
    restart_s = time.process_time() - start
    assert again.newest == table.newest
    return [
        {
            "what": f"three attributes of a profile, 10,000 busy ones of {count:,}",
            "value": lookup_us,
            "unit": "µs",
            "floor_or_peer": f"its dict alone {floor_us:.2f} µs",
            "ratio": lookup_us / floor_us,
            "goal": f"{GOAL_US} µs",
            "met": lookup_us <= GOAL_US,
        },
        {
            "what": f"memory of {count:,} profiles of {len(ATTRIBUTES)} attributes",
            "value": held / 2**20,
            "unit": "MB",
            "floor_or_peer": None,
            "ratio": None,
            "goal": f"{GOAL_MB} MB a million",
            "met": held / 2**20 * 1e6 / count <= GOAL_MB,
        },
        {
            "what": f"{count:,} profiles back from a snapshot",
            "value": restart_s,
            "unit": "s CPU",
            "floor_or_peer": None,
            "ratio": None,
            "goal": None,
            "met": None,
        },
    ]


def fill(profiles: Profiles, count: int) -> None:
    """Profiles as a nightly run of a source would leave them; three numbers differ for each."""
    rng = random.Random(7)
    table = profiles.table("company")
    for number in range(count):
        attributes = table.known.checked(
            {
                "industry": f"industry {rng.randrange(200)}",
                "country": rng.choice(["JP", "US", "SG"]),
                "employees": rng.randrange(5_000),
                "usual": rng.lognormvariate(9, 2),
                "deviation": rng.lognormvariate(8, 2),
                "abroad": round(rng.random(), 3),
                "is_regulated": rng.random() < 0.1,
            }
        )
        known_us, seq = 1_764_000_000_000_000 + number // 1_000, number // 1_000
        entity_id = f"co_{number:09d}"
        if number % 1_000 == 0:
            moment, row = known_us, seq
        profiles.put("company", entity_id, attributes, known_us=moment, seq=row)


def look_up(profiles: Profiles, wanted: list[str]) -> float:
    records = [{"company": one} for one in wanted]
    start = time.process_time()
    for record in records:
        profiles.attributes_for(record, 1_764_000_000_000_000)
    return time.process_time() - start


def floor(newest: Any, wanted: list[str]) -> float:
    start = time.process_time()
    for one in wanted:
        newest.get(one)
    return time.process_time() - start


def best(turn: Any) -> float:
    return min(turn() for _ in range(5))


def resident_bytes() -> int:
    """Memory of this process in use (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
