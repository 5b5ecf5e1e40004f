"""What grows with the installation and what must not: entities, rules, log; and the restart.

    python benchmarks/bench_scaling.py [--quick] [--rows N]

Costs are microseconds of CPU per decision, log excluded, median of interleaved repeats; each is
compared with that of the smallest size, and the largest ratio should stay within 2. Logs are
filled through the ledger with the recorded form of real decisions under new ids. Restarts are wall
time from starting the process to the first durable answer, with the CPU it took beside it: after a
clean stop, and after kill -9 with a tail of events behind the last snapshot.
"""

import argparse
import gc
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, sleep

import msgspec

from bench_decide import decide_all, settle_all, submit, without_log
from bench_http import closed_loop, renamed, run_loop
from installation import (
    REPEATS,
    Row,
    bodies,
    cpu_us,
    figure,
    installed,
    many_rules,
    payments,
    sandbox_defence,
    show,
)
from sekisho.durable import Store
from sekisho.entrypoints.node import Node
from sekisho.events import Record
from sekisho.flow import Checkpoint
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Entry, Ledger, Recorded
from server import request, serving

FLAT = 2.0
RESTART_S = 5.0
SOME = 400
"""Decisions in one timed repeat."""
TAIL = 20_000
"""Events behind the last snapshot when the process is killed; the default interval is 100,000."""
MODELS = 200
"""Real decisions that a filled log is made of."""
QUEUED = 5_000
"""Entries that may wait while a log is filled."""
HOUR_US = 3_600_000_000


def run(quick: bool, rows: int | None = None) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    most = rows or (100_000 if quick else 1_000_000)
    entities = [10**3, 10**4, 10**5] if quick else [10**3, 10**4, 10**5, 10**6]
    logs = [size for size in (10**4, 10**5, 10**6, 10**7) if size <= most]
    with tempfile.TemporaryDirectory(prefix="bench-scaling-") as name:
        directory = Path(name)
        return [
            *flat("entities", entities, lambda size: with_entities(directory, size)),
            *flat("rules", [10, 100, 1000], lambda size: with_rules(directory, size)),
            *flat("logged events", logs, lambda size: with_log(directory, size)),
            *restarts(directory / f"logged-{most}", most),
        ]


Open = Callable[[int], "Installed"]
Installed = tuple[Path, Callable[[Node], None], int]
"""Directory, what to fill it with, number of rules (0: the sandbox's)."""


def with_entities(directory: Path, size: int) -> Installed:
    return directory / f"entities-{size}", lambda node: meet(node, size), 0


def with_rules(directory: Path, size: int) -> Installed:
    return directory / f"rules-{size}", lambda _node: None, size


def with_log(directory: Path, size: int) -> Installed:
    data = directory / f"logged-{size}"
    fill(data, size)
    return data, lambda _node: None, 0


