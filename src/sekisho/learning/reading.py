"""One pass over a period: what matched, all fraud, and how well attributes are known."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from sekisho.kit.clock import iso
from sekisho.learning.among import Among
from sekisho.learning.blocks import BLOCK_ROWS, FACTS, Block, blocks, plain, wanted_of
from sekisho.learning.counting import LABEL
from sekisho.learning.facts import answers_about, reported_facts, with_facts, with_fate
from sekisho.learning.judging import Judge
from sekisho.learning.maturity import Delays, learn_delays
from sekisho.learning.money import REPORTED
from sekisho.learning.past import BacktestRefused, Settled

Told = Callable[[int], None]
"""Told the number of events read so far."""
LIVE: str = "live:"
"""Before the names of columns that say which rules in force match."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass found.

    Attributes:
        matched: events that a rule asked about matches, with facts, fate, attributes and hits.
        fraud: every event of the period that is known as fraud: `at_us`, `known_us`, amount.
        events: decided events of the period.
        amount: of them, in minor units of the reporting currency.
        coverage: attribute → share of events that have it.
        computed: counters that were computed, because history lacks some of their values.
        delays: how long fraud took to become known.
        converted: events whose amount is in another currency than the reported one.
    """

    matched: pl.DataFrame
    fraud: pl.DataFrame
    events: int
    amount: int
    coverage: dict[str, float]
    computed: tuple[str, ...]
    delays: Delays
    converted: int


def read_past(
    settled: Settled,
    asked: Judge,
    in_force: Judge | None = None,
    *,
    shown: Iterable[str] = (),
    told: Told = lambda _: None,
) -> Reading:
    """Judge every event of the period, and keep those that a rule asked about matches.

    Args:
        settled: where and when.
        asked: rules whose matches are kept; their hits are the columns `0`, `1` and so on.
        in_force: rules judged on what was kept; their hits are `live:0` and so on.
        shown: attributes whose coverage is wanted, and that samples show.
        told: progress.

    Raises:
        BacktestRefused: the period has no events.
    """
    judges = [asked] if in_force is None else [asked, in_force]
    listed = sorted(shown)
    fields = {name for judge in judges for rule in judge.rules for name in rule.fields}
    wanted = wanted_of(settled, fields.union(listed))
    facts = reported_facts(settled)
    reported_about = Among(facts["event"])
    kept: list[pl.DataFrame] = []
    frauds: list[pl.DataFrame] = []
    told_of: list[pl.DataFrame] = []
    events = amount = converted = 0
    present = dict.fromkeys(listed, 0)
    for block in blocks(settled, wanted):
        counted = pl.Series(block.counts)
        events += int(block.counts.sum())
        amount += int(block.frame[REPORTED].filter(counted).sum())
        foreign = block.frame["currency"].cast(pl.String) != settled.past.currency
        converted += int((foreign & counted).sum())
        for name in listed:
            if name in block.frame.columns:
                present[name] += int((block.frame[name].is_not_null() & counted).sum())
        told_of.append(_told_of(block, reported_about))
        if sum(part.height for part in told_of) >= BLOCK_ROWS:
            frauds.append(_fraud(told_of, facts, settled.as_of_us))
            told_of.clear()
        kept.append(_matching(block, asked, in_force, listed))
        told(events)
    if not kept:
        span = f"from {iso(settled.from_us)} to {iso(settled.to_us)}"
        raise BacktestRefused(f"history has no decided event {span}: choose another period")
    fraud = pl.concat([*frauds, *([_fraud(told_of, facts, settled.as_of_us)] if told_of else [])])
    matched = with_facts(pl.concat(kept, how="diagonal_relaxed"), facts, settled.as_of_us)
    matched = with_fate(matched, answers_about(settled, matched["event"]))
    coverage = {name: count / events for name, count in present.items()}
    delays = _delays(fraud, settled)
    return Reading(matched, fraud, events, amount, coverage, wanted.computed, delays, converted)


def _matching(
    block: Block, asked: Judge, in_force: Judge | None, listed: list[str]
) -> pl.DataFrame:
    rows, hits = asked.matching(block.frame, block.counts)
    columns = [*FACTS, REPORTED, *(name for name in listed if name in block.frame.columns)]
    found = block.frame.filter(pl.Series(rows))
    parts = [plain(found.select(list(dict.fromkeys(columns)))), hits]
    if in_force is not None and in_force.rules:
        live = in_force.hits(found)
        parts.append(live.rename({name: f"{LIVE}{name}" for name in live.columns}))
    return pl.concat(parts, how="horizontal")


def _told_of(block: Block, reported_about: Among) -> pl.DataFrame:
    """The events of a block of which something is known; most events have no fact at all."""
    told = reported_about.has(block.frame["event"])
    if block.frame[LABEL].null_count() < block.frame.height:
        told |= block.frame[LABEL].is_not_null()
    return plain(block.frame.select(*FACTS, REPORTED).filter(told & pl.Series(block.counts)))


def _fraud(told: list[pl.DataFrame], facts: pl.DataFrame, as_of_us: int) -> pl.DataFrame:
    """Those of some events that are known as fraud."""
    known = with_facts(pl.concat(told, how="diagonal_relaxed"), facts, as_of_us)
    return known.filter("fraud").select("event", "at_us", "known_us", REPORTED)


def _delays(fraud: pl.DataFrame, settled: Settled) -> Delays:
    at_us = fraud["at_us"].to_numpy()
    return learn_delays(fraud["known_us"].to_numpy() - at_us, settled.as_of_us - at_us)
