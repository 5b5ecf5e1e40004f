"""Imports into a data directory: each is recorded in the log, which vouches for its segments."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from sekisho.durable import StoreOptions, open_reader
from sekisho.entrypoints.foundation import IMPORTED, Foundation, database_of, history_of, lay
from sekisho.entrypoints.settings import Settings
from sekisho.events import ReceiveContext, default_catalogue
from sekisho.history import (
    Archive,
    HistoryDamaged,
    Import,
    ImportSettings,
    Segment,
    SourceFile,
    Tally,
    known_ids,
)
from sekisho.ledger import Entry
from sekisho.ledger.rows import controls

"""The control entry of the log that records an import."""
STORED_CURRENCIES: Final = ("usd",)
"""Amounts are stored in their own currency and this one; counters work out others themselves."""


class ImportedFile(msgspec.Struct):
    """A file that was imported."""

    name: str
    digest: str
    shape: str


class ImportedSegment(msgspec.Struct):
    """A segment that an import made."""

    name: str
    digest: str
    rows: int


class ImportRecord(msgspec.Struct):
    """What the log tells of an import."""

    batch: str
    files: list[ImportedFile]
    segments: list[ImportedSegment]
    tally: Tally


def import_into(
    settings: Settings,
    files: Sequence[SourceFile],
    as_of_us: int,
    progress: Callable[[int], None],
) -> tuple[ImportRecord, bool, Path]:
    """Import files into a data directory that nobody has open.

    Returns:
        What was recorded, whether it had been before, and where the rejects are.

    Raises:
        StoreError: the directory is in use, damaged, or cannot be written.
        UnreadableFile: a file cannot be read.
        MapError: a map does not fit.
    """
    base = lay(settings, lambda _entries, _error: None, lambda run: run())
    try:
        wanted = ImportSettings(files, import_context(base), as_of_us)
        rejects = base.archive.directory / f"{wanted.batch}.rejects.jsonl"
        before = base.ledger.find_event(wanted.batch, "control")
        if before is not None:
            return msgspec.json.decode(before.body, type=ImportRecord), True, rejects
        known = known_ids(base.archive, base.ledger.event_ids())
        running = Import(wanted, base.archive, known, rejects)
        tally = running.run(progress)
        record = ImportRecord(
            wanted.batch,
            [ImportedFile(one.path.name, one.digest, one.shape.name) for one in files],
            [ImportedSegment(one.name, one.digest, one.rows) for one in running.segments()],
            tally,
        )
        now_us = base.clock.now_us()
        base.ledger.append_wait(
            Entry("control", wanted.batch, IMPORTED, now_us, now_us, msgspec.json.encode(record))
        )
        running.forget_progress()
        return record, False, rejects
    finally:
        base.ledger.close()
        base.store.close()


def import_context(base: Foundation) -> ReceiveContext:
    """What imported rows are read with."""
    return ReceiveContext(default_catalogue(), base.rates, STORED_CURRENCIES)


def check_imports(data: Path) -> str:
    """What is wrong with imported history, by the records of the log; empty when nothing is.

    Raises:
        StoreError: the log cannot be read.
    """
    with closing(open_reader(database_of(data), StoreOptions())) as connection:
        found = [one.body for one in controls(connection) if one.event_type == IMPORTED]
    vouched = {
        segment.name: segment.digest
        for body in found
        for segment in msgspec.json.decode(body, type=ImportRecord).segments
    }
    try:
        archive = Archive(history_of(data))
        archive.check()
    except HistoryDamaged as damaged:
        return str(damaged)
    return _difference(vouched, {one.name: one for one in archive.imported})


def _difference(vouched: dict[str, str], listed: dict[str, Segment]) -> str:
    for name, digest in vouched.items():
        if name not in listed:
            return f"the segment {name} of an import is gone: restore the history folder"
        if listed[name].digest != digest:
            return (
                f"the segment {name} is not the one that was imported: restore the history folder"
            )
    for name, segment in listed.items():
        if name not in vouched:
            return (
                f"the segment {name} of {segment.batch} is not recorded in the log:"
                " if an import was interrupted, run it again to its end"
            )
    return ""


def tried(
    settings: ImportSettings, archive: Archive, progress: Callable[[int], None]
) -> tuple[Tally, list[dict[str, Any]]]:
    """What an import would do, with the first problems; nothing is written."""
    running = Import(settings, None, known_ids(archive, ()), None)
    return running.run(progress), running.first_problems
