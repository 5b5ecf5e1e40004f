"""Files of history, whatever their kind, in blocks of bounded memory."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from sekisho.history.blocks import Block, Broken, UnreadableFile
from sekisho.history.lines import BLOCK_BYTES, csv_blocks

BLOCK_ROWS: Final = 1 << 18
"""Rows of a Parquet file read at once."""


def read_blocks(path: Path) -> Iterator[Block]:
    """The rows of a Parquet, CSV or JSON-lines file, in order.

    A file gives the same blocks each time it is read.

    Raises:
        UnreadableFile: it is of no known kind, or damaged.
        OSError: it cannot be opened.
    """
    read = READERS.get(path.suffix.lower())
    if read is None:
        kinds = ", ".join(READERS)
        raise UnreadableFile(f"{path}: not a kind of file that can be read: use {kinds}")
    if not path.exists():
        raise UnreadableFile(f"there is no file {path}")
    try:
        yield from read(path)
    except pl.exceptions.PolarsError as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error


def _parquet_blocks(path: Path) -> Iterator[Block]:
    lazy = pl.scan_parquet(path)
    rows = lazy.select(pl.len()).collect().item()
    for start in range(0, rows, BLOCK_ROWS):
        frame = _flat(lazy.slice(start, BLOCK_ROWS).collect())
        yield Block(frame, np.arange(frame.height), [], frame.height)


def _json_blocks(path: Path) -> Iterator[Block]:
    with path.open("rb") as file:
        while lines := file.readlines(BLOCK_BYTES):
            yield _json_block([line for line in lines if line.strip()])


def _json_block(lines: list[bytes]) -> Block:
    try:
        frame = pl.read_ndjson(BytesIO(b"".join(lines)), infer_schema_length=None)
        if frame.height == len(lines):
            return Block(_flat(frame), np.arange(len(lines)), [], len(lines))
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        pass  # one of the lines is to blame: find out which
    taken: list[dict[str, Any]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    for number, line in enumerate(lines):
        try:
            taken.append(_texts(msgspec.json.decode(line, type=dict[str, Any])))
            numbers.append(number)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raw = line.decode(errors="replace").rstrip("\r\n")
            broken.append(Broken(number, "bad_json", f"not a JSON object: {error}", raw))
    columns = dict.fromkeys((name for row in taken for name in row), pl.String)
    frame = pl.DataFrame(taken, schema=columns)
    return Block(frame, np.array(numbers, np.int64), broken, len(lines))


def _texts(row: dict[str, Any], scope: str = "") -> dict[str, str | None]:
    """Every value as text; objects inside have dotted names."""
    found: dict[str, str | None] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            found |= _texts(value, f"{scope}{name}.")  # pyright: ignore[reportUnknownArgumentType] — of JSON
        elif value is None or isinstance(value, str):
            found[scope + name] = value
        else:
            found[scope + name] = msgspec.json.encode(value).decode()
    return found


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Objects inside rows as columns with dotted names."""
    while True:
        nested = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Struct)]
        if not nested:
            return frame
        for name in nested:
            fields = frame[name].struct.unnest()
            frame = frame.drop(name).hstack(
                fields.rename({field: f"{name}.{field}" for field in fields.columns})
            )


READERS: Final[dict[str, Callable[[Path], Iterator[Block]]]] = {
    ".parquet": _parquet_blocks,
    ".csv": csv_blocks,
    ".tsv": csv_blocks,
    ".jsonl": _json_blocks,
    ".ndjson": _json_blocks,
}
