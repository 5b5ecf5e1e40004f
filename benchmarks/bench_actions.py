"""Decided and executed: decisions that ask for an action each, and their actions carried out.

The wait is measured with a caller at a time, so that it is the way of an action and not the queue of
a closed loop; then comes the load; then nothing, to see what an idle executor costs.
"""

import asyncio
import random
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import msgspec
import uvloop

from sekisho.actions import (
    ActionContext,
    ActionKind,
    ActionPolicy,
    Attempts,
    Executor,
    ExecutorOptions,
    Frequency,
    Kinds,
    Limits,
    Policies,
    PolicyAction,
    Result,
    Services,
    Traffic,
)
from sekisho.durable import Ending, Job, Retry
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node
from sekisho.flow import Asking, Reply

WARM_S = 1.0
CLIENTS = 32
Row = dict[str, Any]


class NothingParams(msgspec.Struct, frozen=True):
    """Whom it would be about."""

    who: str


class Nothing(ActionKind[NothingParams]):
    """Does nothing: what is measured is the way there and back."""

    name = "bench.nothing"
    params = NothingParams
    retry: ClassVar[Retry] = "safe"

    async def run(self, params: NothingParams, context: ActionContext) -> Result:
        """Nothing."""
        del params, context
        return Result()


class Count:
    """Counts ends, and how long first attempts waited."""

    def __init__(self) -> None:
        self.done = 0
        self.waits_us: list[int] = []

    def begun(self, job: Job, started_us: int, /) -> str:
        self.waits_us.append(started_us - job.accepted_us)
        return ""

    def ended(self, ending: Ending, /) -> None:
        self.done += ending.what == "done"

    def lost(self, job: Job, /) -> None:
        raise AssertionError(job)


def executor_of(node: Node, count: Count) -> Executor:
    """The node's executor with a kind that does nothing, and a policy that always asks for it."""
    kinds = Kinds([Nothing(Services())])
    action = PolicyAction("bench.nothing", {"who": ":event:"})
    policy = ActionPolicy("all", (action,))
    policies = Policies((policy,), kinds, node.acting.conditions, Frequency())
    node.checkpoint.parts.acting = policies
    attempts = Attempts(kinds, Traffic(Limits()), node.clock, random.random, "bench")
    options = ExecutorOptions(concurrency=64)
    return Executor(node.acting.queue, attempts, node.clock, count, "bench", options)


async def client(node: Node, name: int, until: float) -> int:
    """One caller who asks, waits for the durable answer, and asks again."""
    loop, made = asyncio.get_running_loop(), 0
    while time.perf_counter() < until:
        answered: asyncio.Future[Reply | Exception] = loop.create_future()
        body = b'{"type":"payment","id":"c%d_%d","amount":100,"currency":"usd"}' % (name, made)
        node.checkpoint.decide(body, Asking(), answered.set_result)
        assert isinstance(await answered, Reply)
        made += 1
    return made


def cpu_s() -> float:
    """CPU of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Found:
    """What was measured."""

    per_s: float
    per_cpu_s: float
    wait_ms: float
    idle: float


async def measure(node: Node, clients: int, seconds: float) -> Found:
    """A caller alone, then many, then nobody."""
    node.attach(asyncio.get_running_loop())
    count = Count()
    node.acting.executor = executor_of(node, count)
    running = asyncio.create_task(node.acting.executor.run())
    await client(node, -1, time.perf_counter() + WARM_S)
    count.waits_us = []
    await client(node, -2, time.perf_counter() + seconds)
    wait_ms = statistics.median(count.waits_us) / 1000
    await asyncio.sleep(0.5)
    before, started, cpu = count.done, time.perf_counter(), cpu_s()
    made = sum(await asyncio.gather(*(client(node, n, started + seconds) for n in range(clients))))
    while count.done - before < made:  # noqa: ASYNC110 — what it waits for has no event
        await asyncio.sleep(0.001)
    took, spent = time.perf_counter() - started, cpu_s() - cpu
    await asyncio.sleep(1)
    idle, since = cpu_s(), time.perf_counter()
    await asyncio.sleep(seconds)
    idle_share = (cpu_s() - idle) / (time.perf_counter() - since)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    node.detach()
    return Found(made / took, made / spent, wait_ms, 100 * idle_share)


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    with TemporaryDirectory(prefix="bench-actions-") as directory:
        node = open_node(Settings(data=Path(directory) / "data"))
        try:
            found = uvloop.run(measure(node, CLIENTS, 3 if quick else 10))
        finally:
            node.close()
    return [
        figure(f"decided and executed, {CLIENTS} clients", found.per_s, "/s", 2000, least=True),
        figure("the same by CPU time", found.per_cpu_s, "/CPU s"),
        figure("decision to first attempt, p50, one caller", found.wait_ms, "ms", 20),
        figure("CPU of an idle executor", found.idle, "% of a core", 1),
    ]


def figure(
    what: str, value: float, unit: str, goal: float | None = None, *, least: bool = False
) -> Row:
    """One row: a goal is the least or the most that is wanted."""
    met = None if goal is None else value >= goal if least else value <= goal
    return {
        "what": f"actions: {what}",
        "value": value,
        "unit": unit,
        "floor_or_peer": None,
        "ratio": None,
        "goal": goal,
        "met": met,
    }


if __name__ == "__main__":
    for line in run(quick=True):
        print(f"{line['what']:56} {line['value']:10.2f} {line['unit']:12} {line['goal'] or ''}")
