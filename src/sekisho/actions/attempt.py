"""One attempt at an action: read, admit, run in time, and what becomes of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from sekisho.actions.backoff import wait_us
from sekisho.actions.kinds import (
    ActionContext,
    ActionKind,
    GiveUp,
    Kinds,
    KindUnknown,
    ParamsRefused,
    Result,
    TryAgain,
    Verdict,
)
from sekisho.actions.rows import cause_of, rows_after
from sekisho.actions.traffic import Traffic
from sekisho.durable import Ending, Job, State, seam
from sekisho.kit.clock import MICROSECONDS, Clock

ERROR_CHARACTERS = 500
"""Longest error kept."""


class Attempts:
    """Makes attempts; has no say about leases.

    Args:
        kinds: what is installed.
        traffic: spares the receivers.
        clock: for deadlines and waits.
        draw: randomness in [0, 1) for waits.
        owner: the process, for the audit line.
    """

    def __init__(
        self,
        kinds: Kinds,
        traffic: Traffic,
        clock: Clock,
        draw: Callable[[], float],
        owner: str,
    ) -> None:
        self.kinds = kinds
        self._traffic = traffic
        self._clock = clock
        self._draw = draw
        self._owner = owner

    async def make(self, job: Job, traceparent: str) -> Ending:
        """Attempt an action; whatever happens in its kind becomes an ending."""
        started_us = self._clock.now_us()
        try:
            kind, params = self.kinds.read(job.kind, job.payload.encode())
        except (KindUnknown, ParamsRefused) as error:
            return self._over(job, State.DEAD, "dead", started_us, str(error))
        if job.dry_run:
            told = msgspec.json.encode({"would": kind.describe(params)}).decode()
            return self._over(job, State.DONE, "dry_run", started_us, result=told)
        destination = kind.destination(params)
        later_us = self._traffic.admit(destination, started_us)
        if later_us:
            return Ending(
                job,
                State.READY,
                "spared",
                started_us,
                started_us,
                not_before_us=later_us,
                uncounted=True,
            )
        ending = await self._run(job, kind, params, self._context(job, started_us, traceparent))
        is_up = ending.state in (State.DONE, State.DEAD) and ending.what != "used_up"
        self._traffic.note(destination, self._clock.now_us(), is_up=is_up)
        return ending

    async def check(self, job: Job) -> Verdict:
        """Ask the receiver about an attempt of unknown outcome; whatever fails there is unknown."""
        try:
            kind, params = self.kinds.read(job.kind, job.payload.encode())
            async with asyncio.timeout(kind.timeout_s):
                context = self._context(job, self._clock.now_us(), "")
                return await kind.check(params, context)
        except Exception:  # noqa: BLE001 — a receiver that cannot be asked leaves it to a person
            return Verdict.UNKNOWN

    async def _run(
        self, job: Job, kind: ActionKind[Any], params: Any, context: ActionContext
    ) -> Ending:
        seam("action.before")
        try:
            async with asyncio.timeout(kind.timeout_s):
                result = await kind.run(params, context)
        except TryAgain as error:
            return self._again(job, context.now_us, str(error), error.after_s)
        except GiveUp as error:
            return self._over(job, State.DEAD, "dead", context.now_us, str(error))
        except TimeoutError:
            detail = f"no answer within {kind.timeout_s:g} s"
            return await self._unknown(job, kind, context.now_us, detail)
        except Exception as error:  # noqa: BLE001 — a plug-in may raise anything
            return await self._unknown(job, kind, context.now_us, said(error))
        seam("action.after")
        return self._done(job, result, context.now_us)

    def _done(self, job: Job, result: Result, started_us: int) -> Ending:
        then = rows_after(self.kinds, job, result.then, self._clock.now_us())
        told = msgspec.json.encode(result.value).decode()
        return self._over(job, State.DONE, "done", started_us, result=told, then=then)

    async def _unknown(
        self, job: Job, kind: ActionKind[Any], started_us: int, detail: str
    ) -> Ending:
        """Nobody knows whether it had its effect: repeat it if that is safe, else ask."""
        if kind.retry == "safe" and job.retry == "safe":
            return self._again(job, started_us, detail, None)
        match await self.check(job):
            case Verdict.DONE:
                return self._done(job, Result({"checked": True}), started_us)
            case Verdict.NOT_DONE:
                return self._again(job, started_us, detail, None)
            case Verdict.UNKNOWN:
                return self._over(job, State.NEEDS_CHECK, "needs_check", started_us, detail)

    def _again(self, job: Job, started_us: int, detail: str, after_s: float | None) -> Ending:
        now_us = self._clock.now_us()
        if job.attempts >= job.attempts_max:
            return self._over(job, State.DEAD, "used_up", started_us, detail)
        wait = wait_us(job.attempts, self._draw)
        if after_s is not None:
            wait += round(after_s * MICROSECONDS)
        return Ending(
            job,
            State.READY,
            "again",
            started_us,
            now_us,
            detail[:ERROR_CHARACTERS],
            not_before_us=now_us + wait,
            who=self._owner,
        )

    def _over(
        self, job: Job, state: State, what: str, started_us: int, detail: str = "", **more: Any
    ) -> Ending:
        now_us = self._clock.now_us()
        detail = detail[:ERROR_CHARACTERS]
        return Ending(job, state, what, started_us, now_us, detail, who=self._owner, **more)

    def _context(self, job: Job, now_us: int, traceparent: str) -> ActionContext:
        return ActionContext(
            id=job.id,
            attempt=job.attempts,
            now_us=now_us,
            accepted_us=job.accepted_us,
            ordering_key=job.ordering_key,
            cause=cause_of(job),
            traceparent=traceparent or job.traceparent,
            dry_run=bool(job.dry_run),
        )


def said(error: Exception) -> str:
    """An exception in a line for people."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
