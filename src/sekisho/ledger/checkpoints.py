"""The chain's head, written down now and then outside the database."""

from pathlib import Path

import msgspec

FILE_NAME = "checkpoints.jsonl"
ROWS_BETWEEN = 1000
US_BETWEEN = 60_000_000  # or a minute, whichever comes first


class Checkpoint(msgspec.Struct, frozen=True):
    """The chain's head at a moment: row `seq` had this hash."""

    seq: int
    hash: str
    at_us: int
    installation: str


class Checkpoints:
    """Appends heads to `checkpoints.jsonl` beside the ledger.

    The file shows that rows at the end are gone, or that the whole chain was computed anew. It is
    not signed: copy it to another place (syslog, a write-once bucket) to hold against somebody
    who can change both files. It is never ahead of the database, and after a power cut it may be
    behind, which costs nothing.
    """

    def __init__(self, path: Path, installation: str) -> None:
        self._path = path
        self._installation = installation
        self._seq = 0
        self._at_us = 0

    def note(self, seq: int, digest: bytes, at_us: int) -> None:
        """Write the head down if enough rows or time went by since the last one."""
        if seq - self._seq >= ROWS_BETWEEN or at_us - self._at_us >= US_BETWEEN:
            self.write(seq, digest, at_us)

    def write(self, seq: int, digest: bytes, at_us: int) -> None:
        """Write the head down now; a full disk loses this one, not the next."""
        if seq == self._seq:
            return
        self._seq, self._at_us = seq, at_us
        line = msgspec.json.encode(Checkpoint(seq, digest.hex(), at_us, self._installation))
        try:
            with self._path.open("ab") as file:
                file.write(line + b"\n")
        except OSError:
            return


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
