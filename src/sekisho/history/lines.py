"""Delimited text in blocks: every record whole, every broken line with its number and a reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.history.blocks import Block, Broken, UnreadableFile

BLOCK_BYTES: Final = 16 << 20
"""Text read at once; a block takes some ten times that in memory while it is worked on."""
LONGEST_RECORD: Final = 1 << 20
"""A quoted field may hold line breaks; one that never closes is broken, and it alone."""
DELIMITERS: Final = b",;\t|"
BAD_QUOTES: Final = ("bad_quotes", "a quote stands where none can be: double it, or quote it all")
_NEWLINE, _QUOTE = 10, 34
_BOM: Final = b"\xef\xbb\xbf"

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is delimited, and its columns."""

    delimiter: int
    columns: list[str]


def read_dialect(path: Path) -> Dialect:
    """The delimiter and the columns, from the first line.

    Raises:
        UnreadableFile: there is no header.
    """
    with path.open("rb") as file:
        first = file.readline().removeprefix(_BOM).rstrip(b"\r\n")
    try:
        text = first.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: the header is not UTF-8 text: save it as UTF-8") from error
    if not text.strip():
        raise UnreadableFile(f"{path} has no header: the first line must name the columns")
    delimiter = max(DELIMITERS, key=first.count)
    header = _parsed(first + b"\n", Dialect(delimiter, []))
    names = [str(name or "").strip() for name in (header.row(0) if header is not None else ())]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UnreadableFile(f"{path} has two columns `{doubled[0]}`: rename one")
    return Dialect(delimiter, names)


def csv_blocks(path: Path) -> Iterator[Block]:
    """The records of a file, in order; all columns are text."""
    dialect = read_dialect(path)
    with path.open("rb") as file:
        file.readline()
        rest = b""
        while True:
            piece = file.read(BLOCK_BYTES)
            text = rest + piece
            if piece:
                whole = text.rfind(b"\n") + 1
                whole = _before_open_quote(text[:whole])
            else:
                whole = len(text)
                text += b"" if text.endswith(b"\n") else b"\n"
                whole = len(text) if text != b"\n" else 0
            rest = text[whole:]
            if whole:
                yield _block(text[:whole], dialect)
            if not piece:
                return


def _before_open_quote(text: bytes) -> int:
    """Where to cut a block so that no quoted field is cut, unless it is too long to be one."""
    if text.count(b'"') % 2 == 0:
        return len(text)
    last = text.rfind(b'"')
    cut = text.rfind(b"\n", 0, last) + 1
    return cut if cut and len(text) - cut < LONGEST_RECORD else len(text)


def _block(text: bytes, dialect: Dialect) -> Block:
    codes = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(codes == _NEWLINE) + 1
    starts = np.concatenate(([0], ends[:-1]))
    quotes = np.flatnonzero(codes == _QUOTE)
    commas = np.flatnonzero(codes == dialect.delimiter)
    if len(quotes):
        starts, ends, commas = _outside_quotes(text, starts, ends, quotes, commas, dialect)
    content = _not_blank(codes, starts, ends)
    starts, ends = starts[content], ends[content]
    fields = np.searchsorted(commas, ends) - np.searchsorted(commas, starts) + 1
    good = fields == len(dialect.columns)
    bad = {int(at): _wrong_number(int(fields[at]), dialect) for at in np.flatnonzero(~good)}
    if not _is_utf8(text):
        bad |= _not_utf8(text, starts, ends, good)
    return _made(text, starts, ends, bad, dialect)


def _outside_quotes(
    text: bytes, starts: Places, ends: Places, quotes: Places, commas: Places, dialect: Dialect
) -> tuple[Places, Places, Places]:
    """Records instead of lines, and only the delimiters outside quotes.

    A line with an odd number of quotes opens a field that goes on behind it, if the lines up to the
    next such line make one record of the right length; otherwise it is broken by itself.
    """
    first = np.searchsorted(quotes, starts)
    odd = np.flatnonzero((np.searchsorted(quotes, ends) - first) % 2)
    keep = np.ones(len(starts), np.bool_)
    ends = ends.copy()
    at = 0
    while at + 1 < len(odd):
        line, until = int(odd[at]), int(odd[at + 1])
        record = text[starts[line] : ends[until]]
        if _opens(text[starts[line] : ends[line]], dialect) and _is_record(record, dialect):
            keep[line + 1 : until + 1] = False
            ends[line] = ends[until]
            at += 2
        else:
            at += 1
    starts, ends = starts[keep], ends[keep]
    mine = np.searchsorted(starts, commas, side="right") - 1
    before = np.searchsorted(quotes, commas) - np.searchsorted(quotes, starts)[mine]
    return starts, ends, commas[before % 2 == 0]


