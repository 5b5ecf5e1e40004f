"""A disk that remembers every write, so that any power cut can be played afterwards."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw
import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

SECTOR = 512
KEPT, DROPPED = 0.45, 0.30  # of the writes not yet synced; the others are torn by sector


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the disk or the owner was told: write, truncate, sync, delete or ack."""

    kind: str
    file: str
    offset: int = 0
    data: bytes = b""


class JournalVfs(apsw.VFS):
    """The operating system's files, with a journal of what was done to them."""

    def __init__(self, name: str) -> None:
        self.steps: list[Step] = []
        super().__init__(name, "")

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> JournalFile:  # noqa: N802 — apsw's name
        return JournalFile(name, flags, self.steps)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 — apsw's signature
        self.steps.append(Step("delete", filename))
        super().xDelete(filename, syncdir)


class JournalFile(apsw.VFSFile):
    """One open file whose changes are noted in order."""

    def __init__(
        self, name: apsw.URIFilename | str | None, flags: list[int], steps: list[Step]
    ) -> None:
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._steps = steps
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 — apsw's name
        super().xWrite(data, offset)
        self._steps.append(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 — apsw's name
        super().xTruncate(newsize)
        self._steps.append(Step("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802 — apsw's name
        super().xSync(flags)
        self._steps.append(Step("sync", self._name))


def image(steps: list[Step], durable_until: int, cut: int, rng: random.Random) -> dict[str, bytes]:
    """What the files may hold when the power goes after `cut` steps.

    Steps before `durable_until` are taken as on disk. Of the others, those followed by a sync of
    their file are on disk; each of the rest is kept, dropped, or torn sector by sector,
    independently of the others and across files.
    """
    synced = _last_syncs(steps[:cut])
    files: dict[str, bytearray] = {}
    for place, step in enumerate(steps[:cut]):
        certain = place < max(durable_until, synced.get(step.file, -1))
        if step.kind in ("write", "truncate", "delete"):
            _apply(files, step, rng, certain=certain)
    return {name: bytes(content) for name, content in files.items()}


def _last_syncs(steps: list[Step]) -> dict[str, int]:
    return {step.file: place for place, step in enumerate(steps) if step.kind == "sync"}


def _apply(files: dict[str, bytearray], step: Step, rng: random.Random, *, certain: bool) -> None:
    chance = 0.0 if certain else rng.random()
    if KEPT <= chance < KEPT + DROPPED:
        return
    if step.kind == "delete":
        files.pop(step.file, None)
        return
    content = files.setdefault(step.file, bytearray())
    if step.kind == "truncate":
        del content[step.offset :]
        return
    content.extend(bytes(max(0, step.offset + len(step.data) - len(content))))
    if chance < KEPT:
        content[step.offset : step.offset + len(step.data)] = step.data
        return
    for start in range(0, len(step.data), SECTOR):
        if rng.random() < 0.5:
            piece = step.data[start : start + SECTOR]
            content[step.offset + start : step.offset + start + len(piece)] = piece


def lay_out(files: dict[str, bytes], directory: Path) -> None:
    """Write an image's files into a directory under their own names."""
    for name, content in files.items():
        (directory / name.rsplit("/", 1)[-1]).write_bytes(content)


@pytest.fixture
def disk() -> ModuleType:
    """This module, to tests, which cannot import it by name."""
    return sys.modules[__name__]
