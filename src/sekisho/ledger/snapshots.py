"""Derived state saved now and then, so that a restart replays only the tail of the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from sekisho.durable import TEMPORARY, write_atomic

Array = NDArray[np.generic]
Part = bytes | Array

_MAGIC = b"SNAPSHOT1\n"
_LENGTH_BYTES = 8
_DIGEST_BYTES = 16
_ALIGN = 64  # compiled kernels take aligned arrays only
_SUFFIX = ".snapshot"


class _PartHeader(msgspec.Struct, frozen=True):
    name: str
    dtype: str  # empty for plain bytes
    shape: tuple[int, ...]
    offset: int
    length: int


class _Header(msgspec.Struct, frozen=True):
    seq: int
    chain_hash: bytes
    parts: tuple[_PartHeader, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State derived from the first `seq` rows of a ledger; arrays may be written to."""

    seq: int
    chain_hash: bytes
    parts: Mapping[str, Part]


class Snapshots:
    """A directory of snapshots, the newest few of each name.

    A snapshot is only a shortcut: one that is torn, altered or of another ledger is passed over,
    and without any the whole ledger is replayed.

    Args:
        directory: made when missing.
        keep: how many to keep of each name; more than one, in case the newest is damaged.
    """

    def __init__(self, directory: Path, keep: int = 2) -> None:
        self._directory = directory
        self._keep = keep
        directory.mkdir(parents=True, exist_ok=True)
        for torn in directory.glob(f"*{_SUFFIX}{TEMPORARY}"):  # a process died while writing it
            torn.unlink(missing_ok=True)

    def save(self, name: str, snapshot: Snapshot) -> Path:
        """Write a snapshot durably, then drop the oldest of its name.

        Raises:
            OSError: the disk is full; older snapshots stay as they were.
        """
        path = self._directory / f"{name}-{snapshot.seq:020d}{_SUFFIX}"
        write_atomic(path, _encode(snapshot))
        for old in self._paths(name)[self._keep :]:
            old.unlink(missing_ok=True)
        return path

    def load_latest(
        self, name: str, accept: Callable[[int, bytes], bool] = lambda _seq, _hash: True
    ) -> Snapshot | None:
        """The newest sound snapshot whose row number and chain hash are accepted, or None."""
        for path in self._paths(name):
            found = _decode(path)
            if found is not None and accept(found.seq, found.chain_hash):
                return found
        return None

    def _paths(self, name: str) -> list[Path]:
        found = (p for p in self._directory.glob(f"{name}-*{_SUFFIX}"))
        digits = len(name) + 21 + len(_SUFFIX)  # a longer name may begin with this one and a dash
        return sorted((p for p in found if len(p.name) == digits), reverse=True)


def _encode(snapshot: Snapshot) -> list[bytes | memoryview]:
    """The file in pieces; arrays are not copied."""
    headers: list[_PartHeader] = []
    pieces: list[bytes | memoryview] = []
    offset = 0
    for name, part in snapshot.parts.items():
        data, dtype, shape = _flat(part)
        headers.append(_PartHeader(name, dtype, shape, offset, len(data)))
        padding = bytes(-len(data) % _ALIGN)
        pieces += (data, padding)
        offset += len(data) + len(padding)
    header = msgspec.json.encode(_Header(snapshot.seq, snapshot.chain_hash, tuple(headers)))
    header += b" " * (-(len(_MAGIC) + _LENGTH_BYTES + len(header)) % _ALIGN)
    pieces = [_MAGIC, len(header).to_bytes(_LENGTH_BYTES, "little"), header, *pieces]
    digest = xxh3_128()
    for piece in pieces:
        digest.update(piece)
    return [*pieces, digest.digest()]


def _flat(part: Part) -> tuple[bytes | memoryview, str, tuple[int, ...]]:
    if isinstance(part, bytes):
        return part, "", (len(part),)
    assert part.dtype.names is None and not part.dtype.hasobject, "plain numbers only"  # noqa: PT018 — a bug
    whole = np.ascontiguousarray(part)
    return whole.reshape(-1).view(np.uint8).data, part.dtype.str, part.shape


def _decode(path: Path) -> Snapshot | None:
    """The snapshot in a file; None when a byte of it is wrong."""
    raw = np.fromfile(path, np.uint8)
    view = raw.data
    start = len(_MAGIC) + _LENGTH_BYTES
    if len(raw) < start + _DIGEST_BYTES or bytes(view[: len(_MAGIC)]) != _MAGIC:
        return None
    if xxh3_128(view[:-_DIGEST_BYTES]).digest() != bytes(view[-_DIGEST_BYTES:]):
        return None
    body = start + int.from_bytes(view[len(_MAGIC) : start], "little")
    header = msgspec.json.decode(view[start:body], type=_Header)
    parts: dict[str, Part] = {}
    for part in header.parts:
        piece = raw[body + part.offset : body + part.offset + part.length]
        plain = not part.dtype
        parts[part.name] = (
            piece.tobytes() if plain else piece.view(np.dtype(part.dtype)).reshape(part.shape)
        )
    return Snapshot(header.seq, header.chain_hash, parts)
