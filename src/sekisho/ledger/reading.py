"""Reads the log of a directory at rest: no lock is taken, nothing is written."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import apsw

from sekisho.durable import StoreError, StoreOptions, as_store_error, open_reader
from sekisho.ledger import rows
from sekisho.ledger.entry import Kind, Recorded
from sekisho.ledger.rows import QUERIES


class LogReader:
    """The rows of a log, and the rows about an event among those read so far.

    It answers what a fold asks of a `Ledger`. Only events that an outcome tells about are kept in
    mind, so memory grows with the outcomes, not with the log.

    Raises:
        StoreError: there is no such log, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise StoreError(f"there is no log at {path}: name the data directory with --data")
        self._connection = _open(path)
        try:
            head = rows.head(self._connection)
            found = self._connection.execute(QUERIES["installation"]).fetchone()
            abouts = cast(
                "list[tuple[str]]", self._connection.execute(QUERIES["abouts"]).fetchall()
            )
        except apsw.Error as error:
            raise (as_store_error(error) or StoreError(str(error))) from error
        if found is None:
            raise StoreError(f"{path} is no log of a Sekisho: its installation has no id")
        self.installation = cast("str", found[0])
        self.last_seq = head[0] if head else 0
        self._abouts = frozenset(one for (one,) in abouts)
        self._decided: dict[str, int] = {}
        self._outcomes: dict[str, list[int]] = {}

    @property
    def connection(self) -> apsw.Connection:
        """For reading other tables of the same file."""
        return self._connection

    def read_from(self, seq: int = 1, limit: int | None = None) -> Iterator[Recorded]:
        """Rows from `seq` to the end, in order; each is known to the look-ups once the next is."""
        end = self.last_seq + 1
        stop = end if limit is None else min(end, seq + limit)
        for row in rows.rows_from(self._connection, max(seq, 1), stop):
            yield row
            self._remember(row)

    def again(self, stop: int) -> Iterator[Recorded]:
        """The rows before one once more, for a fold from the beginning."""
        return rows.rows_from(self._connection, 1, stop)

    def controls(self) -> Iterator[Recorded]:
        """Rows that tell what came into force, in order; profiles are apart."""
        return rows.controls(self._connection)

    def profiles(self) -> Iterator[Recorded]:
        """The rows that bring profiles, in order."""
        return rows.profiles(self._connection, 0, self.last_seq)

    def find_event(
        self, event_id: str, kind: Kind = "decision", at_us: int | None = None
    ) -> Recorded | None:
        """The row of a decided event that an outcome tells about, once it has been read."""
        del at_us
        seq = self._decided.get(event_id) if kind == "decision" else None
        return None if seq is None else rows.row(self._connection, seq)

    def outcomes_of(self, event_id: str) -> list[Recorded]:
        """The rows read so far about a decided event, oldest first."""
        places = self._outcomes.get(event_id, ())
        found = [rows.row(self._connection, seq) for seq in places]
        return [one for one in found if one is not None]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _remember(self, row: Recorded) -> None:
        if row.kind == "decision" and row.event_id in self._abouts:
            self._decided[row.event_id] = row.seq
        elif row.kind == "event":
            self._outcomes.setdefault(row.about, []).append(row.seq)


def _open(path: Path) -> apsw.Connection:
    """A reader; of a directory that may not be written, the file as it lies there."""
    try:
        connection = open_reader(path, StoreOptions())
        connection.execute("SELECT 1 FROM sqlite_schema").fetchall()
    except (apsw.Error, StoreError) as error:
        waiting = path.with_name(path.name + "-wal")
        if waiting.exists() and waiting.stat().st_size:
            # What a killed process had committed last is only there, and cannot be read from here.
            message = f"{path} has a write-ahead log that cannot be read: copy both, or allow it"
            raise StoreError(message) from error
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return apsw.Connection(f"file:{path}?immutable=1", flags=flags)
    return connection
