"""The chain's head, written down now and then outside the database, and signed."""

import hashlib
import hmac
import os
from pathlib import Path

import msgspec

from sekisho.durable import write_atomic

FILE_NAME = "checkpoints.jsonl"
ROWS_BETWEEN = 1000
US_BETWEEN = 60_000_000  # or a minute, whichever comes first
ROWS_APART_MAX = 10_000
"""Rows between two signed heads at most: a batch and a backup in between are far fewer."""


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """The chain's head at a moment: row `seq` had this hash. Without a key it is not signed."""

    seq: int
    hash: str
    at_us: int
    installation: str
    signature: str = ""


def signature_of(checkpoint: Checkpoint, key: bytes) -> str:
    """What only somebody with the key can write under a head: HMAC-SHA256 over all of it."""
    unsigned = msgspec.structs.replace(checkpoint, signature="")
    return hmac.new(key, msgspec.json.encode(unsigned), hashlib.sha256).hexdigest()


def is_signed(checkpoint: Checkpoint, key: bytes) -> bool:
    """Whether the head was signed with the key; takes the same time for every wrong signature."""
    return hmac.compare_digest(checkpoint.signature, signature_of(checkpoint, key))


class Checkpoints:
    """Appends heads to `checkpoints.jsonl` beside the ledger.

    The file shows that rows at the end are gone, or that the whole chain was computed anew. Signed,
    it holds against somebody who can change both files but has not the key; rows at the very end
    can still be cut off together with their heads, unless the heads are copied to another place.
    It is never ahead of the database.
    """

    def __init__(self, path: Path, installation: str, key: bytes = b"") -> None:
        self._path = path
        self._installation = installation
        self._key = key
        self._seq = 0
        self._at_us = 0

    def note(self, seq: int, digest: bytes, at_us: int) -> None:
        """Write the head down if enough rows or time went by since the last one."""
        if seq - self._seq >= ROWS_BETWEEN or at_us - self._at_us >= US_BETWEEN:
            self.write(seq, digest, at_us)

    def write(self, seq: int, digest: bytes, at_us: int) -> None:
        """Write the head down now, on disk; on a full disk the next batch tries again."""
        if seq == self._seq:
            return
        head = Checkpoint(seq, digest.hex(), at_us, self._installation)
        try:
            with self._path.open("ab") as file:
                file.write(_line(head, self._key))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return
        self._seq, self._at_us = seq, at_us


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """All heads written down; a line torn by a crash is passed over."""
    if not path.exists():
        return []
    found: list[Checkpoint] = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(msgspec.json.decode(line, type=Checkpoint))
        except msgspec.DecodeError:
            continue
    return found


def sign_checkpoints(database: Path, key: bytes) -> None:
    """Sign the heads that an installation wrote before it had a key."""
    path = database.with_name(FILE_NAME)
    heads = read_checkpoints(path)
    if heads:
        write_atomic(path, (_line(head, key) for head in heads))


def _line(head: Checkpoint, key: bytes) -> bytes:
    if key:
        head = msgspec.structs.replace(head, signature=signature_of(head, key))
    return msgspec.json.encode(head) + b"\n"
