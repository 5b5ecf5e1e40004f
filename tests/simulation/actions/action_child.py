"""Executes a fixed set of actions until all are over; dies at the seam that its environment names.

Arguments: data directory, port of the receiver, set of actions, known bug to make (or `none`).
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from sekisho.actions import (
    ActionContext,
    ActionKind,
    Asked,
    Attempts,
    Executor,
    ExecutorOptions,
    GiveUp,
    Kinds,
    Limits,
    Result,
    Services,
    Todo,
    Traffic,
    TryAgain,
    Unknown,
    Verdict,
    row_of,
)
from sekisho.durable import (
    OUTBOX_STEPS,
    UNFINISHED,
    Ending,
    Job,
    OutboxRow,
    Queue,
    Retry,
    State,
    Store,
    Wanted,
)
from sekisho.durable import sqlite as adapter
from sekisho.kit.clock import SystemClock

KEYS, PER_KEY, DELICATE = 4, 6, 8


class Params(msgspec.Struct, frozen=True):
    key: str
    number: int


class Call(ActionKind[Params]):
    """Calls the receiver, which knows ids."""

    name = "crash.safe"
    params = Params
    retry: ClassVar[Retry] = "safe"
    attempts_max = 60

    def __init__(self, services: Services, port: int) -> None:
        super().__init__(services)
        self._port = port

    async def run(self, params: Params, context: ActionContext) -> Result:
        match await self._said(f"do {context.id} {params.key} {params.number}"):
            case "ok":
                return Result()
            case "busy":
                raise TryAgain("busy", 0)
            case _:
                raise Unknown("it hung up")

    async def check(self, params: Params, context: ActionContext) -> Verdict:
        del params
        return {"yes": Verdict.DONE, "no": Verdict.NOT_DONE}[await self._said(f"ask {context.id}")]

    async def _said(self, line: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{line}\n".encode())
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return answer.decode().strip()


class Delicate(Call):
    """The same, as if the receiver did not know ids: it may be asked."""

    name = "crash.ask"
    retry: ClassVar[Retry] = "ask"


class Poison(Call):
    """Never succeeds."""

    name = "crash.poison"
    attempts_max = 3

    async def run(self, params: Params, context: ActionContext) -> Result:
        del context
        raise GiveUp("poison") if params.number % 2 else Unknown("poison")


class Killer(Call):
    """Ends its process at every attempt."""

    name = "crash.killer"
    attempts_max = 2

    async def run(self, params: Params, context: ActionContext) -> Result:
        del params, context
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Unwatched:
    def begun(self, job: Job, started_us: int, /) -> str:
        del job, started_us
        return ""

    def ended(self, ending: Ending, /) -> None:
        del ending

    def lost(self, job: Job, /) -> None:
        del job


def rows(kinds: Kinds, what: str) -> list[OutboxRow]:
    def one(kind: str, key: str, number: int) -> OutboxRow:
        ordering_key = key if kind == "crash.safe" else ""
        todo = Todo(kind, {"key": key, "number": number}, ordering_key=ordering_key)
        return row_of(kinds, f"act_{kind}_{key}_{number}", todo, Asked("test", 1000 + number))

    if what == "killer":
        return [one("crash.killer", "k", 0)]
    keyed = [one("crash.safe", f"k{key}", n) for n in range(PER_KEY) for key in range(KEYS)]
    delicate = [one("crash.ask", "free", n) for n in range(DELICATE)]
    return [*keyed, *delicate, *(one("crash.poison", "p", n) for n in range(2))]


def with_bug(queue: Queue, attempts: Attempts, bug: str) -> None:
    """Make a mistake that executors are known for; the checker must see it."""
    if bug == "count_after_running":
        uncounted = adapter._SQL["queue_lease"].replace("attempts = attempts + 1, ", "")
        adapter._SQL["queue_lease"] = uncounted  # pyright: ignore[reportIndexIssue] — a bug on purpose
    if bug == "acknowledge_before_running":
        make = attempts.make

        async def hasty(job: Job, traceparent: str) -> Ending:
            early = Ending(job, State.DONE, "done", 1, 1)
            await queue.end([early])
            await make(job, traceparent)
            return early

        attempts.make = hasty


async def main(directory: Path, port: int, what: str, bug: str) -> None:
    store = Store(directory / "queue.db")
    store.migrate("outbox", OUTBOX_STEPS)
    queue, clock, services = adapter.SqliteQueue(store), SystemClock(), Services()
    classes: list[Any] = [Call, Delicate, Poison, Killer]
    kinds = Kinds([one(services, port) for one in classes])
    owner = f"process {os.getpid()}"
    attempts = Attempts(kinds, Traffic(Limits(1e6, 1000)), clock, lambda: 0.02, owner)
    with_bug(queue, attempts, bug)
    options = ExecutorOptions(concurrency=8, lease_s=5)
    executor = Executor(queue, attempts, clock, Unwatched(), owner, options)
    await queue.submit(rows(kinds, what))
    running = asyncio.create_task(executor.run())
    while any(one.state in UNFINISHED for one in await queue.newest(Wanted(limit=100))):  # noqa: ASYNC110 — the executor has no event for its end
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    store.close()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
