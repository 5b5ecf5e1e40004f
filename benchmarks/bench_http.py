"""Durable decisions over HTTP: what a CPU-second of the server is worth, and latency at 1,000/s.

    python benchmarks/bench_http.py [--quick]

The server is the real one, pinned to a core, this process to another. Throughput is closed-loop
over 32 kept-alive connections and counted per CPU-second of the server's process, all threads.
Latency is open-loop: send times are drawn beforehand, latency counts from the intended time, the
generator's own lag is printed, and a run in which it lagged 20 ms is void. Beside it stands what
an append with fdatasync took on the same disk right afterwards.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

import msgspec
import uvloop

from installation import Defence, Row, bodies, many_rules, payments, sandbox_defence, show, story
from sekisho.durable import Store
from sekisho.entrypoints.cli.demo.client import Connection
from sekisho.ledger import verify
from server import Client, Server, bare, clients, on_our_core, request, serving

Result = TypeVar("Result")
CONNECTIONS = 32
GOAL_PER_CPU_S = 8_000
RATE = 1_000
LAG_MAX_MS = 20.0
ROUNDS = 5


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    count = 3_000 if quick else 12_000
    seconds = 4 if quick else 15
    rows: list[Row] = []
    with on_our_core():
        for name, defence, sent in (
            ("50 rules, payments", many_rules(50), bodies(payments(count))),
            ("sandbox rules, all events", sandbox_defence(), bodies(story(count))),
        ):
            with tempfile.TemporaryDirectory(prefix="bench-http-") as directory:
                rows += measure(name, defence, sent, seconds, Path(directory))
    return rows


def measure(
    name: str, defence: Defence, sent: list[bytes], seconds: int, directory: Path
) -> list[Row]:
    """Load one server, check that it recorded all that it answered, and look at the disk."""
    data = directory / "data"
    with bare() as floor, serving(data) as server:
        with server.connect() as connection:
            put_in_force(connection, defence)
        rates: list[float] = []
        floors: list[float] = []
        for round_ in range(ROUNDS):
            wires = [request(renamed(body, round_)) for body in sent]
            floors.append(run_loop(closed_loop(floor, wires)))
            rates.append(run_loop(closed_loop(server, wires)))
        wires = [request(renamed(body, ROUNDS)) for body in sent][: RATE * seconds]
        latencies, lag_ms = run_loop(open_loop(server, wires))
        syncs = fdatasync_ms(directory)
    assert recorded(data) == ROUNDS * len(sent) + len(wires), "an answered decision is not recorded"
    return [throughput(name, rates, floors), *latency(name, latencies, lag_ms, syncs)]


def run_loop(work: Coroutine[None, None, Result]) -> Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def renamed(body: bytes, round_: int) -> bytes:
    """The event with an id of its own in each round."""
    event = msgspec.json.decode(body)
    return msgspec.json.encode({**event, "id": f"{event['id']}_{round_}"})


def put_in_force(connection: Connection, defence: Defence) -> None:
    """Lists, counters and rules, as an operator brings them in."""
    for alias, (kind, items) in defence.lists.items():
        connection.ask("POST", "/v1/lists", {"alias": alias, "item_type": kind})
        if items:
            assert connection.ask("POST", f"/v1/lists/{alias}/items", {"items": items}).is_fine
    for name, declaration in defence.counters.items():
        assert connection.ask("PUT", f"/v1/counters/{name}", declaration).is_fine
    assert connection.ask("PUT", "/v1/rulesets/draft", {"rules": defence.rules}).is_fine
    assert connection.ask("POST", "/v1/rulesets/draft/publish", {"note": "bench"}).is_fine


async def closed_loop(server: Server, wires: list[bytes]) -> float:
    """Send as fast as answers come; decisions per CPU-second of the server."""
    left = iter(wires)
    answered = 0
    done = asyncio.Event()

    def on_answer(client: Client, _body: bytes) -> None:
        nonlocal answered
        answered += 1
        wire = next(left, None)
        if wire is not None:
            client.send(wire, 0)
        elif answered == len(wires):
            done.set()

    opened = await clients(server.port, CONNECTIONS, on_answer)
    before = server.cpu_s()
    for client in opened:
        client.send(next(left), 0)
    await done.wait()
    rate = len(wires) / (server.cpu_s() - before)
    for client in opened:
        client.transport.close()
    return rate


async def open_loop(server: Server, wires: list[bytes]) -> tuple[list[float], float]:
    """Send at moments drawn beforehand; latencies and the generator's greatest lag, in ms."""
    rng = Random(1)
    latencies: list[float] = []
    lags: list[float] = []
    free: list[Client] = []
    done = asyncio.Event()

    def on_answer(client: Client, _body: bytes) -> None:
        latencies.append((perf_counter() - client.intended_s) * 1e3)
        free.append(client)
        if len(latencies) == len(wires):
            done.set()

    free += await clients(server.port, 512, on_answer)
    opened = list(free)
    due = perf_counter() + 0.05
    for wire in wires:
        due += rng.expovariate(RATE)
        while (early := due - perf_counter()) > 0:  # noqa: ASYNC110 — the clock is waited for
            await asyncio.sleep(early if early > 0.0005 else 0)
        while not free:  # noqa: ASYNC110 — the server is far behind; the wait counts as latency
            await asyncio.sleep(0)
        client = free.pop()
        client.send(wire, due)
        lags.append((client.sent_s - due) * 1e3)
    await done.wait()
    for client in opened:
        client.transport.close()
    return latencies, max(lags)


def fdatasync_ms(directory: Path) -> list[float]:
    """Appends of a decision's size, each synced, on the disk of the log."""
    descriptor = os.open(directory / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    times: list[float] = []
    for _ in range(400):
        start = perf_counter()
        os.write(descriptor, bytes(3_000))
        os.fdatasync(descriptor)
        times.append((perf_counter() - start) * 1e3)
    os.close(descriptor)
    return times


def recorded(data: Path) -> int:
    """Decisions in the log after the server has gone; the chain must hold."""
    store = Store(data / "sekisho.db")
    assert verify(store).ok
    found = store.read().execute("SELECT count(*) FROM ledger WHERE kind = 'decision'").fetchone()
    store.close()
    assert found is not None
    return int(found[0])


def throughput(name: str, rates: list[float], floors: list[float]) -> Row:
    value, floor = median(rates), median(floors)
    return {
        "what": f"HTTP, durable, {name}: decisions (most {max(rates):,.0f})",
        "value": value,
        "unit": "per CPU-s",
        "floor_or_peer": f"bare uvicorn {floor:,.0f}",
        "ratio": value / floor,
        "goal": f">= {GOAL_PER_CPU_S}",
        "met": value >= GOAL_PER_CPU_S,
    }


def latency(name: str, latencies: list[float], lag_ms: float, syncs: list[float]) -> list[Row]:
    """Percentiles beside those of a bare synced append."""
    void = lag_ms >= LAG_MAX_MS
    told = f"VOID, lag {lag_ms:.0f} ms" if void else f"lag {lag_ms:.1f} ms"
    rows: list[Row] = []
    for percent in (50, 99):
        value = quantiles(latencies, n=100)[percent - 1]
        floor = quantiles(syncs, n=100)[percent - 1]
        rows.append(
            {
                "what": f"HTTP, open loop {RATE:,}/s, {name}: p{percent} ({told})",
                "value": value,
                "unit": "ms",
                "floor_or_peer": f"fdatasync {floor:.2f}",
                "ratio": value / floor,
                "goal": None,
                "met": None,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer decisions")
    show(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
