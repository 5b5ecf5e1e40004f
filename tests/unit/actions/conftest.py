"""An executor on a queue of its own, with kinds made for tests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from sekisho.actions import (
    ActionContext,
    ActionDesk,
    ActionKind,
    Attempts,
    Conditions,
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
)
from sekisho.actions.again import AgainAfter
from sekisho.actions.chain import ChainRun
from sekisho.durable import OUTBOX_STEPS, Ending, Job, Retry, Store
from sekisho.durable.sqlite import SqliteQueue
from sekisho.events import default_catalogue
from sekisho.kit.clock import SystemClock
from sekisho.rules import ListBook


class WorkParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to happen at each attempt, the last word for all that follow."""

    name: str
    plan: tuple[str, ...] = ("ok",)


class Work(ActionKind[WorkParams]):
    """Does as it is told, and writes down what it did."""

    name = "test.work"
    params = WorkParams
    retry: ClassVar[Retry] = "safe"
    timeout_s = 0.2
    attempts_max = 3

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.done: list[str] = []
        self.running: list[str] = []
        self.contexts: list[ActionContext] = []
        self.verdict = Verdict.UNKNOWN

    async def run(self, params: WorkParams, context: ActionContext) -> Result:
        """One attempt."""
        self.running.append(params.name)
        self.contexts.append(context)
        match params.plan[min(context.attempt, len(params.plan)) - 1]:
            case "again":
                raise TryAgain("busy", 0)
            case "give up":
                raise GiveUp("never")
            case "unknown":
                raise Unknown("line cut")
            case "bug":
                raise ZeroDivisionError
            case "hang":
                await asyncio.sleep(60)
            case _:
                await asyncio.sleep(0)
        self.done.append(params.name)
        return Result({"name": params.name})

    async def check(self, params: WorkParams, context: ActionContext) -> Verdict:
        """What the test says."""
        del params, context
        return self.verdict

    def undo(self, params: WorkParams, result: Any) -> Todo | None:
        """The inverse."""
        return (
            Todo(self.name, {"name": f"undo {result['name']}"}) if params.name != "final" else None
        )

    def destination(self, params: WorkParams) -> str:
        """All at one receiver."""
        del params
        return "receiver"


class Delicate(Work):
    """The same for a receiver that knows no keys."""

    name = "test.delicate"
    retry: ClassVar[Retry] = "ask"


class Quiet:
    """Watches, and remembers the ends."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def begun(self, job: Job, started_us: int, /) -> str:
        """An attempt starts."""
        del job, started_us
        return ""

    def ended(self, ending: Ending, /) -> None:
        """An attempt ended."""
        self.ends.append(ending.what)

    def lost(self, job: Job, /) -> None:
        """A lease was lost."""
        self.ends.append(f"lost {job.id}")


class Shop:
    """A queue, its executor and its desk."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.store = Store(path / "queue.db")
        self.store.migrate("outbox", OUTBOX_STEPS)
        self.queue = SqliteQueue(self.store)
        services = Services()
        services.offer(Conditions, Conditions(default_catalogue, ListBook()))
        self.work, self.delicate = Work(services), Delicate(services)
        kinds = Kinds([self.work, self.delicate, AgainAfter(services), ChainRun(services)])
        self.clock, self.watch = SystemClock(), Quiet()
        self.traffic = Traffic(limits)
        attempts = Attempts(kinds, self.traffic, self.clock, lambda: 0.0, "me")
        options = ExecutorOptions(lease_s=0.3, grace_s=1)
        self.executor = Executor(self.queue, attempts, self.clock, self.watch, "me", options)
        self.desk = ActionDesk(self.queue, kinds, self.clock, self.executor.wake)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the executor brings about."""
        while not holds():  # noqa: ASYNC110 — what it waits for has no event
            await asyncio.sleep(0.005)

    async def settled(self, *ids: str) -> dict[str, Job]:
        """The actions once they are over or need somebody."""
        while True:
            jobs = [(await self.desk.show(one)).job for one in ids]
            if all(job.state > 1 for job in jobs):
                return {job.id: job for job in jobs}
            await asyncio.sleep(0.005)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, Limits(1000, 1000))
    yield made
    made.store.close()


@pytest.fixture
def work() -> Callable[[Shop, Callable[[], Awaitable[None]]], None]:
    """Runs a conversation beside the executor."""

    def run(shop: Shop, conversation: Callable[[], Awaitable[None]]) -> None:
        async def both() -> None:
            running = asyncio.create_task(shop.executor.run())
            try:
                async with asyncio.timeout(20):
                    await conversation()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

        asyncio.run(both())

    return run
