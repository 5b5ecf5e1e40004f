"""Files that are either wholly there after a power cut or not there at all."""

import os
from collections.abc import Iterable
from pathlib import Path

TEMPORARY = ".tmp"
Part = bytes | bytearray | memoryview


def write_atomic(path: Path, parts: Iterable[Part]) -> None:
    """Put a file in place in one step: temporary file, fsync, rename, fsync of the directory.

    Raises:
        OSError: the disk is full or unwritable; the old file, if any, is untouched.
    """
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make renames and new names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