def _opens(line: bytes, dialect: Dialect) -> bool:
    """Whether the last quote of a line begins a field."""
    last = line.rfind(b'"')
    return last == 0 or line[last - 1] == dialect.delimiter


def _is_record(record: bytes, dialect: Dialect) -> bool:
    """Whether lines together make one record, delimiters inside quotes left out."""
    outside = record.split(b'"')[::2]
    fields = sum(part.count(dialect.delimiter) for part in outside) + 1
    return len(record) < LONGEST_RECORD and fields == len(dialect.columns)


def _not_blank(codes: NDArray[np.uint8], starts: Places, ends: Places) -> NDArray[np.bool_]:
    length = ends - starts
    return (length > 1) & ~((length == 2) & (codes[starts] == 13))  # noqa: PLR2004 — \r\n alone


def _wrong_number(found: int, dialect: Dialect) -> tuple[str, str]:
    return "wrong_field_count", f"{found} fields instead of {len(dialect.columns)}"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(
    text: bytes, starts: Places, ends: Places, good: NDArray[np.bool_]
) -> dict[int, tuple[str, str]]:
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    return {
        at: ("bad_encoding", "not UTF-8 text")
        for at, (start, end) in enumerate(spans)
        if good[at] and not _is_utf8(text[start:end])
    }


def _made(
    text: bytes, starts: Places, ends: Places, bad: dict[int, tuple[str, str]], dialect: Dialect
) -> Block:
    """The block: broken records taken out, the others parsed."""
    numbers = np.setdiff1d(np.arange(len(starts)), np.fromiter(bad, np.int64, len(bad)))
    kept = text
    if bad or len(starts) == 0:
        spans = zip(starts[numbers].tolist(), ends[numbers].tolist(), strict=True)
        kept = b"".join([text[start:end] for start, end in spans])
    frame = _parsed(kept, dialect)
    if frame is None or frame.height != len(numbers):  # quotes where no reader expects them
        spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
        frames, places, wrong = _halved(text, spans, numbers, dialect)
        frame = pl.concat([_no_records(dialect), *frames])
        numbers = np.concatenate([np.zeros(0, np.int64), *places])
        bad |= dict.fromkeys(wrong, BAD_QUOTES)
    broken = [
        Broken(at, *bad[at], text[starts[at] : ends[at]].decode(errors="replace").rstrip("\r\n"))
        for at in sorted(bad)
    ]
    return Block(frame, numbers, broken, len(starts))


def _parsed(text: bytes, dialect: Dialect) -> pl.DataFrame | None:
    """The records as columns of text; None when they cannot be told apart."""
    if not text:
        return _no_records(dialect)
    try:
        return pl.read_csv(
            BytesIO(text),
            has_header=False,
            separator=chr(dialect.delimiter),
            infer_schema=False,
            new_columns=dialect.columns or None,
        )
    except pl.exceptions.PolarsError:
        return None


def _no_records(dialect: Dialect) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(dialect.columns, pl.String))


def _halved(
    text: bytes, spans: list[tuple[int, int]], numbers: Places, dialect: Dialect
) -> tuple[list[pl.DataFrame], list[Places], list[int]]:
    """Records in ever smaller parts, until those that come out wrong are alone; these, last."""
    joined = b"".join([text[slice(*spans[int(at)])] for at in numbers])
    frame = _parsed(joined, dialect)
    if frame is not None and frame.shape == (len(numbers), len(dialect.columns)):
        return [frame], [numbers], []
    if len(numbers) == 1:
        return [], [], numbers.tolist()
    half = len(numbers) // 2
    first = _halved(text, spans, numbers[:half], dialect)
    second = _halved(text, spans, numbers[half:], dialect)
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]
