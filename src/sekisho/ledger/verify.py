"""Proves that nobody changed, removed, inserted or reordered what was recorded."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import apsw

from sekisho.durable import Store, StoreDamaged, StoreOptions, as_store_error, open_reader
from sekisho.ledger.chain import genesis, seal
from sekisho.ledger.checkpoints import (
    FILE_NAME,
    ROWS_APART_MAX,
    Checkpoint,
    is_signed,
    read_checkpoints,
)
from sekisho.ledger.rows import QUERIES

Progress = Callable[[int, int], None]
"""Called with rows checked so far and rows in all."""

_PAGE = "SELECT * FROM ledger WHERE seq > ? ORDER BY seq LIMIT 2000"
_NOT_A_ROW = (AttributeError, TypeError, ValueError, struct.error)  # damaged pages hold anything
_BEFORE_ALL = -(1 << 63)


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What the chain of a ledger looks like.

    Attributes:
        rows: rows found sound, from the first on.
        ok: nothing is wrong.
        first_bad_seq: the first row that is missing, changed or out of place.
        reason: what is wrong with it; empty when nothing is.
        head_hash: hash of the last sound row, to compare with a copy kept elsewhere.
        signed_rows: rows that a signed checkpoint vouches for; None when no key was given.
    """

    rows: int
    ok: bool
    first_bad_seq: int | None
    reason: str
    head_hash: bytes
    signed_rows: int | None = None


class _Broken(Exception):
    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq = seq
        self.reason = reason


def verify(
    ledger: Path | Store, progress: Progress | None = None, key: bytes = b""
) -> VerifyReport:
    """Recompute the chain from its first row and compare it with the checkpoints beside it.

    Without the key it needs nothing but the files. It may run while the ledger is written to.
    About 1 M rows in 10 s, in constant memory.

    Args:
        ledger: the database file, or the open store.
        progress: told every 2000 rows.
        key: what checkpoints are signed with; empty compares them without their signatures.

    Raises:
        StoreError: the file cannot be opened.
    """
    path = ledger.path if isinstance(ledger, Store) else ledger
    checkpoints = read_checkpoints(path.with_name(FILE_NAME))
    walk = _Walk(checkpoints, key)
    try:
        connection = open_reader(path, StoreOptions())
        with closing(connection):
            walk.run(connection, progress)
    except _Broken as broken:
        return VerifyReport(walk.seq, False, broken.seq, broken.reason, walk.hash)
    except (apsw.Error, StoreDamaged) as error:
        reason = str(as_store_error(error) or error)
        return VerifyReport(walk.seq, False, walk.seq + 1, reason, walk.hash)
    signed_rows = max((one.seq for one in checkpoints), default=0) if key else None
    return VerifyReport(walk.seq, True, None, "", walk.hash, signed_rows)


class _Walk:
    """A pass over the chain; `seq` and `hash` are those of the last sound row."""

    def __init__(self, checkpoints: list[Checkpoint], key: bytes) -> None:
        self.seq = 0
        self.hash = b""
        self._key = key
        self._checkpoints = checkpoints
        self._noted: dict[int, set[str]] = {}
        for checkpoint in checkpoints:
            self._noted.setdefault(checkpoint.seq, set()).add(checkpoint.hash)

    def run(self, connection: apsw.Connection, progress: Progress | None) -> None:
        installation = _installation(connection)
        self.hash = genesis(installation)
        if self._key:
            self._check_signatures(installation)
        total = 0
        for page, total in _pages(connection):
            for values in page:
                self._check(values)
            if progress is not None:
                progress(self.seq, total)
        noted = max(self._noted, default=0)
        if noted > self.seq:
            raise _Broken(self.seq + 1, f"rows up to {noted} were recorded, the last are missing")
        if self._key:
            self._check_gaps(total)

    def _check_signatures(self, installation: str) -> None:
        for one in self._checkpoints:
            if one.installation != installation or not is_signed(one, self._key):
                reason = "the checkpoint of row {} is not signed with this installation's key"
                raise _Broken(one.seq, reason.format(one.seq))

    def _check_gaps(self, end: int) -> None:
        """Heads that vouched for rows in between must not be gone; `end`: rows at the start."""
        for before, after in pairwise([0, *sorted(self._noted), end]):
            if after - before > ROWS_APART_MAX:
                reason = f"no checkpoint between rows {before} and {after}: some were taken away"
                raise _Broken(before + 1, reason)

    def _check(self, values: tuple[Any, ...]) -> None:
        *fields, stored = values
        seq, expected = cast("int", fields[0]), self.seq + 1
        if seq > expected:
            raise _Broken(expected, f"row {expected} is missing")
        if seq < expected:
            raise _Broken(seq, f"row {seq} was inserted before the first")
        try:
            digest = seal(self.hash, cast("Any", tuple(fields)))
        except _NOT_A_ROW as error:
            raise _Broken(seq, f"row {seq} is unreadable: `{error}`") from error
        if digest != stored:
            raise _Broken(seq, f"row {seq} was changed, inserted or moved: its hash differs")
        if self._noted.get(seq, {digest.hex()}) != {digest.hex()}:
            raise _Broken(seq, f"row {seq} differs from its checkpoint: the chain was rewritten")
        self.seq, self.hash = seq, digest


def _installation(connection: apsw.Connection) -> str:
    found = connection.execute(QUERIES["installation"]).fetchone()
    if found is None or not isinstance(found[0], str):
        raise _Broken(1, "the installation's id is missing: the chain has no beginning")
    return found[0]


def _pages(connection: apsw.Connection) -> Iterator[tuple[list[tuple[Any, ...]], int]]:
    last = connection.execute(QUERIES["head"]).fetchone()
    total, seq = cast("int", last[0]) if last else 0, _BEFORE_ALL
    while page := cast("list[tuple[Any, ...]]", connection.execute(_PAGE, (seq,)).fetchall()):
        yield page, total
        seq = cast("int", page[-1][0])
