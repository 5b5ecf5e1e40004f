"""The one thread that writes: takes what has queued up, commits it, answers, checkpoints."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, groupby
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import Any

import apsw

from sekisho.durable.batch import Appender, Run, commit_batch
from sekisho.durable.errors import StoreClosed, StoreUnavailable

_Job = tuple[Appender[Any], Sequence[Any]]
"""Items that arrived together, for one appender."""
_appender_of = itemgetter(0)


class Writer:
    """Owns the write connection and drains a queue of jobs in order of arrival.

    Args:
        connection: opened by `open_writer`; closed by the thread when it ends.
        batch_max: items after which a commit takes no more jobs.
        wal_pages_max: pages of write-ahead log after which it checkpoints.
    """

    def __init__(self, connection: apsw.Connection, batch_max: int, wal_pages_max: int) -> None:
        self._connection = connection
        self._batch_max = batch_max
        self._checkpoint = Checkpointer(connection, wal_pages_max)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._rejecting = threading.Lock()
        self._finished = False
        self._bug: Exception | None = None
        self._thread = threading.Thread(target=self._serve, name="durable-writer", daemon=True)
        self._thread.start()

    def put(self, job: _Job) -> None:
        """Queue a job; it is settled exactly once, whatever happens."""
        self._jobs.put(job)
        if self._finished:  # the thread left between the caller's check and this put
            self._reject_waiting()

    def stop(self) -> None:
        """Commit what is queued, then end the thread.

        Raises:
            Exception: the bug that ended the thread early, if one did.
        """
        self._jobs.put(None)
        self._thread.join()
        if self._bug is not None:
            raise self._bug

    def _serve(self) -> None:
        try:
            while (batch := self._take())[-1] is not None:
                self._commit(batch)
            self._commit(batch)
        except Exception as bug:  # noqa: BLE001 — kept for `stop`; nobody may wait for ever
            self._bug = bug
        self._finished = True
        self._reject_waiting()
        self._checkpoint.close()

    def _take(self) -> list[_Job | None]:
        """Wait for a job, then take all that are there; a None ends the list and the service."""
        batch = [job := self._jobs.get()]
        size = 0
        while job is not None and (size := size + len(job[1])) < self._batch_max:
            try:
                batch.append(job := self._jobs.get_nowait())
            except Empty:
                break
        return batch

    def _commit(self, batch: list[_Job | None]) -> None:
        jobs = [job for job in batch if job is not None]
        runs = [
            Run(appender, list(chain.from_iterable(items for _, items in group)))
            for appender, group in groupby(jobs, _appender_of)
        ]
        if not runs:
            return
        commit_batch(self._connection, runs)
        bug: Exception | None = None
        for run in runs:
            try:
                run.appender.settled(run.items, run.error)
            except Exception as error:  # noqa: BLE001 — raised below, after all were answered
                bug = bug or error
        if bug is not None:
            raise bug
        self._checkpoint.if_due()

    def _reject_waiting(self) -> None:
        cause = StoreClosed("the store is closed")
        error = StoreUnavailable(f"the writer stopped: {self._bug!r}") if self._bug else cause
        with self._rejecting:
            while True:
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    return
                if job is not None:
                    appender, items = job
                    appender.settled(items, error)


class Checkpointer:
    """Moves the write-ahead log into the database after answers went out, not before."""

    def __init__(self, connection: apsw.Connection, wal_pages_max: int) -> None:
        self._connection = connection
        self._pages_max = wal_pages_max
        self._pages = 0
        self._pages_done = 0
        connection.set_wal_hook(self._note)

    def if_due(self) -> None:
        """Checkpoint when the log has grown enough since the last time.

        A failure (disk full, a reader in the way) loses nothing, since the log holds every
        commit: it is tried again after as many pages more.
        """
        if self._pages < self._pages_done:  # the log was begun anew
            self._pages_done = 0
        if self._pages - self._pages_done < self._pages_max:
            return
        self._pages_done = self._pages
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error:
            return

    def close(self) -> None:
        """Leave a database without a log behind, if possible, and close it."""
        with suppress(apsw.Error):  # otherwise the log stays and is read at the next start
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.close()

    def _note(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK
