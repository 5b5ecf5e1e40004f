"""Marked points between two steps of a commit, where a crash test may end the process."""

import os
import signal
from typing import Literal, get_args

VARIABLE = "SEKISHO_CRASH_AT"
"""`name` or `name:n`: the process kills itself at the n-th pass of that seam."""

Seam = Literal[
    "entry.queued",
    "batch.begun",
    "batch.inserted",
    "commit.before",
    "commit.after",
    "answer.before",
]
ActionSeam = Literal["action.claimed", "action.before", "action.after", "action.ended"]
SEAMS: tuple[Seam, ...] = get_args(Seam)
"""Points that every commit of the log passes."""
ACTION_SEAMS: tuple[ActionSeam, ...] = get_args(ActionSeam)
"""Points that every action passes."""


class _Fuse:
    """Counts passes of one seam and ends the process at the wanted one."""

    __slots__ = ("_left", "_name")

    def __init__(self, wanted: str) -> None:
        name, _, nth = wanted.partition(":")
        if name not in (*SEAMS, *ACTION_SEAMS):
            known = ", ".join((*SEAMS, *ACTION_SEAMS))
            message = f"no seam `{name}`: {VARIABLE} takes one of {known}"
            raise ValueError(message)
        self._name = name
        self._left = int(nth or "1")

    def passed(self, name: Seam | ActionSeam) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


_fuse: list[_Fuse] = []  # empty in service


def arm(wanted: str) -> None:
    """From now on, kill this process at a seam's n-th pass; an empty text disarms.

    Args:
        wanted: a seam's name, with `:n` for the n-th pass (1 is the first).

    Raises:
        ValueError: there is no such seam.
    """
    _fuse[:] = [_Fuse(wanted)] if wanted else []


def seam(name: Seam | ActionSeam) -> None:
    """Mark a pass through a named point; nothing happens there in service."""
    if _fuse:
        _fuse[0].passed(name)


arm(os.environ.get(VARIABLE, ""))
