"""What the benchmarks of the whole stand on: the world's events, rule sets, a node, a row."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median
from time import process_time

import msgspec

from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.events import DECIDED_TYPES, default_catalogue
from sekisho.rules import DraftRule
from sekisho.sandbox import (
    Payload,
    World,
    default_counters,
    default_lists,
    default_rules,
    events_in_order,
)

Row = dict[str, object]
REPEATS = 7
FAMILIES = [
    f"{what}_per_{key}_{window}"
    for what in ("total_charges", "declined_charges", "authorized_charges")
    for key in ("card_number", "customer", "ip_address", "email")
    for window in ("hourly", "daily", "weekly")
]


@dataclass(frozen=True, slots=True)
class Defence:
    """Rules with the counters and lists that they read."""

    rules: list[str]
    counters: dict[str, dict[str, str | list[str]]]
    lists: dict[str, tuple[str, list[str]]]


def sandbox_defence() -> Defence:
    """What `sekisho demo` puts in force."""
    return Defence(default_rules(), default_counters(), default_lists())


def many_rules(count: int) -> Defence:
    """So many rules of three to five tests over a payment and thirty of the usual counters."""
    rng = Random(count)
    known = [name for name in FAMILIES if name in default_catalogue()][:30]
    return Defence([_rule(rng, known) for _ in range(count)], {}, {})


def _rule(rng: Random, counters: list[str]) -> str:
    country = rng.choice(["US", "JP", "SG", "GB", "DE", "FR", "BR", "IN", "NG", "ID"])
    tests = [
        f":amount_in_usd: > {rng.randrange(300, 4000)}",
        f":{rng.choice(counters)}: > {rng.randrange(3, 40)}",
        f":{rng.choice(['card_country', 'ip_country'])}: = '{country}'",
        f":card_brand: = '{rng.choice(['visa', 'mastercard', 'jcb', 'amex'])}'",
        f":hour_of_day: < {rng.randrange(3, 20)}",
    ]
    chosen = rng.sample(tests, rng.randrange(3, 6))
    action = rng.choice(["Block", "Review", "Allow", "Request 3D Secure"])
    return f"{action} if {' and '.join(chosen)}"


@cache
def story(count: int, seed: int = 5) -> list[Payload]:
    """The first decided events of a world, of every type, in their order."""
    world = World(customers=max(2_000, count // 2), days=4, seed=seed)
    decided = (one for one in events_in_order(world) if one["type"] in DECIDED_TYPES)
    return list(islice(decided, count))


def bodies(payloads: list[Payload], salt: str = "") -> list[bytes]:
    """Events as a caller sends them, each with an id that a salt makes its own."""
    return [msgspec.json.encode({**one, "id": f"{one['id']}{salt}"}) for one in payloads]


def payments(count: int) -> list[Payload]:
    """The first payments of a world."""
    return [one for one in story(3 * count) if one["type"] == "payment"][:count]


@contextmanager
def installed(data: Path, defence: Defence) -> Iterator[Node]:
    """A node on a directory of its own, with a defence in force."""
    node = Node(Settings(data=data, snapshot_every=10_000_000))
    try:
        asyncio.run(put_in_force(node, defence))
        yield node
    finally:
        node.close()


async def put_in_force(node: Node, defence: Defence) -> None:
    """Make the lists, declare the counters, publish the rules."""
    for alias, (kind, items) in defence.lists.items():
        if alias not in node.book.types:
            await node.change_soon(node.desk.create(alias, alias, kind, {}, "bench"))
        for value in items:
            node.book.add(alias, value)
    for name, declaration in defence.counters.items():
        await node.policy.declare(name, declaration)
    await node.policy.save_draft([DraftRule(text) for text in defence.rules], "bench")
    await node.policy.publish("bench", "")


def cpu_us(work: Callable[[], object], count: int) -> float:
    """Microseconds of CPU of the whole process for each of `count` things that `work` does."""
    start = process_time()
    work()
    return (process_time() - start) / count * 1e6


def figure(what: str, times: list[float], unit: str, *, goal: float | None = None) -> Row:
    """A row of the common table: the median of repeats, which should not exceed a goal."""
    value = median(times)
    return {
        "what": f"{what} (least {min(times):.1f})" if len(times) > 1 else what,
        "value": value,
        "unit": unit,
        "floor_or_peer": None,
        "ratio": None,
        "goal": None if goal is None else f"<= {goal:g}",
        "met": None if goal is None else value <= goal,
    }


def show(rows: list[Row]) -> None:
    """Print rows as a plain table."""
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        met = {None: "", True: "yes", False: "NO"}[row["met"]]  # type: ignore[index] — bool or None
        print(
            f"{row['what']!s:66} {row['value']:12.2f} {row['unit']!s:14}"
            f" {row['floor_or_peer'] or ''!s:26} {ratio:>7} {row['goal'] or ''!s:10} {met}"
        )