def flat(what: str, sizes: list[int], prepare: Open) -> list[Row]:
    """The cost of a decision at each size, in turns, beside that of the smallest."""
    payloads = payments(SOME)
    times: dict[int, list[float]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        nodes: dict[int, Node] = {}
        for size in sizes:
            data, prepared, rules = prepare(size)
            defence = many_rules(rules) if rules else sandbox_defence()
            nodes[size] = stack.enter_context(installed(data, defence))
            prepared(nodes[size])
        gc.collect()
        gc.freeze()
        for repeat in range(REPEATS):
            sent = bodies(payloads, f"_{what}{repeat}")
            for size, node in nodes.items():
                bare = Checkpoint(without_log(node))
                times[size].append(cpu_us(lambda: submit(bare, sent), SOME))  # noqa: B023 — run at once
                settle_all(bare)
    least = median(times[sizes[0]])
    rows = [figure(f"decide, {size:,} {what}", times[size], "us") for size in sizes]
    for row, size in zip(rows[1:], sizes[1:], strict=True):
        ratio = median(times[size]) / least
        row |= {"floor_or_peer": f"{sizes[0]:,} {what} {least:.1f}", "ratio": ratio}
        row |= {"goal": f"ratio <= {FLAT:g}", "met": ratio <= FLAT}
    return rows


def meet(node: Node, count: int) -> None:
    """Let the counters see so many customers, each with a card, an address and a device."""
    rng = Random(count)
    start_us = 1_759_276_800_000_000
    for number in range(count):
        at_us = start_us + number * (HOUR_US // count)
        record: Record = {
            "customer": f"cus_{number}",
            "card_fingerprint": f"fp_{number}",
            "ip_address": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            "email": f"someone-{number}@mail.example.com",
            "device": f"dev_{number}",
            "account": f"acc_{number}",
            "amount": rng.randrange(100, 90_000),
            "outcome": rng.choice(["authorized", "declined"]),
        }
        node.policy.counters.apply("payment", at_us, record)


def fill(data: Path, count: int) -> None:
    """Log so many decisions, as a server of some age would have."""
    with installed(data, sandbox_defence()) as node:
        decide_all(node, bodies(payments(MODELS), "_model"))
        models = [row for row in node.ledger.read_from() if row.kind == "decision"]
    clock = SystemClock()
    with closing(Store(data / "sekisho.db")) as store:
        ledger = Ledger(store, lambda _entries, _error: None, clock=clock, ids=Ids(clock))
        for entry in entries(models, count - MODELS):
            while ledger.pending > QUEUED:
                sleep(0.001)
            ledger.append(entry)
        ledger.close()


def entries(models: list[Recorded], count: int) -> Iterator[Entry]:
    """Recorded decisions under new ids, of customers that come back some thirty times."""
    clock, rng = SystemClock(), Random(7)
    ids = Ids(clock)
    for number in range(count):
        model = models[number % len(models)]
        event_id, customer = f"pay_l{number}", f"cus_{rng.randrange(count // 30 + 1)}"
        event = msgspec.json.decode(model.body)
        decision_id = ids.new("dec")
        answer = model.answer.replace(model.decision_id.encode(), decision_id.encode())
        yield Entry(
            kind="decision",
            event_id=event_id,
            event_type="payment",
            at_us=model.at_us + number,
            recorded_us=clock.now_us(),
            body=msgspec.json.encode({**event, "id": event_id, "customer": customer}),
            answer=answer.replace(model.event_id.encode(), event_id.encode()),
            status=200,
            decision_id=decision_id,
        )


def restarts(data: Path, logged: int) -> list[Row]:
    """Start after a clean stop; then take in a tail, kill -9, and start again."""
    rows = [restart(f"restart, {logged:,} logged, clean stop", data, "b", RESTART_S)]
    tail = bodies(payments(TAIL // 10), "_tail")
    with serving(data, SEKISHO_SNAPSHOT_EVERY="1000000000") as server:
        for round_ in range(TAIL // len(tail)):
            wires = [request(renamed(body, round_)) for body in tail]
            run_loop(closed_loop(server, wires))
        server.end(signal.SIGKILL)
    what = f"restart, {logged:,} logged, kill -9, tail of {TAIL:,}"
    return [*rows, restart(what, data, "c", RESTART_S)]


def restart(what: str, data: Path, salt: str, goal: float | None) -> Row:
    """From starting the process to its first durable answer."""
    body = msgspec.json.decode(bodies(payments(MODELS), f"_first_{salt}")[0])
    start = perf_counter()
    with serving(data) as server:
        with server.connect() as connection:
            assert connection.ask("POST", "/v1/decisions", body).is_fine
        wall_s, cpu_s = perf_counter() - start, server.cpu_s()
    row = figure(what, [wall_s], "s", goal=goal)
    return row | {"floor_or_peer": f"CPU {cpu_s:.2f} s", "ratio": wall_s / cpu_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 10^5 entities and events")
    parser.add_argument("--rows", type=int, help="logged events, such as 10000000")
    given = parser.parse_args()
    show(run(given.quick, given.rows))


if __name__ == "__main__":
    main()
