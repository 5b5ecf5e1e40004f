"""Counters as a fold over the log: what each entry adds, live and after a restart."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from sekisho.events import Event, ReceiveContext, Record, receive
from sekisho.flow.past import Past
from sekisho.flow.subject import Subject, as_evaluated, as_reported, inherit, learn
from sekisho.ledger import Entry, Ledger, LogReader, Recorded
from sekisho.velocity import Counters

Undo = Callable[[Counters], None]
"""Takes what was counted out of the counters again, the ones in force at that moment."""

REMEMBERED: Final = 20_000
"""Decided events kept at hand while reading the log: outcomes mostly follow their event closely."""


def count_decision(counters: Counters, event: Event, record: Record) -> Undo:
    """Count a decided event."""
    counters.apply(event.type, event.at_us, record)
    return lambda current: current.retract(event.type, event.at_us, record)


def count_outcome(counters: Counters, subject: Subject, outcome: Event) -> Undo:
    """Count an outcome at its own time, and correct its subject at the subject's."""
    before = learn(subject.record, subject.outcomes)
    after = learn(before, (outcome,))
    own = inherit(after, outcome)
    about = subject.event
    counters.revise(about.type, about.at_us, before, after)
    counters.apply(outcome.type, outcome.at_us, own)

    def undo(current: Counters) -> None:
        current.retract(outcome.type, outcome.at_us, own)
        current.revise(about.type, about.at_us, after, before)

    return undo


class Folder:
    """Counts rows of the log in their order, as the checkpoint counted them live.

    What was imported has been counted before. An imported outcome about an event of the log counts
    as soon as that event does.
    """

    def __init__(
        self, ledger: Ledger | LogReader, context: ReceiveContext, past: Past | None = None
    ) -> None:
        self._ledger = ledger
        self._context = context
        self._past = past
        self._subjects: OrderedDict[str, Subject] = OrderedDict()

    def fold(self, counters: Counters, row: Recorded | Entry, seq: int) -> Undo:
        """Count the row of a number, recorded or on its way."""
        if row.kind == "control":
            return lambda _: None
        event = receive(row.body, row.at_us, self._context)
        if row.kind == "decision":
            subject = Subject(event, as_evaluated(event, row.answer))
            undo = count_decision(counters, event, subject.record)
            for outcome in self._told_before(event.id):
                count_outcome(counters, subject, outcome)
                subject = Subject(event, subject.record, (*subject.outcomes, outcome))
            self._remember(subject)
            return undo
        event = as_reported(event, row.answer)
        subject = self._subject(event.about, seq)
        undo = count_outcome(counters, subject, event)
        self._remember(Subject(subject.event, subject.record, (*subject.outcomes, event)))
        return undo

    def _subject(self, event_id: str, before_seq: int) -> Subject:
        subject = self._subjects.get(event_id)
        if subject is not None:
            return subject
        known = [one for one in self._ledger.outcomes_of(event_id) if one.seq < before_seq]
        outcomes = tuple(
            as_reported(receive(one.body, one.at_us, self._context), one.answer) for one in known
        )
        row = self._ledger.find_event(event_id)
        if row is not None:
            event = receive(row.body, row.at_us, self._context)
            before = self._told_before(event_id)
            return Subject(event, as_evaluated(event, row.answer), (*before, *outcomes))
        imported = self._past.subject(event_id, self._context) if self._past else None
        assert imported is not None, f"outcome of an event that is not recorded: {event_id}"
        return Subject(imported.event, imported.record, (*imported.outcomes, *outcomes))

    def _told_before(self, event_id: str) -> tuple[Event, ...]:
        return self._past.outcomes_of(event_id, self._context) if self._past else ()

    def _remember(self, subject: Subject) -> None:
        self._subjects[subject.event.id] = subject
        self._subjects.move_to_end(subject.event.id)
        if len(self._subjects) > REMEMBERED:
            self._subjects.popitem(last=False)
