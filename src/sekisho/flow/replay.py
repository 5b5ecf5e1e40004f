"""History through the same assessment: one event after the other, as of its own time."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final

import polars as pl

from sekisho.decisions import Outcome
from sekisho.events import OUTCOME_TYPES, Event, Record
from sekisho.flow.assess import Assessment, Live, assess
from sekisho.flow.fold import count_outcome
from sekisho.flow.subject import Subject, learn
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
    id: str
    event: Event = field(compare=False)
    label: str = field(compare=False)


def replay(
    records: pl.DataFrame, live: Live, counters: Counters, lists: Mapping[str, Container[str]]
) -> Iterator[Replayed]:
    """Decide a history in the order of its events' times; outcomes in it are counted, not decided.

    What an event says of itself (`outcome`, for instance) wins; where it says nothing, a blocked
    event counts as blocked. A label counts from the moment it became known, before events of that
    moment. An outcome about an event that is not in the history is passed over.

    Args:
        records: from `events.history_from_frame`, each event once.
        live: rule set and scorecard.
        counters: empty counters for what these read; filled as the replay goes.
        lists: lists for the rules.
    """
    past = _Past(records, counters)
    for number, (event, label, label_at_us) in enumerate(_events(records)):
        past.learn_until(event.at_us)
        if number % SWEEP_EVERY == 0:
            counters.evict(event.at_us)
        if event.is_outcome:
            past.take_outcome(event)
            continue
        record = event.record
        record.update(counters.read(event.type, event.at_us, record))
        assessment = assess(event.type, record, live, lists, {})
        if assessment.decision.outcome is Outcome.BLOCK:
            record.setdefault("outcome", "blocked")
        counters.apply(event.type, event.at_us, record)
        past.remember(event, label, label_at_us)
        yield Replayed(event.id, event.type, event.at_us, record, assessment, label)


class _Past:
    """What was decided and may yet be corrected: by its label, by an outcome about it."""

    def __init__(self, records: pl.DataFrame, counters: Counters) -> None:
        self._counters = counters
        self._learns = _reads_labels(counters)
        outcomes = records.filter(pl.col("type").is_in(list(OUTCOME_TYPES)))
        self._abouts = frozenset(outcomes["about"].to_list())
        self._subjects: dict[str, Subject] = {}
        self._unknown: list[_Labelled] = []

    def remember(self, event: Event, label: str | None, label_at_us: int | None) -> None:
        """Keep an event for as long as something may correct it."""
        if event.id in self._abouts:
            self._subjects[event.id] = Subject(event, event.record)
        if self._learns and label is not None and label_at_us is not None:
            truth = _Labelled(label_at_us, len(self._unknown), event.id, event, label)
            heappush(self._unknown, truth)

    def learn_until(self, at_us: int) -> None:
        """Let every label count that is known by a moment."""
        while self._unknown and self._unknown[0].known_us <= at_us:
            one = heappop(self._unknown)
            event, subject = one.event, self._subjects.get(one.id)
            before = learn(subject.record, subject.outcomes) if subject else event.record
            after = {**before, "label": one.label}
            self._counters.revise(event.type, event.at_us, before, after)
            if subject is not None:
                self._subjects[one.id] = Subject(event, after)

    def take_outcome(self, outcome: Event) -> None:
        """Count an outcome as the checkpoint does."""
        subject = self._subjects.get(outcome.about)
        if subject is not None:
            count_outcome(self._counters, subject, outcome)
            known = (*subject.outcomes, outcome)
            self._subjects[outcome.about] = Subject(subject.event, subject.record, known)


def _events(records: pl.DataFrame) -> Iterator[tuple[Event, str | None, int | None]]:
    """Events in the order of their times, with the label of hindsight and when it was known."""
    ordered = records.sort("at_us", maintain_order=True)
    names = [name for name in ordered.columns if name not in (*_PLACE, *HINDSIGHT)]
    labelled = all(name in ordered.columns for name in HINDSIGHT)
    columns = [*_PLACE, *(HINDSIGHT if labelled else ())]
    for row in ordered.select(*columns, *names).iter_rows():
        values = zip(names, row[len(columns) :], strict=True)
        record: Record = {name: value for name, value in values if value is not None}
        event_id, kind, at_us, about = row[:4]
        event = Event(event_id, kind, at_us, record, frozenset(), about or "", b"")
        label, known_us = row[4:6] if labelled else (None, None)
        yield event, label, known_us


def _reads_labels(counters: Counters) -> bool:
    """Whether any counter looks at labels: only then must records be kept until theirs is known."""
    return any("label" in f"{spec.value} {spec.where} {spec.matching}" for spec in counters.specs)
