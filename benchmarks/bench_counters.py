"""Thirty exact counters: live beside plain Python, over columns beside DuckDB, and their memory."""

import argparse
import gc
import random
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from sekisho.events import default_catalogue
from sekisho.velocity import Aggregate, Counters, CounterSpec, compute_counters
from sekisho.windows import Operation, WindowStore

SECOND = 1_000_000
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
START = 1_700_000_000 * SECOND
SEED = 7
CATALOGUE = default_catalogue()
KEYS = ("card_fingerprint", "customer", "ip_address", "device", "email", "merchant")
SPAN = 30 * DAY
OFFLINE_TURNS = 5  # the first also pays for memory that the machine has not given yet
Row = dict[str, str | float]
Event = tuple[int, Row]
Result = dict[str, object]
HOT: Row = {"card_fingerprint": "fp_hot", "ip_address": "ip_hot", "device": "dev_hot"}


def thirty() -> list[CounterSpec]:
    """The layout: six keys with four windows each, then extremes, a yearly sum and distincts."""
    of = ("payment",)
    specs: list[CounterSpec] = []
    for key in KEYS:
        for name, aggregate, window, value in (
            ("count_1h", Aggregate.COUNT, HOUR, ""),
            ("count_1d", Aggregate.COUNT, DAY, ""),
            ("sum_1d", Aggregate.SUM, DAY, "amount_in_usd"),
            ("count_7d", Aggregate.COUNT, 7 * DAY, ""),
        ):
            specs.append(
                CounterSpec(f"{key}_{name}", aggregate, of, (key,), window_us=window, value=value)
            )
    for name, aggregate, key, window, value in (
        ("card_max_7d", Aggregate.MAX, "card_fingerprint", 7 * DAY, "amount_in_usd"),
        ("customer_sum_365d", Aggregate.SUM, "customer", 365 * DAY, "amount_in_usd"),
        ("customer_max_365d", Aggregate.MAX, "customer", 365 * DAY, "amount_in_usd"),
        ("ip_cards_1d", Aggregate.DISTINCT, "ip_address", DAY, "card_fingerprint"),
        ("device_cards_7d", Aggregate.DISTINCT, "device", 7 * DAY, "card_fingerprint"),
        ("customer_devices_365d", Aggregate.DISTINCT, "customer", 365 * DAY, "device"),
    ):
        specs.append(CounterSpec(name, aggregate, of, (key,), window_us=window, value=value))
    return specs


def events(count: int, entities: int, start: int = 0, total: int = 0) -> list[Event]:
    """Payments of `entities` customers spread evenly over thirty days, `total` of them in all."""
    rng = random.Random(SEED + start)
    step = SPAN // (total or count)
    made: list[Event] = []
    for number in range(start, start + count):
        customer = rng.randrange(entities)
        row: Row = {
            "card_fingerprint": f"fp_{customer * 2 + rng.randrange(2)}",
            "customer": f"cus_{customer}",
            "ip_address": f"ip_{rng.randrange(entities)}",
            "device": f"dev_{customer * 3 // 2}",
            "email": f"u{customer}@example.com",
            "merchant": f"m_{rng.randrange(max(1, entities // 10))}",
            "amount_in_usd": rng.randrange(1, 50_000) / 100,
            "currency": "usd",
            "event_type": "payment",
        }
        made.append((START + number * step, row))
    return made


