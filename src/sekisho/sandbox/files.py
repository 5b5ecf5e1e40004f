"""A world on disk: one Parquet file a stream, each with the map that other commands read it by."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from sekisho.sandbox.payloads import field_of
from sekisho.sandbox.slices import Slice, Sliced

Progress = Callable[[int, int], None]
"""Told after each step: steps done, steps in all."""

ROWS_PER_GROUP = 262_144


def write_world(world: Sliced, directory: Path, progress: Progress | None = None) -> list[Path]:
    """Write streams, outcomes, truth and campaigns; says which files were made, sorted.

    Memory stays at one shard: shards are written as parts and joined by streaming. The same world
    gives the same bytes.

    Raises:
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    parts = directory / ".parts"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    steps = len(world.shards())
    names: list[str] = []
    for number, piece in enumerate(world.slices()):
        names = _write_parts(piece, parts, number)
        if progress is not None:
            progress(number + 1, steps + 1)
    made = [_join(parts, name, steps, directory) for name in names]
    shutil.rmtree(parts)
    made.append(_write(world.campaigns(), directory / "campaigns.parquet"))
    made.extend(_write_maps(directory, [name for name in names if name != "truth"]))
    if progress is not None:
        progress(steps + 1, steps + 1)
    return sorted(made)


def _write_parts(piece: Slice, parts: Path, number: int) -> list[str]:
    frames = {**piece.streams, "outcomes": piece.outcomes, "truth": piece.truth}
    for name, frame in frames.items():
        _write(frame, parts / f"{name}-{number:05d}.parquet")
    return list(frames)


def _write(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(
        path, compression="zstd", compression_level=1, row_group_size=ROWS_PER_GROUP
    )
    return path


def _join(parts: Path, name: str, count: int, directory: Path) -> Path:
    path = directory / f"{name}.parquet"
    pieces = [parts / f"{name}-{number:05d}.parquet" for number in range(count)]
    if count == 1:
        return pieces[0].replace(path)
    pl.scan_parquet(pieces).sink_parquet(
        path,
        compression="zstd",
        compression_level=1,
        row_group_size=ROWS_PER_GROUP,
        maintain_order=True,
    )
    return path


def _write_maps(directory: Path, names: Sequence[str]) -> list[Path]:
    made: list[Path] = []
    for name in names:
        schema = pl.read_parquet_schema(directory / f"{name}.parquet")
        path = directory / f"{name}.map.toml"
        path.write_text(map_text(name, list(schema)), encoding="utf-8")
        made.append(path)
    return made


def map_text(name: str, columns: Sequence[str]) -> str:
    """The MAP.toml of a stream or of the outcomes: which column fills which field.

    >>> print(map_text("login", ["type", "id", "occurred_at", "metadata.a b"]))
    # Columns of login.parquet as event fields.
    type = "login"
    id = "id"
    occurred_at = "occurred_at"
    <BLANKLINE>
    [metadata]
    "a b" = "metadata.a b"
    <BLANKLINE>
    """
    lines = [f"# Columns of {name}.parquet as event fields."]
    objects: dict[str, list[str]] = {}
    for column in columns:
        group, field = field_of(column)
        if group:
            objects.setdefault(group, []).append(f"{_key(field)} = {_quoted(column)}")
        elif column != "label_known_at":
            lines.append(_top_level(name, column))
    for group, entries in objects.items():
        lines += ["", f"[{group}]", *entries]
    return "\n".join([*lines, ""])


def _top_level(name: str, column: str) -> str:
    if column == "type":
        return 'type = { column = "type" }' if name == "outcomes" else f"type = {_quoted(name)}"
    if column == "label" and name != "outcomes":
        return 'label = { column = "label", known_at = "label_known_at" }'
    return f"{_key(column)} = {_quoted(column)}"


def _key(field: str) -> str:
    plain = field.replace("_", "").replace("-", "")
    return field if plain.isascii() and plain.isalnum() else _quoted(field)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
