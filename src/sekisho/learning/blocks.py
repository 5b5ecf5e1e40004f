"""The decided events of a period, block by block, with every attribute that rules read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.events import DECIDED_TYPES
from sekisho.history import decoded
from sekisho.learning.counting import KNOWN_AT, LABEL, computed_counters, stored_values
from sekisho.learning.judging import TAKES
from sekisho.learning.known import columns_for, with_known
from sekisho.learning.money import PREFIX, with_amounts, with_reported
from sekisho.learning.past import Settled
from sekisho.scoring import score_columns

BLOCK_ROWS: Final = 524_288
"""Rows worked on at once: memory is bounded by this, whatever the length of the history."""
SCORES: Final = frozenset({"risk_score", "risk_level"})
FACTS: Final = ("event", "type", "at_us", "decided", "rule", "outcome", LABEL, KNOWN_AT)
"""Columns besides attributes that a backtest needs of an event."""
_TYPES: Final[dict[str, type[pl.DataType]]] = {"at_us": pl.Int64, KNOWN_AT: pl.Int64}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be known of each event.

    Attributes:
        fields: attributes that rules read.
        computed: counters to compute, because history lacks some of their values.
        scored: the score or its level is read, and history lacks some of them.
    """

    fields: frozenset[str]
    computed: tuple[str, ...]
    scored: bool


def wanted_of(settled: Settled, fields: Iterable[str]) -> Wanted:
    """What rules with these fields need; the score brings its own needs where it is not stored."""
    read, past = set(fields), settled.past
    counters = {name for name in read if past.spec(name) is not None}
    stored = stored_values(settled, counters | (read & SCORES))
    scored = not read & SCORES <= stored
    if scored:
        more = past.scorecard.fields - read
        read |= more | SCORES
        new = {name for name in more if past.spec(name) is not None}
        counters, stored = counters | new, stored | stored_values(settled, new)
    return Wanted(frozenset(read), tuple(sorted(counters - stored)), scored)


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of history.

    Attributes:
        frame: `FACTS`, `reported_minor` and a column for each field that history has; fields may
            be narrow, as segments hold them. Fields that were computed are for rows that count.
        counts: the rows that count: decided events of the period, each event once.
    """

    frame: pl.DataFrame
    counts: NDArray[np.bool_]

    def events(self, names: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows that count, as rules read them; of their columns some, if said."""
        return plain(self.frame.select(names or pl.all()).filter(pl.Series(self.counts)))


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame with no narrow column."""
    return frame.with_columns(decoded(frame.schema))


def blocks(settled: Settled, wanted: Wanted) -> Iterator[Block]:
    """Blocks of history in the order of the archive.

    Stored values win; what is not stored is computed: counters from all history before the
    period's end, profiles as of each event, converted amounts, score and level.
    """
    past = settled.past
    specs = [spec for name in wanted.computed if (spec := past.spec(name)) is not None]
    computed = computed_counters(settled, specs) if specs else None
    start_us = settled.from_us if computed is None else 0
    once = _Once(settled, start_us)
    read = _stored(settled, wanted) if computed is None else _beside(settled, wanted, computed)
    for frame in read:
        counts = once.only(frame, _of_period(frame, settled))
        if counts.any():
            yield _completed(Block(frame, counts), settled, wanted)


def _stored(settled: Settled, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Blocks of rows as segments hold them."""
    archive = settled.past.archive
    for segment in archive.within(settled.from_us, settled.to_us):
        lazy = archive.codes(segment)
        lazy = lazy.select(_columns(lazy.collect_schema().names(), settled, wanted))
        yield from lazy.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True)


def _beside(settled: Settled, wanted: Wanted, computed: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Blocks of all rows before the period's end, with computed counters where none are stored."""
    lazy = settled.past.archive.scan(0, settled.to_us)
    lazy = lazy.select(_columns(lazy.collect_schema().names(), settled, wanted))
    at = 0
    for block in lazy.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True):
        yield _with_counters(block, computed.slice(at, block.height))
        at += block.height


