"""The archive: the history of a data directory as Parquet segments, listed in one manifest."""

import os
import shutil
from collections.abc import Collection, Sequence
from copy import copy
from pathlib import Path
from typing import Final, Literal

import msgspec
import polars as pl
from xxhash import xxh3_128

from sekisho.durable import TEMPORARY, sync_directory, write_atomic
from sekisho.history.coding import coded, decoded

MANIFEST: Final = "segments.json"
REQUIRED: Final = ("event", "type", "at_us", "about")
PLAIN: Final = ("event", "at_us", "about")
"""Columns that segments hold as they are given."""

Source = Literal["log", "import"]
"""Where rows come from: `log` can be folded again at any time, `import` lives here alone."""


class HistoryDamaged(Exception):
    """A segment is missing, or is not the file that was written."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} {why}: restore the history folder from a backup")


class Segment(msgspec.Struct, frozen=True):
    """One file of history, never changed once it is listed.

    Attributes:
        name: the file's name in the archive.
        source: `log` or `import`.
        rows: events in it, outcomes included.
        first_us: the earliest time of an event in it.
        last_us: the latest.
        digest: XXH3-128 of the file, hexadecimal.
        batch: the import it belongs to; empty for the log.
        last_seq: for the log, the row up to which it has folded.
        read_rows: for an import, the rows of its files that were read when it was listed.
    """

    name: str
    source: Source
    rows: int
    first_us: int
    last_us: int
    digest: str
    batch: str = ""
    last_seq: int = 0
    read_rows: int = 0


GROUP_ROWS: Final = 1 << 18
"""Rows of a segment that are compressed together: about what a reader works on at once."""
_PIECE: Final = 1 << 20  # bytes read at once
_DECODER: Final = msgspec.json.Decoder(list[Segment])


class Archive:
    """The segments of a data directory; a segment counts once the manifest lists it.

    A file is written, synced and only then listed, so a crash leaves at most a file that nobody
    lists, which the next `add` of that name replaces. One process writes; any may read.

    >>> import tempfile
    >>> archive = Archive(Path(tempfile.mkdtemp()) / "history")
    >>> row = {"event": ["e1"], "type": ["payment"], "at_us": [5], "about": [None]}
    >>> archive.add(pl.DataFrame(row), "import", batch="imp_1").name
    'import-00001.parquet'
    >>> archive.scan(0, 10).collect()["event"].to_list()
    ['e1']
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._segments = self._load()

    @property
    def segments(self) -> Sequence[Segment]:
        """Every segment listed, in the order of their adding."""
        return self._segments

    @property
    def imported(self) -> Sequence[Segment]:
        """Segments that an operator brought, the earliest events first."""
        mine = [one for one in self._segments if one.source == "import"]
        return sorted(mine, key=lambda one: (one.first_us, one.name))

    @property
    def imports_digest(self) -> bytes:
        """A short name of all that was imported, empty for nothing; every import changes it."""
        if not self.imported:
            return b""
        told = "".join(f"{one.name} {one.digest}\n" for one in self.imported)
        return xxh3_128(told.encode()).digest()

    def of_batch(self, batch: str) -> Sequence[Segment]:
        """The segments of one import, in the order of their adding."""
        return [one for one in self._segments if one.batch == batch]

    def only(self, names: Collection[str]) -> "Archive":
        """A view of some segments, to read from."""
        view = copy(self)
        view._segments = [one for one in self._segments if one.name in names]  # noqa: SLF001 — own class
        return view

    @property
    def folded_seq(self) -> int:
        """The row of the log up to which the archive has it."""
        return max((one.last_seq for one in self._segments), default=0)

    def add(
        self,
        records: pl.DataFrame,
        source: Source,
        *,
        batch: str = "",
        last_seq: int = 0,
        read_rows: int = 0,
        instead_of: Segment | None = None,
    ) -> Segment:
        """Write one segment and list it.

        Args:
            records: one row an event: `event`, `type`, `at_us`, `about` (of an outcome), then
                attributes; of decided events also the columns of `decision_columns`.
            source: where the rows come from.
            batch: the import they belong to.
            last_seq: for the log, the last row in it.
            read_rows: for an import, how many rows of its files are done with.
            instead_of: a segment whose rows these include; it goes in the same step.

        Raises:
            OSError: the disk is full; nothing is listed.
        """
        assert records.height, "a segment holds at least one event"
        missing = [name for name in REQUIRED if name not in records.columns]
        assert not missing, f"records lack {missing}"
        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"{source}-{self._next(source):05}.parquet"
        digest = self._write(records, self.directory / name)
        first_us, last_us = records.select(
            first=pl.col("at_us").min(), last=pl.col("at_us").max()
        ).row(0)
        segment = Segment(
            name, source, records.height, first_us, last_us, digest, batch, last_seq, read_rows
        )
        self._list([*(one for one in self._segments if one != instead_of), segment])
        if instead_of is not None:
            (self.directory / instead_of.name).unlink(missing_ok=True)
        return segment

    def read(self, segment: Segment, columns: Collection[str] | None = None) -> pl.DataFrame:
        """All rows of one segment; of its columns those asked for, where it has them.

        Raises:
            HistoryDamaged: the file is not there.
        """
        frame = self.lazy(segment)
        if columns is not None:
            has = frame.collect_schema().names()
            frame = frame.select([name for name in has if name in columns])
        return frame.collect()

    def lazy(self, segment: Segment) -> pl.LazyFrame:
        """One segment, to be read later.

        Raises:
            HistoryDamaged: the file is not there.
        """
        narrow = self.codes(segment)
        return narrow.with_columns(decoded(narrow.collect_schema()))

    def codes(self, segment: Segment) -> pl.LazyFrame:
        """One segment as it lies in its file, with narrow columns (see `coding`).

        Raises:
            HistoryDamaged: the file is not there.
        """
        path = self.directory / segment.name
        if not path.exists():
            raise HistoryDamaged(path, "is missing")
        return pl.scan_parquet(path)

    def drop(self, batch: str) -> int:
        """Take the segments of an import out again; how many rows that were."""
        gone = [one for one in self._segments if one.batch == batch]
        self._list([one for one in self._segments if one.batch != batch])
        for one in gone:
            (self.directory / one.name).unlink(missing_ok=True)
        return sum(one.rows for one in gone)

    def within(self, from_us: int, to_us: int) -> Sequence[Segment]:
        """Segments that may have events from a moment on and before another."""
        return [one for one in self._segments if one.last_us >= from_us and one.first_us < to_us]

    def scan(self, from_us: int, to_us: int, *, source: Source | None = None) -> pl.LazyFrame:
        """Events from a moment on and before another; columns that a segment lacks are null.

        Raises:
            HistoryDamaged: a listed file is not there.
        """
        within = self.within(from_us, to_us)
        frames = [self.lazy(one) for one in within if source in {None, one.source}]
        if not frames:
            empty = dict.fromkeys(("event", "type", "about"), pl.String)
            return pl.LazyFrame(schema={**empty, "at_us": pl.Int64})
        whole = pl.concat(frames, how="diagonal_relaxed")
        return whole.filter(pl.col("at_us").is_between(from_us, to_us, closed="left"))

    def pin(self, directory: Path) -> "Archive":
        """This archive as it is now, under a directory of its own, whatever is added here later.

        Its files get second names where the file system can do that, and are copied elsewhere.

        Raises:
            HistoryDamaged: a file is missing.
            OSError: the directory is there already, or cannot be written.
        """
        directory.mkdir(parents=True)
        for one in self._segments:
            path = self.directory / one.name
            try:
                os.link(path, directory / one.name)
            except FileNotFoundError as error:
                raise HistoryDamaged(path, "is missing") from error
            except OSError:  # no second names here
                shutil.copyfile(path, directory / one.name)
        pinned = Archive(directory)
        pinned._list(list(self._segments))
        return pinned

    def check(self) -> None:
        """Read every segment and compare it with its digest.

        Raises:
            HistoryDamaged: one is missing or differs.
        """
        for one in self._segments:
            path = self.directory / one.name
            digest = file_digest(path) if path.exists() else ""
            if digest != one.digest:
                raise HistoryDamaged(path, "is not what was written")

    def _write(self, records: pl.DataFrame, path: Path) -> str:
        """Write a file that is wholly there or not at all; its digest."""
        unfinished = path.with_name(path.name + TEMPORARY)
        coded(records, PLAIN).write_parquet(
            unfinished, compression="lz4", statistics=True, row_group_size=GROUP_ROWS
        )
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        digest = file_digest(unfinished)
        unfinished.replace(path)
        sync_directory(self.directory)
        return digest

    def _next(self, source: Source) -> int:
        numbers = [
            int(one.name.removesuffix(".parquet").rpartition("-")[2])
            for one in self._segments
            if one.source == source
        ]
        return max(numbers, default=0) + 1

    def _load(self) -> list[Segment]:
        path = self.directory / MANIFEST
        try:
            return _DECODER.decode(path.read_bytes())
        except FileNotFoundError:
            return []
        except msgspec.MsgspecError as error:
            raise HistoryDamaged(path, f"cannot be read ({error})") from error

    def _list(self, segments: list[Segment]) -> None:
        write_atomic(self.directory / MANIFEST, [msgspec.json.encode(segments)])
        self._segments = segments


def file_digest(path: Path) -> str:
    """XXH3-128 of a file, hexadecimal."""
    whole = xxh3_128()
    with path.open("rb") as file:
        while part := file.read(_PIECE):
            whole.update(part)
    return whole.hexdigest()
