"""One process per data directory: a lock that ends with its process."""

import fcntl
import os
from pathlib import Path

from sekisho.durable.errors import DirectoryTaken

LOCK_NAME = "process.lock"
_PID_BYTES_MAX = 20


class DirectoryLock:
    """Owns a data directory until released or until the process dies, however it dies.

    The lock is an flock on a file of its own. It must not be the database: closing any handle of
    that file in this process would drop SQLite's own locks.

    Raises:
        DirectoryTaken: another process holds it; the message names its pid.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(descriptor, _PID_BYTES_MAX, 0).decode(errors="replace").strip()
            os.close(descriptor)
            message = (
                f"data directory `{directory}` is in use by process {owner or 'unknown'}: "
                "stop that process, or give this one another directory"
            )
            raise DirectoryTaken(message) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another process take the directory; releasing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
