"""One group commit: many runs of items, each undone alone if it fails, one COMMIT for all."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import apsw

from sekisho.durable.errors import as_store_error
from sekisho.durable.seams import seam

Item_contra = TypeVar("Item_contra", contravariant=True)


class Appender(Protocol[Item_contra]):
    """Writes a run of items inside a commit and is told how the commit ended."""

    def insert(self, connection: apsw.Connection, items: Sequence[Item_contra], /) -> None:
        """Write the items; an exception undoes and fails these items alone."""
        ...

    def settled(self, items: Sequence[Item_contra], error: Exception | None, /) -> None:
        """Hear that the items are durable (None), or that nothing of them was kept."""
        ...


@dataclass(slots=True)
class Run:
    """Neighbouring items of one appender, and how they fared."""

    appender: Appender[Any]
    items: list[Any]
    error: Exception | None = None


def commit_batch(connection: apsw.Connection, runs: Sequence[Run]) -> None:
    """Write the runs in one transaction and sync it; errors are left in the runs.

    INVARIANT: a run without an error is on disk when this returns. When COMMIT itself fails its
    outcome may be unknown after a power cut: the rows may come back although they were refused,
    so a caller that tries again is recognised by the unique ids of its rows.
    """
    try:
        seam("batch.begun")
        connection.execute("BEGIN IMMEDIATE")
        if len(runs) == 1:  # undoing it alone is undoing all: spare the savepoint
            runs[0].appender.insert(connection, runs[0].items)
        else:
            for run in runs:
                _write(connection, run)
        seam("batch.inserted")
        seam("commit.before")
        connection.execute("COMMIT")
        seam("commit.after")
    except Exception as error:  # noqa: BLE001 — handed to every waiter of the batch
        _undo(connection)
        failure = as_store_error(error) or error
        for run in runs:
            run.error = run.error or failure


def _write(connection: apsw.Connection, run: Run) -> None:
    """Write one run inside its savepoint; only a failure of the medium ends the whole batch."""
    connection.execute("SAVEPOINT run")
    try:
        run.appender.insert(connection, run.items)
    except Exception as error:
        medium = isinstance(error, apsw.Error) and as_store_error(error) is not None
        if medium or not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO run")
        run.error = error
    connection.execute("RELEASE run")


def _undo(connection: apsw.Connection) -> None:
    """Roll back, unless SQLite already did, as it does on a full disk."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
