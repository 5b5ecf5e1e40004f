"""The decided events of a period, block by block, with every attribute that rules read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from sekisho.events import DECIDED_TYPES
from sekisho.learning.counting import KNOWN_AT, LABEL, computed_counters, stored_values
from sekisho.learning.known import columns_for, with_known
from sekisho.learning.money import PREFIX, reported, with_amounts
from sekisho.learning.past import Settled
from sekisho.scoring import score_columns

BLOCK_ROWS: Final = 524_288
"""Rows worked on at once: memory is bounded by this, whatever the length of the history."""
SCORES: Final = frozenset({"risk_score", "risk_level"})
FACTS: Final = ("event", "type", "at_us", "decided", "rule", "outcome", LABEL, KNOWN_AT)
"""Columns besides attributes that a backtest needs of an event."""
TAKES: Final = ("event_type", "transaction_type", "payment_method_type")
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


def blocks(settled: Settled, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Blocks of decided events in the order of the archive, each event once.

    Stored values win; what is not stored is computed: counters from all history before the
    period's end, profiles as of each event, converted amounts, score and level.

    Yields:
        frames with `FACTS`, `reported_minor` and a column for each field that history has.
    """
    past = settled.past
    specs = [spec for name in wanted.computed if (spec := past.spec(name)) is not None]
    computed = computed_counters(settled, specs) if specs else None
    start_us = settled.from_us if computed is None else 0
    lazy = past.archive.scan(start_us, settled.to_us)
    schema = lazy.collect_schema().names()
    fixed = (*FACTS, *TAKES, "amount", "currency")
    keys = columns_for(past.known, wanted.fields)
    needed = dict.fromkeys([*fixed, *sorted(wanted.fields | keys)])
    columns = [name for name in needed if name in schema]
    once = _Once(settled, start_us)
    at = 0
    decided = pl.col("type").is_in(list(DECIDED_TYPES)), pl.col("at_us") >= settled.from_us
    chosen = lazy.select(columns) if computed is not None else lazy.filter(*decided).select(columns)
    for block in chosen.collect_batches(chunk_size=BLOCK_ROWS, maintain_order=True):
        frame = block
        if computed is not None:
            frame = _with_counters(block, computed.slice(at, block.height)).filter(*decided)
            at += block.height
        frame = once.only(frame)
        if frame.height:
            yield _completed(with_known(frame, past.known, wanted.fields), settled, wanted)


def _with_counters(block: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """A block with computed counters where none are stored."""
    merged = [
        pl.coalesce(pl.col(one.name).cast(pl.Float64), pl.lit(one).cast(pl.Float64)).alias(one.name)
        if one.name in block.columns
        else one
        for one in values.get_columns()
    ]
    return block.with_columns(merged)


def _completed(frame: pl.DataFrame, settled: Settled, wanted: Wanted) -> pl.DataFrame:
    past = settled.past
    absent = [
        pl.lit(None, _TYPES.get(name, pl.String)).alias(name)
        for name in FACTS
        if name not in frame.columns
    ]
    frame = frame.with_columns(absent)
    if "amount" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.Float64).alias("amount"))
    if "currency" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("currency"))
    amounts = [name for name in wanted.fields if name.startswith(PREFIX)]
    frame = with_amounts(frame, amounts, past.rates)
    frame = frame.with_columns(reported(past.currency, past.rates))
    return score_columns(frame, past.scorecard) if wanted.scored else frame


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

    def only(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The events of a block that no earlier block had, nor an earlier row."""
        if not self._repeated:
            return frame
        keep: list[bool] = []
        for event in frame["event"].to_list():
            known = event in self._seen
            if event in self._repeated:
                self._seen.add(event)
            keep.append(not known)
        return frame.filter(pl.Series(keep, dtype=pl.Boolean))