class PlainPython:
    """The peer: a deque for each counter and key, advanced at every read."""

    def __init__(self, specs: Sequence[CounterSpec]) -> None:
        self._specs = [(s.name, s.aggregate, s.by[0], s.window_us or 0, s.value) for s in specs]
        self._queues: list[dict[object, deque[tuple[int, object]]]] = [{} for _ in specs]
        self._totals: list[dict[object, float]] = [{} for _ in specs]
        self._members: list[dict[object, Counter[object]]] = [{} for _ in specs]

    def read(self, at_us: int, row: Row) -> dict[str, float]:
        """Every counter as of an event."""
        found: dict[str, float] = {}
        for at, (name, aggregate, by, window, _value) in enumerate(self._specs):
            key = row[by]
            queue = self._queues[at].get(key)
            if queue is None:
                if aggregate is not Aggregate.MAX:
                    found[name] = 0.0
                continue
            while queue and queue[0][0] <= at_us - window:
                self._drop(at, aggregate, key, queue.popleft()[1])
            if aggregate is Aggregate.COUNT:
                found[name] = float(len(queue))
            elif aggregate is Aggregate.SUM:
                found[name] = self._totals[at].get(key, 0) / 100
            elif aggregate is Aggregate.DISTINCT:
                found[name] = float(len(self._members[at][key]))
            elif queue:
                found[name] = queue[0][1] / 100
        return found

    def _drop(self, at: int, aggregate: Aggregate, key: object, gone: object) -> None:
        if aggregate is Aggregate.SUM:
            self._totals[at][key] -= gone
        elif aggregate is Aggregate.DISTINCT:
            members = self._members[at][key]
            members[gone] -= 1
            if not members[gone]:
                del members[gone]

    def apply(self, at_us: int, row: Row) -> None:
        """Count an event."""
        for at, (_name, aggregate, by, _window, value) in enumerate(self._specs):
            key = row[by]
            queue = self._queues[at].setdefault(key, deque())
            content = row.get(value)
            if aggregate is Aggregate.SUM:
                content = round(content * 100)
                self._totals[at][key] = self._totals[at].get(key, 0) + content
            elif aggregate is Aggregate.MAX:
                content = round(content * 100)
                while queue and queue[-1][1] <= content:
                    queue.pop()
            elif aggregate is Aggregate.DISTINCT:
                self._members[at].setdefault(key, Counter())[content] += 1
            queue.append((at_us, content))


