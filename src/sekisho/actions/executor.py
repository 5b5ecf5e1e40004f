"""The executor: claims what is due, runs it, ends it; sleeps when there is nothing to do."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import msgspec
import structlog

from sekisho.actions.attempt import Attempts
from sekisho.actions.kinds import Kinds, Verdict
from sekisho.durable import Claiming, Ending, Job, Move, Queue, State, StoreError, Wanted
from sekisho.kit.clock import MICROSECONDS, Clock

COARSE_S: Final = 60.0
"""Longest sleep: clocks may be set, other processes may write."""
AFTER_FAILURE_S: Final = 1.0
"""Pause after the store has failed."""
CHECKED_AT_ONCE: Final = 100
"""Actions of unknown outcome asked about in one round."""


class ExecutorOptions(msgspec.Struct, frozen=True):
    """How an executor works.

    Attributes:
        concurrency: attempts under way at the same time.
        lease_s: after which others may take an attempt to be lost; renewed while it runs.
        grace_s: how long running attempts may take to end when it is closed.
        is_alone: no other process executes from this queue, so a lease of another owner is void.
    """

    concurrency: int = 64
    lease_s: float = 30
    grace_s: float = 5
    is_alone: bool = True


class Watch(Protocol):
    """Is told of every attempt, for metrics and traces."""

    def begun(self, job: Job, started_us: int, /) -> str:
        """An attempt starts; returns the trace context to hand on, or the empty text."""
        ...

    def ended(self, ending: Ending, /) -> None:
        """An attempt ended, and that is on disk."""
        ...

    def lost(self, job: Job, /) -> None:
        """The lease of a running attempt was lost: nothing was written of it."""
        ...


class Executor:
    """Runs the actions of a queue on the event loop.

    An attempt is counted before it is made, under a lease that is renewed while it runs; its end
    is written only if the lease is still held. Ends that come while one batch is being written
    form the next.

    Args:
        queue: where actions wait.
        attempts: makes them.
        clock: tells what is due.
        watch: told of attempts.
        owner: names this process in leases and audit lines.
        options: how much at once, and for how long.
    """

    def __init__(
        self,
        queue: Queue,
        attempts: Attempts,
        clock: Clock,
        watch: Watch,
        owner: str,
        options: ExecutorOptions | None = None,
    ) -> None:
        self._queue = queue
        self._attempts = attempts
        self._clock = clock
        self._watch = watch
        self._owner = owner
        self._options = options or ExecutorOptions()
        self._running: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._ended: list[Ending] = []
        self._ending: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_full = False
        self._log = structlog.get_logger("sekisho.actions")

    @property
    def kinds(self) -> Kinds:
        """What it can do."""
        return self._attempts.kinds

    @property
    def busy(self) -> int:
        """Attempts under way."""
        return len(self._running)

    def wake(self) -> None:
        """There may be something to do; cheap, and harmless when there is not."""
        self._wake.set()

    async def run(self) -> None:
        """Execute until cancelled; then running attempts get `grace_s` to end."""
        keeping = asyncio.create_task(self._keep())
        try:
            while True:
                sleep_s = await self._round()
                with suppress(TimeoutError):
                    async with asyncio.timeout(sleep_s):
                        await self._wake.wait()
        finally:
            keeping.cancel()
            await self._wind_up()

    async def _round(self) -> float:
        """Claim and start what there is room for; returns how long nothing will be due."""
        self._wake.clear()
        free = self._options.concurrency - len(self._running)
        self._is_full = free <= 0
        if self._is_full:
            return COARSE_S  # the next end wakes it
        lease_us = round(self._options.lease_s * MICROSECONDS)
        claiming = Claiming(self._owner, self._clock.now_us(), lease_us, free)
        try:
            claimed = await self._queue.claim(claiming)
        except StoreError as error:
            self._log.warning("actions.claim_failed", error=str(error))
            return AFTER_FAILURE_S
        for job in claimed.jobs:
            task = asyncio.create_task(self._attempt(job))
            self._running[job.seq] = (job, task)
        if claimed.next_us is None:
            return COARSE_S
        wait_us = claimed.next_us - self._clock.now_us()
        return min(max(wait_us / MICROSECONDS, 0), COARSE_S)

    async def _attempt(self, job: Job) -> None:
        traceparent = self._watch.begun(job, self._clock.now_us())
        ending = await self._attempts.make(job, traceparent)
        self._ended.append(ending)
        if self._ending is None:
            self._ending = asyncio.create_task(self._write_ends())

    async def _write_ends(self) -> None:
        """Write ends until none is left; those of attempts that lost their lease are void."""
        try:
            while self._ended:
                batch, self._ended = self._ended, []
                owned = await self._end(batch)
                for one in batch:
                    self._settle(one, is_held=one.job.seq in owned)
                if self._is_full or self._has_more(batch):
                    self._wake.set()
        finally:
            self._ending = None

    async def _end(self, batch: Sequence[Ending]) -> frozenset[int]:
        """Write ends, however long the store takes to be well again; leases are renewed so long."""
        while True:
            try:
                return await self._queue.end(batch)
            except StoreError as error:
                self._log.warning("actions.end_failed", error=str(error))
                await asyncio.sleep(AFTER_FAILURE_S)

    def _settle(self, ending: Ending, *, is_held: bool) -> None:
        self._running.pop(ending.job.seq, None)
        if is_held:
            self._watch.ended(ending)
        else:
            self._watch.lost(ending.job)

    def _has_more(self, batch: Sequence[Ending]) -> bool:
        """Whether an end may have made something due: what follows it, its key, itself again."""
        return any(one.then or one.job.ordering_key or one.state is State.READY for one in batch)

    # ── leases ──────────────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        """Void the leases of the dead, renew those of the living, ask about what is unknown."""
        owner = self._owner if self._options.is_alone else ""
        await self._sweep(owner)
        await self._ask()
        while True:
            await asyncio.sleep(self._options.lease_s / 3)
            try:
                await self._renew()
            except StoreError as error:
                self._log.warning("actions.renew_failed", error=str(error))
                continue
            if await self._sweep(""):
                await self._ask()

    async def _sweep(self, owner: str) -> int:
        ask = [name for name in self.kinds.names() if self.kinds.find(name).retry == "ask"]
        try:
            swept = await self._queue.sweep(self._clock.now_us(), ask, owner)
        except StoreError as error:
            self._log.warning("actions.sweep_failed", error=str(error))
            return 0
        if swept:
            self._log.info("actions.leases_lapsed", count=swept)
            self.wake()
        return swept

    async def _renew(self) -> None:
        jobs = [job for job, _ in self._running.values()]
        if not jobs:
            return
        until_us = self._clock.now_us() + round(self._options.lease_s * MICROSECONDS)
        held = await self._queue.renew(jobs, until_us)
        for job in jobs:
            running = self._running.get(job.seq)
            if job.seq not in held and running is not None and running[0] is job:
                running[1].cancel()  # somebody else has it: its end would be void
                del self._running[job.seq]
                self._watch.lost(job)

    async def _ask(self) -> None:
        """Let receivers say how attempts of unknown outcome ended, where they can."""
        wanted = Wanted(limit=CHECKED_AT_ONCE, state=State.NEEDS_CHECK)
        for job in await self._queue.newest(wanted):
            verdict = await self._attempts.check(job)
            if verdict is not Verdict.UNKNOWN:
                await self._queue.move(settling(job.id, verdict, self._owner, self._clock.now_us()))
                self.wake()

    async def _wind_up(self) -> None:
        """Let running attempts end; what does not is found by the next start."""
        if self._running:
            tasks = [task for _, task in self._running.values()]
            _, late = await asyncio.wait(tasks, timeout=self._options.grace_s)
            for task in late:
                task.cancel()
        if self._ending is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending, self._options.grace_s)


def settling(action_id: str, verdict: Verdict, who: str, now_us: int) -> Move:
    """What becomes of an action of unknown outcome once somebody knows."""
    to = State.DONE if verdict is Verdict.DONE else State.READY
    return Move(action_id, (State.NEEDS_CHECK,), to, f"found_{verdict.value}", who, now_us)
