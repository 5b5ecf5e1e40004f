"""The store: one durable file, written by one thread, read by any."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar, cast
from weakref import WeakSet

import apsw

from sekisho.durable.batch import Appender
from sekisho.durable.connection import StoreOptions, open_reader, open_writer
from sekisho.durable.errors import StoreClosed, as_store_error
from sekisho.durable.files import TEMPORARY, sync_directory
from sekisho.durable.lock import DirectoryLock
from sekisho.durable.migrations import Migration, migrate
from sekisho.durable.seams import seam
from sekisho.durable.writer import Writer

Item = TypeVar("Item")
Result = TypeVar("Result")


class Store:
    """A durable SQLite file with group commit.

    Jobs are taken in the order they arrived. All that wait when the writer comes round (at most
    `batch_max`) go into one transaction and are answered only after its COMMIT has been synced.

    Args:
        path: the database file; its directory is created and locked.
        options: how to open it.

    Raises:
        DirectoryTaken: another process owns the directory.
        StoreError: the file cannot be opened durably.
    """

    def __init__(self, path: Path, options: StoreOptions | None = None) -> None:
        self.path = path
        self._options = options or StoreOptions()
        self._lock = DirectoryLock(path.parent) if self._options.lock_directory else None
        try:
            connection = open_writer(path, self._options)
        except Exception:
            self._release_lock()
            raise
        self._writer = Writer(connection, self._options.batch_max, self._options.wal_pages_max)
        self._readers: WeakSet[apsw.Connection] = WeakSet()
        self._local = threading.local()
        self._closed = False

    def write(self, run: Callable[[apsw.Connection], Result]) -> Future[Result]:
        """Run a closure inside the next commit.

        The future resolves after the commit with what the closure returned or raised; what it
        wrote before raising is undone. Cancelling the future does not undo a write.

        Raises:
            StoreClosed: the store is closed.
        """
        call = _Call(run)
        self.put(call, (None,))
        return call.future

    def put(self, appender: Appender[Item], items: Sequence[Item]) -> None:
        """Queue items for their appender: the path without a future for each.

        Raises:
            StoreClosed: the store is closed.
        """
        self.require_open()
        self._writer.put((appender, items))
        seam("entry.queued")

    def require_open(self) -> None:
        """Nothing happens while the store can take items.

        Raises:
            StoreClosed: the store is closed.
        """
        if self._closed:
            message = "the store is closed: send the request to a running instance"
            raise StoreClosed(message)

    def migrate(self, component: str, steps: Sequence[Migration]) -> int:
        """Bring a component's tables up to date, all steps in one transaction.

        Raises:
            SchemaTooNew: the file was written by a newer release.
        """
        return self.write(lambda connection: migrate(connection, component, steps)).result()

    def read(self) -> apsw.Connection:
        """This thread's own read-only connection.

        Keep transactions on it short: a long one keeps the write-ahead log from being reused.

        Raises:
            StoreClosed: the store is closed.
        """
        connection = cast("apsw.Connection | None", getattr(self._local, "connection", None))
        if connection is None:
            if self._closed:
                message = "the store is closed: open it again to read"
                raise StoreClosed(message)
            connection = open_reader(self.path, self._options)
            self._local.connection = connection
            self._readers.add(connection)
        return connection

    def backup(self, destination: Path) -> None:
        """Copy a consistent state to a new file while the store goes on working.

        Raises:
            FileExistsError: the destination exists; a backup never overwrites another.
            StoreError: the copy could not be written.
        """
        if destination.exists():
            message = f"`{destination}` exists: choose a new name for the backup"
            raise FileExistsError(message)
        unfinished = destination.with_name(destination.name + TEMPORARY)
        unfinished.unlink(missing_ok=True)
        source = open_reader(self.path, self._options)
        try:
            source.execute("VACUUM INTO ?", (str(unfinished),))
        except apsw.Error as error:
            unfinished.unlink(missing_ok=True)
            raise (as_store_error(error) or error) from error
        finally:
            source.close()
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.rename(destination)
        sync_directory(destination.parent)

    def close(self) -> None:
        """Commit what is queued, checkpoint, and release the file and its directory."""
        if self._closed:
            return
        self._closed = True
        for reader in list(self._readers):
            reader.close()
        try:
            self._writer.stop()
        finally:
            self._release_lock()

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()


class _Call(Generic[Result]):
    """A closure that runs inside a commit, with the future of its result."""

    __slots__ = ("_run", "_value", "future")

    def __init__(self, run: Callable[[apsw.Connection], Result]) -> None:
        self.future: Future[Result] = Future()
        self._run = run

    def insert(self, connection: apsw.Connection, _items: Sequence[None], /) -> None:
        self._value = self._run(connection)

    def settled(self, _items: Sequence[None], error: Exception | None, /) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        if error is None:
            self.future.set_result(self._value)
        else:
            self.future.set_exception(error)
