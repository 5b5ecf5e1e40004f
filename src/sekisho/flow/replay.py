"""History through the same assessment: one event after the other, as of its own time."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Final

import polars as pl

from sekisho.decisions import Outcome
from sekisho.events import Record
from sekisho.flow.assess import Assessment, Live, assess
from sekisho.velocity import Counters

HINDSIGHT: Final = ("label", "label_known_at_us")
_PLACE: Final = ("event", "type", "at_us", "about")
SWEEP_EVERY: Final = 2_000
"""Events between two looks for contributions that no window reaches any more."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One event of the past, decided anew."""

    event: str
    type: str
    at_us: int
    record: Record
    assessment: Assessment
    label: str | None
    """The truth, as the data tell it in hindsight; no rule saw it before its time."""


@dataclass(frozen=True, slots=True, order=True)
class _Labelled:
    """A counted event whose label is known from `known_us` on."""

    known_us: int
    number: int
    type: str
    at_us: int
    record: Record = field(compare=False)
    label: str = field(compare=False)


def replay(
    records: pl.DataFrame, live: Live, counters: Counters, lists: Mapping[str, Container[str]]
) -> Iterator[Replayed]:
    """Decide a history in the order of its events' times.

    What an event says of itself (`outcome`, for instance) wins; where it says nothing, a blocked
    event counts as blocked. A label counts from the moment it became known, before events of that
    moment.

    Args:
        records: from `events.history_from_frame`.
        live: rule set and scorecard.
        counters: empty counters for what these read; filled as the replay goes.
        lists: lists for the rules.
    """
    ordered = records.sort("at_us", maintain_order=True)
    learns = _reads_labels(counters)
    names = [name for name in ordered.columns if name not in (*_PLACE, *HINDSIGHT)]
    columns = [*_PLACE[:3], *(name for name in HINDSIGHT if name in ordered.columns)]
    known: list[_Labelled] = []
    has_label = len(columns) > len(_PLACE[:3])
    rows = ordered.select(*columns, *names).iter_rows()
    for number, row in enumerate(rows):
        event, kind, at_us = row[0], row[1], row[2]
        label, label_at_us = (row[3], row[4]) if has_label else (None, None)
        record: Record = {
            name: value
            for name, value in zip(names, row[len(columns) :], strict=True)
            if value is not None
        }
        while known and known[0].known_us <= at_us:
            one = heappop(known)
            counters.revise(one.type, one.at_us, one.record, {**one.record, "label": one.label})
        record.update(counters.read(kind, at_us, record))
        assessment = assess(kind, record, live, lists, {})
        if assessment.decision.outcome is Outcome.BLOCK:
            record.setdefault("outcome", "blocked")
        counters.apply(kind, at_us, record)
        if learns and label is not None and label_at_us is not None:
            heappush(known, _Labelled(label_at_us, number, kind, at_us, record, label))
        if number % SWEEP_EVERY == 0:
            counters.evict(at_us)
        yield Replayed(event, kind, at_us, record, assessment, label)


def _reads_labels(counters: Counters) -> bool:
    """Whether any counter looks at labels: only then must records be kept until theirs is known."""
    return any("label" in f"{spec.value} {spec.where} {spec.matching}" for spec in counters.specs)


def told(replayed: Replayed, live: Live) -> dict[str, Any]:
    """One row of a replay's result: event, outcome, rule, and every attribute used."""
    credited = replayed.assessment.decision.credited
    return {
        "event": replayed.event,
        "outcome": replayed.assessment.decision.outcome.value,
        "rule": credited.rule.id if credited else None,
        **{name: replayed.record.get(name) for name in live.reported},
    }
