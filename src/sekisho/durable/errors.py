"""What can go wrong between an acknowledgement and the disk."""

from typing import ClassVar

import apsw

from sekisho.kit.sentences import going_on


class StoreError(Exception):
    """Base of every failure of the durable store.

    Attributes:
        retryable: True when the same request may be sent again unchanged; nothing of it was kept.
    """

    retryable: ClassVar[bool] = False


class StoreFull(StoreError):
    """The disk is full: free some space; the store goes on by itself, without a restart."""

    retryable = True


class StoreUnavailable(StoreError):
    """The store could not be written just now (locked, I/O error): try again in a moment."""

    retryable = True


class StoreDamaged(StoreError):
    """The database file is damaged: restore the last backup and keep this file for inspection."""


class StoreClosed(StoreError):
    """The store is shut down: send the request to a running instance."""

    retryable = True


class SchemaTooNew(StoreError):
    """The data was written by a newer release: start that release, or restore an older backup."""


class DirectoryTaken(StoreError):
    """Another process owns the data directory: stop it, or choose another directory."""


_BY_SQLITE: tuple[tuple[type[apsw.Error], type[StoreError]], ...] = (
    (apsw.FullError, StoreFull),
    (apsw.CorruptError, StoreDamaged),
    (apsw.NotADBError, StoreDamaged),
    (apsw.BusyError, StoreUnavailable),
    (apsw.LockedError, StoreUnavailable),
    (apsw.IOError, StoreUnavailable),
    (apsw.CantOpenError, StoreUnavailable),
    (apsw.ReadOnlyError, StoreUnavailable),
    (apsw.PermissionsError, StoreUnavailable),
    (apsw.NoMemError, StoreUnavailable),
    (apsw.InterruptError, StoreUnavailable),
)


def as_store_error(error: Exception) -> StoreError | None:
    """The store's own name for a failure of the medium; None when the statement itself was wrong.

    >>> type(as_store_error(apsw.FullError("database or disk is full"))).__name__
    'StoreFull'
    >>> as_store_error(apsw.ConstraintError("UNIQUE constraint failed")) is None
    True
    """
    if isinstance(error, StoreError):
        return error
    for theirs, ours in _BY_SQLITE:
        if isinstance(error, theirs):
            hint = (ours.__doc__ or "").rstrip(".")
            return ours(f"{going_on(hint)} (`{error}`)")
    return None
