"""Backtests of a running server: one at a time, in a process and on a history of its own."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sekisho.durable import StoreError
from sekisho.entrypoints.backtesting import Job, Question, job_of, pin_history, reading_of
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.history import HistoryDamaged

MAX_WAITING: Final = 8
"""Backtests that may wait for the one that runs."""
KEPT: Final = 50
"""Results kept, the newest; they are in memory only, and asked again in seconds."""
PATIENCE_S: Final = 2.0
"""How long a request waits for the result before it gets a job to come back for."""
LINE_BYTES: Final = 64 << 20
"""Longest line of a worker: a result with hundreds of rules has some hundred kilobytes."""
WORKER: Final = "sekisho.entrypoints.backtest_worker"
BROKEN: Final = "the backtest ended without a result: the server's log says why"


@dataclass(slots=True)
class Backtest:
    """A backtest asked of the server."""

    id: str
    question: Question
    status: str = "waiting"
    events: int = 0
    result: dict[str, Any] | None = None
    error: str = ""

    def told(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "object": "backtest_job",
            "id": self.id,
            "kind": self.question.kind,
            "status": self.status,
            "progress": {"events": self.events},
            "result": self.result,
            "error": self.error or None,
        }


class Backtests:
    """Takes questions, runs them one after the other, keeps the newest results."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._jobs: dict[str, Backtest] = {}
        self._one_at_a_time = asyncio.Lock()
        shutil.rmtree(reading_of(node), ignore_errors=True)
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> Backtest:
        """Begin a backtest and wait a moment for its result.

        Raises:
            HttpRefusal: too many are waiting.
        """
        if len(self._tasks) > MAX_WAITING:
            message = f"{len(self._tasks)} backtests are waiting or running: ask again later"
            raise HttpRefusal(429, "rate_limit", message)
        one = Backtest(self._node.ids.new("bt"), question)
        self._jobs[one.id] = one
        self._forget_old()
        task = asyncio.create_task(self._run(one))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait([task], timeout=PATIENCE_S)
        return one

    def find(self, job_id: str) -> Backtest:
        """A backtest by its id.

        Raises:
            HttpRefusal: there is none.
        """
        if job_id not in self._jobs:
            raise HttpRefusal(404, "resource_missing", f"no such backtest: '{job_id}'", param="id")
        return self._jobs[job_id]

    def _forget_old(self) -> None:
        ended = [one.id for one in self._jobs.values() if one.status in {"done", "failed"}]
        for job_id in ended[: max(len(self._jobs) - KEPT, 0)]:
            del self._jobs[job_id]

    async def _run(self, one: Backtest) -> None:
        try:
            async with self._one_at_a_time:
                one.status = "running"
                await self._answer(one)
        except (OSError, StoreError, HistoryDamaged) as error:
            one.error = str(error)
        finally:
            one.status = "done" if one.result is not None else "failed"
            one.error = one.error or ("" if one.result is not None else BROKEN)

    async def _answer(self, one: Backtest) -> None:
        node = self._node
        async with node.folding:  # for as long as it takes to bring it up to date, no longer
            history = await asyncio.to_thread(pin_history, node, one.id)
        try:
            await self._work(one, job_of(node, one.question, history=history))
        finally:
            await asyncio.to_thread(shutil.rmtree, history, ignore_errors=True)

    async def _work(self, one: Backtest, job: Job) -> None:
        environment = {**os.environ, "POLARS_MAX_THREADS": "1"}  # the other cores decide
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", WORKER, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES, env=environment
        )
        try:
            await self._listen(process, one, msgspec.json.encode(job))
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _listen(self, process: Process, one: Backtest, job: bytes) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(job)
        await process.stdin.drain()
        process.stdin.close()
        async for line in process.stdout:
            told: dict[str, Any] = msgspec.json.decode(line)
            one.events = told.get("events", one.events)
            one.result = told.get("result", one.result)
            one.error = told.get("error", one.error)
        await process.wait()