def cpu_us(work: Callable[[], None], count: int) -> float:
    """Microseconds of CPU for each of `count` events."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    work()
    spent = time.process_time() - start
    gc.enable()
    return spent / count * 1e6


def check(specs: Sequence[CounterSpec], rows: Sequence[Event]) -> None:
    """Live counters, the peer and the columns must agree before any of them is timed."""
    counters, peer = Counters(specs, CATALOGUE, SEED), PlainPython(specs)
    live: list[dict[str, float | bool]] = []
    for at_us, row in rows:
        live.append(counters.read("payment", at_us, row))
        assert live[-1] == peer.read(at_us, row)
        counters.apply("payment", at_us, row)
        peer.apply(at_us, row)
    for seen, wanted in zip(
        compute_counters(frame_of(rows), specs, CATALOGUE).iter_rows(named=True), live, strict=True
    ):
        assert {n: v for n, v in seen.items() if n != "event" and v is not None} == wanted


def frame_of(rows: Sequence[Event]) -> pl.DataFrame:
    """Events as the offline way takes them."""
    frame = pl.DataFrame([row for _, row in rows])
    return frame.with_columns(
        event=pl.int_range(pl.len()), type=pl.lit("payment"), at_us=pl.Series([t for t, _ in rows])
    )


class Kernel:
    """The compiled store alone: words made ready, two calls an event, no dict built."""

    def __init__(self) -> None:
        plan = Counters(thirty(), CATALOGUE, SEED).plan
        self._plan = plan
        self.store = WindowStore(plan.plan)
        self._bit = plan.plan.tables[0].types

    def words(self, event: Event) -> tuple[float, ...]:
        """An event as the store takes it."""
        at_us, row = event
        fields = (hash((name, row[name])) & (2**64 - 1) for name in self._plan.fields)
        return (at_us, self._bit, 0, *fields, *(row[name] for name in self._plan.values))

    def work(self, rows: Sequence[Event]) -> Callable[[], None]:
        """Read and add every event."""
        ready = [self.words(event) for event in rows]
        load, run = self.store.load, self.store.run
        read, add = int(Operation.READ), int(Operation.ADD)

        def work() -> None:
            for words in ready:
                load(*words)
                run(read)
                run(add)

        return work


def read_and_apply(counters: Counters | PlainPython, rows: Sequence[Event]) -> Callable[[], None]:
    """Read and count every event, from records to a dict of values."""
    if isinstance(counters, PlainPython):
        plain = counters

        def work_plain() -> None:
            for at_us, row in rows:
                plain.read(at_us, row)
                plain.apply(at_us, row)

        return work_plain
    read, apply = counters.read, counters.apply

    def work() -> None:
        for at_us, row in rows:
            read("payment", at_us, row)
            apply("payment", at_us, row)

    return work


def batches(count: int, entities: int, size: int) -> list[list[Event]]:
    """A history cut into batches."""
    return [events(size, entities, start, count) for start in range(0, count, size)]


def live(*, quick: bool) -> list[Result]:
    """Cost of an event once thirty days of history are held, beside the peer in the same run."""
    count, entities = (60_000, 3_000) if quick else (400_000, 20_000)
    kernel, counters, peer = Kernel(), Counters(thirty(), CATALOGUE, SEED), PlainPython(thirty())
    costs: dict[str, list[float]] = {"kernel": [], "counters": [], "plain": []}
    for batch in batches(count, entities, 1000):
        costs["kernel"].append(cpu_us(kernel.work(batch), len(batch)))
        costs["counters"].append(cpu_us(read_and_apply(counters, batch), len(batch)))
        costs["plain"].append(cpu_us(read_and_apply(peer, batch), len(batch)))
    late = {name: values[len(values) // 2 :] for name, values in costs.items()}
    plain = statistics.median(late["plain"])
    results: list[Result] = []
    for name, what in (
        ("kernel", "30 counters read and added, kernel called from Python"),
        ("counters", "the same from a record to a dict of values"),
    ):
        cost = statistics.median(late[name])
        peer_text = f"plain Python {plain:.1f} us"
        results.append(
            result(
                f"{what} (min {min(late[name]):.2f})",
                cost,
                "us/event",
                peer_text,
                cost / plain,
                5.0,
            )
        )
    held = kernel.store.held_bytes / count
    results.append(result("memory of 30 counters", held, "bytes/event held", "", 0, 200))
    return results


def entities_flat(*, quick: bool) -> list[Result]:
    """Cost of an event as the number of customers grows a thousandfold."""
    sizes = (1_000, 100_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    costs: dict[int, list[float]] = {}
    stores: dict[int, tuple[Kernel, int]] = {}
    for size in sizes:
        kernel = Kernel()
        total = max(2 * size, 60_000)
        for start in range(0, total, 20_000):
            kernel.work(events(20_000, size, start, total + 20_000))()
        stores[size] = (kernel, total)
        costs[size] = []
    for turn in range(9):
        for size, (kernel, total) in stores.items():
            rows = events(2000, size, total + 2000 * turn, total + 20_000)
            costs[size].append(cpu_us(kernel.work(rows), len(rows)))
    first = statistics.median(costs[sizes[0]])
    return [
        result(
            f"an event among {size:,} customers",
            statistics.median(costs[size]),
            "us/event",
            f"1,000 customers {first:.2f} us",
            statistics.median(costs[size]) / first,
            2.0,
            by_ratio=True,
        )
        for size in sizes[1:]
    ]


def hot_key(*, quick: bool) -> list[Result]:
    """Nine of ten events on one card, address and device, beside an even spread."""
    count = 60_000 if quick else 300_000
    even, hot = Kernel(), Kernel()
    spread = batches(count, 5_000, 1000)
    costs: dict[str, list[float]] = {"even": [], "hot": []}
    for batch in spread:
        burst = [(t, {**row, **HOT} if at % 10 else row) for at, (t, row) in enumerate(batch)]
        costs["even"].append(cpu_us(even.work(batch), len(batch)))
        costs["hot"].append(cpu_us(hot.work(burst), len(burst)))
    half = len(spread) // 2
    base = statistics.median(costs["even"][half:])
    cost = statistics.median(costs["hot"][half:])
    return [
        result(
            "90 % of events on one key",
            cost,
            "us/event",
            f"even {base:.2f} us",
            cost / base,
            2.0,
            by_ratio=True,
        )
    ]


def offline(*, quick: bool) -> list[Result]:
    """Thirty features over columns, beside DuckDB's RANGE windows."""
    rows = 300_000 if quick else 5_000_000
    frame = columns(rows, rows // 25)
    compute_counters(frame.head(1000), thirty(), CATALOGUE)
    costs: list[float] = []
    for _ in range(OFFLINE_TURNS):
        start = time.process_time()
        compute_counters(frame, thirty(), CATALOGUE)
        costs.append(time.process_time() - start)
    speeds = [rows / cost / 1e6 for cost in costs]
    speed = statistics.median(speeds)
    few = 50_000 if quick else 200_000
    peer = duckdb_speed(columns(few, few // 25)) / 1e6
    peer_text = f"DuckDB {peer:.3f} M rows/s ({few:,} rows)"
    what = f"30 features over {rows:,} rows (first {speeds[0]:.2f}, min {min(speeds):.2f})"
    return [result(what, speed, "M rows/s/core", peer_text, speed / peer, 1.0, at_least=True)]


def offline_memory(*, quick: bool) -> list[Result]:
    """The most memory that a process of its own holds: interpreter, history, thirty features."""
    rows = 1_000_000 if quick else 10_000_000
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        peak = fresh.submit(peak_bytes, rows).result()
    what = f"peak memory of 30 features over {rows:,} rows"
    return [result(what, peak / 2**30, "GiB", "", 0, 4.0)]


def peak_bytes(rows: int) -> int:
    """Most memory this process has held once it has made a history and its features."""
    compute_counters(columns(rows, rows // 25), thirty(), CATALOGUE)
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def columns(rows: int, entities: int) -> pl.DataFrame:
    """A history as a frame, its keys as whole numbers."""
    rng = np.random.default_rng(SEED)
    customer = rng.integers(0, entities, rows)
    return pl.DataFrame(
        {
            "event": np.arange(rows),
            "at_us": START + np.sort(rng.integers(0, SPAN, rows)),
            "card_fingerprint": customer * 2 + rng.integers(0, 2, rows),
            "customer": customer,
            "ip_address": rng.integers(0, entities, rows),
            "device": customer * 3 // 2,
            "email": customer,
            "merchant": rng.integers(0, max(1, entities // 10), rows),
            "amount_in_usd": rng.integers(1, 50_000, rows) / 100,
        }
    ).with_columns(type=pl.lit("payment"))


def duckdb_speed(frame: pl.DataFrame) -> float:
    """Rows a second of CPU for the 27 features that are no distincts."""
    parts: list[str] = []
    for spec in thirty():
        words = {
            Aggregate.COUNT: "count(*)",
            Aggregate.SUM: "sum(amount_in_usd)",
            Aggregate.MAX: "max(amount_in_usd)",
        }
        if spec.aggregate in words:
            parts.append(
                f"{words[spec.aggregate]} over (partition by {spec.by[0]} order by at_us"
                f" range between {(spec.window_us or 0) - 1} preceding and current row)"
                f" as {spec.name}"
            )
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.register("history", frame.to_arrow())
    start = time.process_time()
    connection.execute(f"create table found as select {', '.join(parts)} from history")
    return len(frame) / (time.process_time() - start)


def restart(*, quick: bool) -> list[Result]:
    """A snapshot of everything held and its way back."""
    count = 100_000 if quick else 1_000_000
    kernel = Kernel()
    for start in range(0, count, 50_000):
        kernel.work(events(50_000, 50_000, start, count))()
    tables = range(len(kernel.store.plan.tables))
    start = time.process_time()
    snapshots = [kernel.store.snapshot(table) for table in tables]
    saved = time.process_time() - start
    fresh = Kernel()
    start = time.process_time()
    for table, snapshot in enumerate(snapshots):
        fresh.store.restore(table, snapshot)
    back = time.process_time() - start
    assert fresh.store.held_rows == kernel.store.held_rows
    return [
        result(f"snapshot of {count:,} events", saved, "s", "", 0, 0.5),
        result("restored", back, "s", "", 0, 0.5),
    ]


def result(
    what: str,
    value: float,
    unit: str,
    peer: str,
    ratio: float,
    goal: float,
    *,
    at_least: bool = False,
    by_ratio: bool = False,
) -> Result:
    """One line of the table."""
    measured = ratio if by_ratio else value
    met = measured >= goal if at_least else measured <= goal
    return {
        "what": what,
        "value": round(value, 3),
        "unit": unit,
        "floor_or_peer": peer,
        "ratio": round(ratio, 4),
        "goal": f"{'>=' if at_least else '<='} {goal:g}{' x' if by_ratio else ''}",
        "met": met,
    }


def run(quick: bool) -> list[Result]:  # noqa: FBT001 — the runner of all benchmarks calls it so
    """Every figure of this topic, after the answers were found equal."""
    check(thirty(), events(3_000, 40))
    results: list[Result] = []
    for part in (live, entities_flat, hot_key, offline, offline_memory, restart):
        results += part(quick=quick)
    return results


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller histories")
    for line in run(parser.parse_args().quick):
        ratio = f"{line['ratio']} of {line['floor_or_peer']}" if line["floor_or_peer"] else ""
        mark = "met" if line["met"] else "MISSED"
        print(
            f"{line['what']:<78} {line['value']:>10} {line['unit']:<17} {line['goal']:<9} {mark:<7} {ratio}"
        )


if __name__ == "__main__":
    main()
