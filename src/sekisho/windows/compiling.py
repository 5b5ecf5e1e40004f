# pyright: basic
# numba's decorators are untyped
"""How kernel functions are compiled once and kept on disk, safely across edits and upgrades."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from numba import njit

KERNEL_FILES: Final = (
    "columns.py",
    "compiling.py",
    "grouping.py",
    "kernel.py",
    "layout.py",
    "members.py",
    "memory.py",
    "plan.py",
    "reading.py",
    "rows.py",
    "scaling.py",
    "snapshots.py",
    "spreading.py",
    "trees.py",
)


def source_digest() -> str:
    """A short name of the kernel's whole text."""
    text = hashlib.blake2b(digest_size=6)
    for name in KERNEL_FILES:
        text.update(Path(__file__).with_name(name).read_bytes())
    return text.hexdigest()


Kernel = Callable[..., Any]
_DIGEST: Final = source_digest()


def cached(signature: str) -> Callable[[Kernel], Kernel]:
    """Compile a function for one signature when its module is imported, or load it from disk.

    numba names a cache file by the function's qualified name and checks the age of that one
    function's file only; the digest in the name makes it follow every file of the kernel.
    """

    def decorate(function: Kernel) -> Kernel:
        function.__qualname__ = f"{function.__name__}_{_DIGEST}"
        return njit(signature, cache=True)(function)

    return decorate


bare: Final[Callable[[Kernel], Kernel]] = njit(
    _nrt=False,  # pyright: ignore[reportCallIssue] — known to numba, not to its types
    forceinline=True,
)
"""For parts of a hot loop over arrays that they do not own.

Otherwise numba counts a reference to every array at every call, with an atomic instruction each,
which took half of the time. Such a part cannot make arrays.
"""