def _columns(names: Sequence[str], settled: Settled, wanted: Wanted) -> list[str]:
    keys = columns_for(settled.past.known, wanted.fields)
    needed = {*FACTS, *TAKES, "amount", "currency", *wanted.fields, *keys}
    return [name for name in names if name in needed]


def _of_period(frame: pl.DataFrame, settled: Settled) -> NDArray[np.bool_]:
    """Which rows are decided events of the period."""
    at_us = frame["at_us"].to_numpy()
    types = frame["type"]
    if isinstance(types.dtype, pl.Enum):
        decides = types.dtype.categories.is_in(list(DECIDED_TYPES)).to_numpy()
        decided_rows = decides[types.to_physical().to_numpy()]
    else:
        decided_rows = types.is_in(list(DECIDED_TYPES)).to_numpy()
    return decided_rows & (at_us >= settled.from_us) & (at_us < settled.to_us)


def _with_counters(block: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """A block with computed counters where none are stored."""
    merged = [
        pl.coalesce(pl.col(one.name).cast(pl.Float64), pl.lit(one).cast(pl.Float64)).alias(one.name)
        if one.name in block.columns
        else one
        for one in values.get_columns()
    ]
    return block.with_columns(merged)


def _completed(block: Block, settled: Settled, wanted: Wanted) -> Block:
    past, frame = settled.past, block.frame
    absent = [
        pl.lit(None, _TYPES.get(name, pl.String)).alias(name)
        for name in (*FACTS, "amount", "currency")
        if name not in frame.columns
    ]
    known = with_known(frame.with_columns(absent), past.known, wanted.fields)
    block = Block(known, block.counts)
    for name in sorted(wanted.fields):
        if name.startswith(PREFIX):
            block = _filled(
                block, (name,), partial(with_amounts, rates=past.rates, attributes=(name,))
            )
    block = Block(with_reported(block.frame, past.currency, past.rates), block.counts)
    if not wanted.scored:
        return block
    scores = tuple(sorted(wanted.fields & SCORES))
    return _filled(block, scores, partial(score_columns, scorecard=past.scorecard))


def _filled(
    block: Block, names: Sequence[str], complete: Callable[[pl.DataFrame], pl.DataFrame]
) -> Block:
    """A block with what its rows lack of some columns, computed where any of them is lacking."""
    frame = block.frame
    if any(name not in frame.columns for name in names):
        return Block(complete(plain(frame)), block.counts)
    lacking = pl.Series(block.counts)
    lacking &= frame.select(pl.any_horizontal(pl.col(names).is_null())).to_series()
    if not lacking.any():
        return block
    part, rows = complete(plain(frame.filter(lacking))), lacking.arg_true()
    whole = plain(frame.select(names))
    filled = [whole[name].scatter(rows, part[name]) for name in names]
    return Block(frame.with_columns(filled), block.counts)


class _Once:
    """Lets each id through once; looks for repetitions only where they can be."""

    def __init__(self, settled: Settled, start_us: int) -> None:
        origins = {(one.source, one.batch) for one in settled.past.archive.segments}
        self._repeated: frozenset[str] = frozenset()
        self._seen: set[str] = set()
        if len(origins) > 1:  # within the log, and within one import, ids are unique
            lazy = settled.past.archive.scan(start_us, settled.to_us)
            counted = (
                lazy.filter(
                    pl.col("type").is_in(list(DECIDED_TYPES)), pl.col("at_us") >= settled.from_us
                )
                .group_by("event")
                .len()
                .filter(pl.col("len") > 1)
            )
            self._repeated = frozenset(counted.collect(engine="streaming")["event"].to_list())

    def only(self, frame: pl.DataFrame, counts: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of the rows that count, those whose event no earlier row had."""
        if not self._repeated:
            return counts
        rows = np.flatnonzero(counts)
        for row, event in zip(rows.tolist(), frame["event"].gather(rows).to_list(), strict=True):
            if event in self._repeated:
                counts[row] = event not in self._seen
                self._seen.add(event)
        return counts
