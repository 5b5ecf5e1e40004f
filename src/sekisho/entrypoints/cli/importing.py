"""`sekisho import`: history from files into a data directory."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import polars as pl
import typer
from rich.markup import escape

from sekisho.entrypoints.cli.console import ERR, OUT, emit_json, fail, progress, table
from sekisho.entrypoints.foundation import history_of
from sekisho.entrypoints.imports import (
    STORED_CURRENCIES,
    ImportRecord,
    import_into,
    tried,
)
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.settings import Settings, read_settings
from sekisho.events import MapError, ReceiveContext, default_catalogue
from sekisho.history import (
    Archive,
    HistoryDamaged,
    ImportSettings,
    Shape,
    SourceFile,
    Understood,
    UnreadableFile,
    given_shape,
    proposed_map,
    read_blocks,
    shape_of,
    source_files,
    understand,
    unmapped,
)
from sekisho.history.importing import FOREVER_US
from sekisho.kit.clock import to_us

Files = Annotated[
    list[Path], typer.Argument(help="CSV, Parquet or JSON lines; several at once", metavar="FILES")
]
Maps = Annotated[
    list[Path] | None,
    typer.Option(
        "--map",
        help="how columns become event fields (TOML): one for all files, or one for each in order;"
        " default: NAME.map.toml beside a file, or its kind is known by its columns",
    ),
]


def import_command(
    files: Files,
    maps: Maps = None,
    data: Annotated[Path | None, typer.Option(help="data directory; default: sekisho-data")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="leave out what happened after this time (ISO 8601)")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show how columns are understood; write nothing")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="exact JSON for scripts")] = False,
) -> None:
    """Bring history: files become events that counters, backtests and outcomes know.

    Each event counts once, however often its file is imported. An interrupted import goes on where
    it was when it is run again. The data directory must not be in use.
    """
    settings = read_settings(data=data)
    until = _moment(as_of) if as_of else FOREVER_US
    try:
        if dry_run:
            _try(settings, files, maps or [], until, as_json=as_json)
            return
        sources = list(source_files(files, _shapes(files, maps or [])))
        _import(settings, sources, until, as_json=as_json)
    except (MapError, UnreadableFile, HistoryDamaged) as error:
        fail(str(error))


def _import(settings: Settings, sources: list[SourceFile], until: int, *, as_json: bool) -> None:
    start = time.perf_counter()
    with _bar("importing") as told:
        record, before, rejects = import_into(settings, sources, until, told)
    seconds = time.perf_counter() - start
    if not record.tally.rejected:
        rejects.unlink(missing_ok=True)
    if not before:
        _warm(settings)
    result = _told(record, rejects) | {
        "already": before,
        "seconds": round(seconds, 3),
        "rows_per_s": round(record.tally.read / seconds),
    }
    if as_json:
        emit_json(result)
    else:
        _show(result)


def _warm(settings: Settings) -> None:
    """Count what was imported, and keep the counters, so that the server starts warm."""
    from sekisho.entrypoints.wiring import open_node  # noqa: PLC0415 — brings the web framework along

    with ERR.status("warming the counters"):
        open_node(settings).close()


def _told(record: ImportRecord, rejects: Path) -> dict[str, Any]:
    tally = record.tally
    return {
        "batch": record.batch,
        "files": [msgspec.to_builtins(one) for one in record.files],
        "rows": tally.read,
        "imported": tally.imported,
        "labels": tally.labels,
        "rejected": tally.rejected,
        "duplicates": tally.duplicates,
        "left_out": tally.left_out,
        "rejects": str(rejects) if tally.rejected else None,
        "segments": [msgspec.to_builtins(one) for one in record.segments],
    }


def _show(result: dict[str, Any]) -> None:
    if result["already"]:
        OUT.print(f"[green]already imported[/] as {result['batch']}: nothing was added\n")
    shown = table("", "rows")
    for name in ("rows", "imported", "labels", "rejected", "duplicates", "left_out"):
        shown.add_row(name.replace("_", " ").replace("rows", "read"), f"{result[name]:,}")
    OUT.print(shown)
    if not result["already"]:
        OUT.print(f"{result['batch']}: {result['rows_per_s']:,} rows/s; the counters are warm")
    if result["rejects"]:
        OUT.print(f"what was rejected, and why: {escape(result['rejects'])}")


# ── trying ────────────────────────────────────────────────────────────────────────────────────


def _try(
    settings: Settings, files: list[Path], maps: list[Path], until: int, *, as_json: bool
) -> None:
    """Show what an import would do."""
    columns = {str(path): _understood(path, shape) for path, shape in _found(files, maps)}
    unknown = [path for path, shape in _found(files, maps) if shape is None]
    result: dict[str, Any] = {
        "dry_run": True,
        "files": [
            {
                "name": path.name,
                "shape": shape.name if shape else None,
                "columns": msgspec.to_builtins(columns[str(path)]),
            }
            for path, shape in _found(files, maps)
        ],
    }
    if not unknown:
        sources = list(source_files(files, _shapes(files, maps)))
        context = ReceiveContext(default_catalogue(), rates_of(settings), STORED_CURRENCIES)
        wanted = ImportSettings(sources, context, until)
        with _bar("trying") as told:
            tally, problems = tried(wanted, Archive(history_of(settings.data)), told)
        result |= msgspec.to_builtins(tally) | {"rows": tally.read, "problems": problems}
    if as_json:
        emit_json(result)
    else:
        _show_try(result, columns)
    if unknown:
        raise unmapped(unknown[0], [one.column for one in columns[str(unknown[0])]])


def _show_try(result: dict[str, Any], columns: dict[str, list[Understood]]) -> None:
    for file, understood in zip(result["files"], columns.values(), strict=True):
        kind = file["shape"] or "[red]not known[/]"
        OUT.print(f"[bold]{escape(file['name'])}[/]: {kind}")
        shown = table("column", "field", "type", "missing", "samples")
        for column in shown.columns[1:]:
            column.justify = "left"
        for one in understood:
            field = one.field or ("unused" + (f", for `{one.guess}`?" if one.guess else ""))
            cells = (one.column, field, one.type, f"{one.missing:.0%}", "  ".join(one.samples))
            shown.add_row(*map(escape, cells))
        OUT.print(shown)
        if not file["shape"]:
            OUT.print("a map to start from:\n")
            OUT.print(proposed_map(understood) + "\n", markup=False)
    if "problems" not in result:
        return
    for one in result["problems"]:
        place = f" {one['place']}" if one["place"] else ""
        line = f"{one['file']} row {one['row']}{place}: {one['message']} ({one['code']})"
        OUT.print(line, markup=False)
    OUT.print(
        f"{result['rows']:,} rows: {result['imported']:,} would be imported with"
        f" {result['labels']:,} labels, {result['rejected']:,} rejected,"
        f" {result['duplicates']:,} are duplicates, {result['left_out']:,} left out;"
        " nothing was written"
    )


# ── files and maps ────────────────────────────────────────────────────────────────────────────


def _found(files: list[Path], maps: list[Path]) -> list[tuple[Path, Shape | None]]:
    """Each file with how it is understood, None for those that nothing explains."""
    if len(maps) not in {0, 1, len(files)}:
        fail(
            f"{len(files)} files and {len(maps)} maps",
            "give --map once for all files, or once for each in their order",
        )
    if maps:
        given = [given_shape(one) for one in maps]
        return list(zip(files, given if len(given) > 1 else given * len(files), strict=True))
    return [(path, shape_of(path, _first_frame(path).columns)) for path in files]


def _shapes(files: list[Path], maps: list[Path]) -> Callable[[Path], Shape]:
    found = dict(_found(files, maps))

    def shape(path: Path) -> Shape:
        known = found[path]
        if known is None:
            raise unmapped(path, _first_frame(path).columns)
        return known

    return shape


def _understood(path: Path, shape: Shape | None) -> list[Understood]:
    return understand(_first_frame(path), shape.map if shape else None)


def _first_frame(path: Path) -> pl.DataFrame:
    """Some rows, to be shown and to tell the columns; the file's own error when there are none."""
    first = next(read_blocks(path), None)
    if first is None:
        fail(f"{path} has no rows")
    return first.frame


@contextmanager
def _bar(what: str) -> Generator[Callable[[int], None]]:
    """A progress bar that also tells rows a second."""
    start = time.perf_counter()
    with progress() as bar:
        task = bar.add_task(what, total=None)

        def told(done: int) -> None:
            rate = done / max(time.perf_counter() - start, 1e-9)
            bar.update(task, completed=done, description=f"{what} {rate:,.0f} rows/s")

        yield told


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"`{text}` is not a time", "write it as 2026-11-25T00:00:00Z")
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
