"""Bring your history: files become segments of the archive, each event once, and nothing is lost.

An import has a name that follows from its files and maps. Killed at any moment, it goes on where
the last listed segment ends; run again after it has ended, it adds nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
from xxhash import xxh3_128

from sekisho.durable import write_atomic
from sekisho.events import (
    DECIDED_TYPES,
    History,
    ReceiveContext,
    history_from_frame,
    parse_map,
)
from sekisho.history.archive import Archive, Segment, file_digest
from sekisho.history.blocks import Block
from sekisho.history.known_ids import KnownIds
from sekisho.history.reading import read_blocks
from sekisho.history.rejects import Rejects
from sekisho.history.shapes import Shape

IMPORT_SEGMENT_ROWS: Final = 500_000
"""Rows of a segment, sorted by time within it: a few hundred megabytes while it is made."""
LABEL: Final = "label"
KNOWN_AT: Final = "label_known_at_us"
FOREVER_US: Final = 2**62
_LABELS: Final = parse_map(
    {"type": "label", "id": "id", "about": "about", "occurred_at": "at", "label": "label"}
)
Progress = Callable[[int], None]
"""Told how many rows of the files are done with."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to import, and how it is understood."""

    path: Path
    shape: Shape
    digest: str


class Tally(msgspec.Struct):
    """What became of the rows of an import.

    Attributes:
        read: rows of the files, broken ones too.
        imported: events and outcomes taken.
        labels: labels that came with events, taken as outcomes of their own.
        rejected: rows with a problem.
        duplicates: rows whose id was known already.
        left_out: rows that are no events, or happened after the moment asked for.
        rejects_bytes: length of the file of rejects.
    """

    read: int = 0
    imported: int = 0
    labels: int = 0
    rejected: int = 0
    duplicates: int = 0
    left_out: int = 0
    rejects_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What an import goes by.

    Attributes:
        files: what to import, in this order.
        context: catalogue and rates.
        as_of_us: what happened later is left out.
    """

    files: Sequence[SourceFile]
    context: ReceiveContext
    as_of_us: int = FOREVER_US

    @property
    def batch(self) -> str:
        """The name of the import: the same files understood the same way have the same one."""
        told = xxh3_128(str(self.as_of_us).encode())
        for one in self.files:
            told.update(f"\n{one.digest} {one.shape.text}".encode())
        return f"imp_{told.hexdigest()[:16]}"


class Import:
    """One import into an archive.

    Args:
        settings: the files.
        archive: where to; None only tries, and writes nothing.
        known: ids that count as duplicates: those of the archive and of the log.
        rejects: where rejected rows go.
    """

    def __init__(
        self,
        settings: ImportSettings,
        archive: Archive | None,
        known: KnownIds,
        rejects: Path | None,
    ) -> None:
        self._settings = settings
        self._archive = archive
        self._known = known
        self._waiting: list[pl.DataFrame] = []
        self._progress_file = (
            archive.directory / f"{settings.batch}.progress.json" if archive else None
        )
        self._resumed = self._where_it_was()
        self.tally = msgspec.structs.replace(self._resumed)
        self._rejects = Rejects(rejects, self.tally.rejects_bytes) if rejects else None
        self.first_problems: list[dict[str, Any]] = []

    def run(self, progress: Progress = lambda _: None) -> Tally:
        """Import all that has not been.

        Raises:
            UnreadableFile: a file cannot be read as a whole.
            MapError: a map does not fit its file.
            OSError: the disk is full; run it again when there is room.
        """
        try:
            self._read_all(progress)
            self._write()
        finally:
            if self._rejects is not None:
                self.tally.rejects_bytes = self._rejects.sync()
                self._rejects.close()
        return self.tally

    def segments(self) -> Sequence[Segment]:
        """What this import has added."""
        return self._archive.of_batch(self._settings.batch) if self._archive else ()

    def forget_progress(self) -> None:
        """The import has ended and is recorded elsewhere."""
        if self._progress_file is not None:
            self._progress_file.unlink(missing_ok=True)

    def _read_all(self, progress: Progress) -> None:
        done = 0
        for source in self._settings.files:
            before = 0
            for block in read_blocks(source.path):
                if done >= self._resumed.read:
                    self._take(source, block, before)
                before += block.rows
                done += block.rows
                progress(done)

    def _take(self, source: SourceFile, block: Block, before: int) -> None:
        """Import a block: its rows become records, problems, duplicates or are left out."""
        settings, tally = self._settings, self.tally
        tally.read += block.rows
        for one in block.broken:
            problem = {"place": "", "code": one.code, "message": one.message}
            self._reject(source, before + one.number, problem, one.raw)
        tally.rejected += len(block.broken)
        kept = _kept(block.frame, source.shape)
        tally.left_out += int((~kept).sum())
        frame, numbers = block.frame.filter(kept), block.numbers[kept.to_numpy()]
        if frame.height:
            history = history_from_frame(frame, source.shape.map, settings.context, strict=True)
            for problem in history.rejected.iter_rows(named=True):
                row = problem.pop("row")
                raw = frame.row(row, named=True)
                self._reject(source, before + int(numbers[row]), problem, raw)
            tally.rejected += history.rejected["row"].n_unique()
            self._keep(history)
        if sum(part.height for part in self._waiting) >= IMPORT_SEGMENT_ROWS:
            self._write()

    def _keep(self, history: History) -> None:
        """Keep the events that are new, and the labels that are, as outcomes of their own."""
        tally, until = self.tally, self._settings.as_of_us
        labels = _labels(history.records, self._settings.context)
        records = _without_hindsight(history.records)
        in_time = records.filter(pl.col("at_us") <= until)
        fresh = in_time.filter(self._known.add(in_time["event"], in_time["type"]))
        tally.left_out += records.height - in_time.height
        tally.duplicates += in_time.height - fresh.height
        tally.imported += fresh.height
        labels = labels.filter(pl.col("at_us") <= until)
        new_labels = labels.filter(self._known.add(labels["event"], labels["type"]))
        tally.labels += new_labels.height
        if self._archive is not None:
            self._waiting += [part for part in (fresh, new_labels) if part.height]

    def _reject(
        self, source: SourceFile, row: int, problem: dict[str, Any], raw: dict[str, Any] | str
    ) -> None:
        told = {"file": source.path.name, "row": row + 1, **problem}
        if len(self.first_problems) < FIRST_PROBLEMS:
            self.first_problems.append(told)
        if self._rejects is not None:
            self._rejects.write(told, raw)

    def _write(self) -> None:
        """List what is waiting as a segment; from here on an interrupted import goes on behind."""
        if not self._waiting or self._archive is None or self._progress_file is None:
            return
        records = pl.concat(self._waiting, how="diagonal_relaxed")
        self._waiting = []
        if self._rejects is not None:
            self.tally.rejects_bytes = self._rejects.sync()
        self._archive.directory.mkdir(parents=True, exist_ok=True)
        told = {**self._told(), str(self.tally.read): self.tally}
        write_atomic(self._progress_file, [msgspec.json.encode(told)])
        self._archive.add(
            records.sort("at_us", maintain_order=True),
            "import",
            batch=self._settings.batch,
            read_rows=self.tally.read,
        )

    def _told(self) -> dict[str, Tally]:
        """The tally at each segment of this import."""
        if self._progress_file is None or not self._progress_file.exists():
            return {}
        return msgspec.json.decode(self._progress_file.read_bytes(), type=dict[str, Tally])

    def _where_it_was(self) -> Tally:
        """The tally at the last segment that is listed."""
        read = max((one.read_rows for one in self.segments()), default=0)
        return self._told().get(str(read), Tally(read=read)) if read else Tally()


FIRST_PROBLEMS: Final = 10
"""Problems kept at hand, to be shown."""


def known_ids(archive: Archive, logged: Iterable[tuple[Sequence[str], Sequence[str]]]) -> KnownIds:
    """The ids of everything imported and, in parts of ids and kinds, of everything in the log."""
    known = KnownIds()
    for segment in archive.imported:
        frame = archive.read(segment, ("event", "type"))
        known.add(frame["event"], frame["type"])
    for ids, kinds in logged:
        known.add(pl.Series(ids, dtype=pl.String), pl.Series(kinds, dtype=pl.String))
    return known


def source_files(paths: Sequence[Path], shapes: Callable[[Path], Shape]) -> Iterator[SourceFile]:
    """Files with how they are understood and their digests.

    Raises:
        MapError: nothing says how one is to be understood.
    """
    for path in paths:
        yield SourceFile(path, shapes(path), file_digest(path))


def _kept(frame: pl.DataFrame, shape: Shape) -> pl.Series:
    """Which rows are events."""
    kept = pl.Series([True], dtype=pl.Boolean).new_from_index(0, frame.height)
    for column, texts in shape.leave_out.items():
        kept &= ~frame[column].cast(pl.String).is_in(list(texts)).fill_null(value=False)
    return kept


def _labels(records: pl.DataFrame, context: ReceiveContext) -> pl.DataFrame:
    """Labels of hindsight as outcomes, at the time at which they were known."""
    if KNOWN_AT not in records.columns:
        records = records.clear().with_columns(
            pl.lit(None, pl.Int64).alias(KNOWN_AT), pl.lit(None, pl.String).alias(LABEL)
        )
    known = records.filter(
        pl.col(KNOWN_AT).is_not_null(), pl.col("type").is_in(list(DECIDED_TYPES))
    )
    frame = known.select(
        id="label_" + pl.col("event"),
        about="event",
        at=pl.col(KNOWN_AT).cast(pl.Datetime("us")),
        label=LABEL,
    )
    return history_from_frame(frame, _LABELS, context).records


def _without_hindsight(records: pl.DataFrame) -> pl.DataFrame:
    """Records as of their own time: labels stay only with rows that state one."""
    if LABEL not in records.columns:
        return records
    stated = pl.when(pl.col("type") == LABEL).then(pl.col(LABEL)).alias(LABEL)
    return records.drop(KNOWN_AT, strict=False).with_columns(stated)
