"""The checkpoint: receive → collect → count → assess → record, and nothing lost."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from sekisho.actions import Policies
from sekisho.collect import IpTable, Profiles
from sekisho.durable import StoreError
from sekisho.events import Event, ReceiveContext, Record, receive
from sekisho.flow.acting import Made, asked_for
from sekisho.flow.answer import encode_decision, to_do
from sekisho.flow.assess import Assessment, Live, assess
from sekisho.flow.fold import Undo, count_decision, count_outcome
from sekisho.flow.follow_up import follow_up
from sekisho.flow.holdout import DAY_US, Holdout, passed_row
from sekisho.flow.past import Past
from sekisho.flow.refusals import (
    EventIdInUse,
    KeyInUse,
    KeyMismatch,
    Overloaded,
    SubjectUnknown,
    WrongDoor,
    not_recorded,
)
from sekisho.flow.subject import Subject, as_evaluated, as_reported
from sekisho.kit.clock import Clock
from sekisho.kit.ids import Ids
from sekisho.ledger import Entry, IdempotencyKey, Kind, Ledger, OutboxRow, Recorded
from sekisho.rules import ListBook
from sekisho.velocity import Counters

OK: Final = 200
DECISION_ENDPOINT: Final = "/v1/decisions"
EVENT_ENDPOINT: Final = "/v1/events"


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer that may be sent: it is on disk."""

    status: int
    body: bytes
    replayed: bool = False


Done = Callable[[Reply | Exception], None]
"""Called once: with the reply, or with why there is none."""


class Asking(msgspec.Struct, frozen=True, gc=False):
    """Who sends a request and under which idempotency key ("" for none)."""

    caller: str = ""
    key: str = ""


class Watch(Protocol):
    """Is told of every decision, for metrics and traces."""

    def decided(self, event: Event, assessment: Assessment, marks_ns: Sequence[int], /) -> None:
        """A decision was made. `marks_ns`: the start, then the end of each of `STAGES`."""
        ...

    def trace(self, event: Event, start_ns: int, /) -> str:
        """The trace context of a decision being made, for its actions; empty if not traced."""
        ...


STAGES: Final = ("receive", "collect", "count", "assess", "record")


class _InFlight(msgspec.Struct):
    entry: Entry
    reply: Reply
    seq: int
    undo: Undo
    waiters: list[Done]


@dataclass(slots=True)
class Parts:
    """What a checkpoint works with; `live` and `counters` are replaced while it runs."""

    live: Live
    counters: Counters
    lists: ListBook
    profiles: Profiles
    ledger: Ledger
    clock: Clock
    ids: Ids
    context: ReceiveContext
    max_pending: int = 20_000
    ip_table: IpTable | None = None
    holdout: Holdout | None = None
    """Draws which would-be blocks pass where a rule set asks for it."""
    door: ReceiveContext | None = None
    """`context` narrowed to what decisions read; None takes events in whole."""
    past: Past | None = None
    """Imported history; None when there is none."""
    acting: Policies | None = None
    """Which decisions ask for which actions."""


class Checkpoint:
    """Decides events in the order of their arrival; owned by one thread.

    Counters are updated in memory when the decision is made, so that the next event sees it. The
    answer is
    given when the ledger has it on disk. When the disk refuses, every decision since is taken back
    in reverse
    order and refused too, because it was made on state that never came to be.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._watch: Watch | None = None
        self._in_flight: deque[_InFlight] = deque()
        self._by_event: dict[tuple[Kind, str], _InFlight] = {}
        self._by_key: dict[tuple[str, str], bytes] = {}
        self._broken: Exception | None = None
        self._refusing = 0  # entries taken back whose refusal is still on its way here
        self._unnoted: list[Entry] = []  # changes of what is in force that the log refused
        self.taken_back = 0
        self.last_decided_us = 0
        """When the newest decision of this process was made; 0 before the first."""

    @property
    def pending(self) -> int:
        """Decisions made and not yet on disk."""
        return len(self._in_flight)

    def watch(self, watch: Watch) -> None:
        """Tell somebody of every decision from now on."""
        self._watch = watch

    def decide(self, body: bytes, asking: Asking, done: Done) -> None:
        """Decide an event; `done` is called when the answer is durable.

        A replayed answer is given at once.

        Raises:
            EventRefused: the event cannot be taken.
            Refusal: no decision, for the reason its class names.
        """
        marks = [time.perf_counter_ns()]
        scope, digest = (asking.caller + DECISION_ENDPOINT, b"")
        if asking.key:
            digest = digest_of(body)
            if self._replay_key(scope, asking.key, digest, done):
                return
        now_us = self.parts.clock.now_us()
        event = receive(body, now_us, self.parts.door or self.parts.context)
        if event.is_outcome:
            raise WrongDoor(f"`{event.type}` reports what happened: send it to {EVENT_ENDPOINT}")
        if self._replay_event(event, body, done):
            return
        self._admit()
        marks.append(time.perf_counter_ns())
        record, missing = self._collect(event, now_us)
        marks.append(time.perf_counter_ns())
        self._count(event, record, missing)
        marks.append(time.perf_counter_ns())
        assessment, decision_id, answer = self._assess(event, record, missing, now_us)
        marks.append(time.perf_counter_ns())
        self.last_decided_us = now_us
        undo = count_decision(self.parts.counters, event, record)
        outbox = to_do(event, assessment, decision_id, now_us)
        if assessment.holdout is not None and assessment.holdout.passed:
            undo, outbox = self._let_pass(undo, outbox, event, decision_id, now_us)
        if self.parts.acting:
            made = (event, record, assessment, decision_id, now_us)
            undo, outbox = self._act(undo, outbox, made, marks[0])
        entry = Entry(
            kind="decision",
            event_id=event.id,
            event_type=event.type,
            at_us=event.at_us,
            recorded_us=now_us,
            body=event.body,
            answer=answer,
            status=OK,
            decision_id=decision_id,
            idempotency=IdempotencyKey(scope, asking.key, digest) if asking.key else None,
            outbox=outbox,
        )
        self._record(entry, undo, done)
        marks.append(time.perf_counter_ns())
        if self._watch is not None:
            self._watch.decided(event, assessment, marks)

    def report(self, body: bytes, asking: Asking, done: Done) -> None:
        """Record what became of an event: a dispute, a refund, the issuer's answer, a label.

        Raises:
            EventRefused: the outcome cannot be taken.
            Refusal: not recorded, for the reason its class names.
        """
        scope, digest = (asking.caller + EVENT_ENDPOINT, b"")
        if asking.key:
            digest = digest_of(body)
            if self._replay_key(scope, asking.key, digest, done):
                return
        event = receive(body, self.parts.clock.now_us(), self.parts.context)
        if not event.is_outcome:
            raise WrongDoor(f"`{event.type}` is to be decided: send it to {DECISION_ENDPOINT}")
        if self._replay_event(event, body, done):
            return
        self._admit()
        subject = self.subject(event.about)
        now_us = self.parts.clock.now_us()
        self.parts.lists.expire(now_us)
        then = follow_up(self.parts.live, self.parts.lists.values, subject, event, now_us)
        undo = count_outcome(self.parts.counters, subject, as_reported(event, then.answer))
        entry = Entry(
            kind="event",
            event_id=event.id,
            event_type=event.type,
            about=event.about,
            at_us=event.at_us,
            recorded_us=now_us,
            body=event.body,
            answer=then.answer,
            outbox=then.outbox,
            status=OK,
            idempotency=IdempotencyKey(scope, asking.key, digest) if asking.key else None,
        )
        self._record(entry, undo, done)

    def note(self, entry: Entry) -> None:
        """Record a change of what is in force; decisions from now on come after it in the log.

        While the log refuses, the change waits: it is in force all the same, so it is recorded as
        soon as decisions are.
        """
        if self._broken is not None:
            self._unnoted.append(entry)
            return
        seq = self.parts.ledger.append(entry)
        self._in_flight.append(_InFlight(entry, Reply(OK, b""), seq, _nothing, []))

    def take(self, entry: Entry, undo: Callable[[], None], done: Done) -> int:
        """Record a change that is in force at once, and is taken back should the log refuse it.

        Returns:
            The row it will have; void if it is refused.

        Raises:
            Refusal: it cannot be recorded now.
            StoreError: the store is closed.
        """
        self._admit()
        seq = self.parts.ledger.append(entry)
        flying = _InFlight(entry, Reply(OK, b""), seq, lambda _: undo(), [done])
        self._in_flight.append(flying)
        return seq

    def subject(self, event_id: str) -> Subject:
        """A decided event as it is known now, committed or on its way to the disk.

        Raises:
            SubjectUnknown: there is none of that id.
        """
        known = [*self.parts.ledger.outcomes_of(event_id)]
        known += [one.entry for one in self._in_flight if one.entry.about == event_id]
        outcomes = tuple(as_reported(self.reread(one.body, one.at_us), one.answer) for one in known)
        waiting = self._by_event.get(("decision", event_id))
        row = waiting.entry if waiting else self.parts.ledger.find_event(event_id)
        past, context = self.parts.past, self.parts.context
        if row is not None:
            event = self.reread(row.body, row.at_us)
            before = past.outcomes_of(event_id, context) if past else ()
            return Subject(event, as_evaluated(event, row.answer), (*before, *outcomes))
        imported = past.subject(event_id, context) if past else None
        if imported is None:
            raise SubjectUnknown(f"no event `{event_id}` was decided: ask for its decision first")
        return Subject(imported.event, imported.record, (*imported.outcomes, *outcomes))

    def reread(self, body: bytes, at_us: int) -> Event:
        """An event from its recorded bytes."""
        return receive(body, at_us, self.parts.context)

    def in_flight(self, after_seq: int) -> list[tuple[int, Entry]]:
        """Rows and entries made and not yet settled, beyond a row of the log."""
        return [(one.seq, one.entry) for one in self._in_flight if one.seq > after_seq]

    def recount(self, fold: Callable[[Entry, int], Undo], after_seq: int) -> None:
        """Let new counters count what is on its way; should it fail, that count is taken back."""
        for one in self._in_flight:
            if one.seq > after_seq:
                one.undo = fold(one.entry, one.seq)

    @property
    def last_seq(self) -> int:
        """The row up to which the counters have counted."""
        return self._in_flight[-1].seq if self._in_flight else self.parts.ledger.last_seq

    def settle(self, entries: Sequence[Entry], error: Exception | None) -> None:
        """The ledger has these entries on disk, or refused them; called in order by the owner."""
        if error is not None:
            self._take_back(len(entries), error)
            return
        for _ in entries:
            landed = self._in_flight.popleft()
            self._forget(landed)
            for done in landed.waiters:
                done(landed.reply)

    def _collect(self, event: Event, now_us: int) -> tuple[Record, dict[str, frozenset[str]]]:
        record = event.record  # this event's own: the stages complete it
        missing: dict[str, frozenset[str]] = {}
        try:
            found = self.parts.profiles.attributes_for(record, now_us)
        except Exception:  # noqa: BLE001 — whatever fails there, rules follow their policy
            specs = self.parts.profiles.specs()
            missing["profiles"] = frozenset(spec.name for spec in specs)
        else:
            for name, value in found.items():
                record.setdefault(name, value)
        if self.parts.ip_table is not None:
            record.update(self.parts.ip_table.attributes_for(record))
        return record, missing

    def _count(self, event: Event, record: Record, missing: dict[str, frozenset[str]]) -> None:
        counters = self.parts.counters
        given = _of_counters(event, counters) if event.given else {}
        try:
            counters.read_into(record, event.type, event.at_us)
        except Exception:  # noqa: BLE001 — whatever fails there, rules follow their policy
            missing["counters"] = counters.names
        record.update(given)  # what the caller says wins over what is derived

    def _assess(
        self, event: Event, record: Record, missing: dict[str, frozenset[str]], now_us: int
    ) -> tuple[Assessment, str, bytes]:
        parts = self.parts
        parts.lists.expire(now_us)
        assessment = assess(event.type, record, parts.live, parts.lists.values, missing)
        plan = parts.live.ruleset.holdout
        if plan is not None and parts.holdout is not None:
            assessment = parts.holdout.judge(plan, event, record, assessment, now_us)
        if assessment.decision.outcome == "block":
            record.setdefault("outcome", "blocked")
        decision_id = parts.ids.new("dec")
        answer = encode_decision(
            decision_id, event, record, assessment, parts.live, parts.lists.version
        )
        return assessment, decision_id, answer

    def _let_pass(
        self,
        undo: Undo,
        outbox: tuple[OutboxRow, ...],
        event: Event,
        decision_id: str,
        now_us: int,
    ) -> tuple[Undo, tuple[OutboxRow, ...]]:
        """Record what a held-out payment is worth, and give it back should the log refuse."""
        holdout, amount = self.parts.holdout, int(event.record["amount"])
        assert holdout is not None, "something let it pass"

        def give_back(counters: Counters) -> None:
            undo(counters)
            holdout.spend(now_us // DAY_US, -amount)

        return give_back, (*outbox, passed_row(event, amount, decision_id, now_us))

    def _act(
        self, undo: Undo, outbox: tuple[OutboxRow, ...], made: Made, start_ns: int
    ) -> tuple[Undo, tuple[OutboxRow, ...]]:
        """Record the actions that policies ask for with the decision."""
        acting, watch, event = self.parts.acting, self._watch, made[0]
        assert acting is not None, "there are policies"

        def trace() -> str:
            return watch.trace(event, start_ns) if watch is not None else ""

        rows, give_back = asked_for(acting, made, self.parts.live.ruleset.version, trace)

        def undo_all(counters: Counters) -> None:
            undo(counters)
            give_back()

        return undo_all, (*outbox, *rows)

    def _record(self, entry: Entry, undo: Undo, done: Done) -> None:
        try:
            seq = self.parts.ledger.append(entry)
        except StoreError:
            undo(self.parts.counters)
            raise
        flying = _InFlight(entry, Reply(OK, entry.answer), seq, undo, [done])
        self._in_flight.append(flying)
        self._by_event[entry.kind, entry.event_id] = flying
        key = entry.idempotency
        if key is not None:
            self._by_key[key.scope, key.key] = key.body_hash

    def _admit(self) -> None:
        if self._broken is not None:
            raise not_recorded(self._broken)
        if len(self._in_flight) >= self.parts.max_pending:
            raise Overloaded

    def _replay_key(self, scope: str, key: str, digest: bytes, done: Done) -> bool:
        running = self._by_key.get((scope, key))
        if running is not None:
            raise KeyInUse if running == digest else KeyMismatch
        kept = self.parts.ledger.find_idempotent(scope, key)
        if kept is None:
            return False
        if kept.body_hash != digest:
            raise KeyMismatch
        done(Reply(kept.status, kept.answer, replayed=True))
        return True

    def _replay_event(self, event: Event, sent: bytes, done: Done) -> bool:
        waiting = self._by_event.get((_kind_of(event), event.id))
        if waiting is not None:
            self._check_content(event, sent, waiting.entry)
            waiting.waiters.append(done)
            return True
        row = self.parts.ledger.find_event(event.id, _kind_of(event), event.at_us)
        if row is None:
            past = self.parts.past
            if past is not None and past.tells_of(event.id, outcome=event.is_outcome):
                raise EventIdInUse(
                    f"an event `{event.id}` was imported with the history and has been counted:"
                    " give a new event its own id"
                )
            return False
        self._check_content(event, sent, row)
        done(Reply(OK, row.answer, replayed=True))
        return True

    def _check_content(self, event: Event, sent: bytes, first: Entry | Recorded) -> None:
        """Refuse an id used again for something else; a repeat without a time means the first's."""
        if event.body == first.body or self.reread(sent, first.at_us).body == first.body:
            return
        raise EventIdInUse(
            f"an event `{event.id}` was recorded with other content: give the new event its own id"
        )

    def _take_back(self, told: int, error: Exception) -> None:
        """Undo all that is in flight, newest first; go on once the ledger has told of it all.

        Not before: the ledger may have refused batches whose news has not arrived here, and what
        is decided until then must not be taken for theirs.
        """
        self.taken_back += 1
        refused = list(self._in_flight)
        self._in_flight.clear()
        for one in reversed(refused):
            one.undo(self.parts.counters)
            self._forget(one)
        self._unnoted += [
            one.entry for one in refused if one.entry.kind == "control" and not one.waiters
        ]
        self._refusing += len(refused) - told
        self._broken = error
        if self._refusing == 0:
            self.parts.ledger.resume()
            self._broken = None
            unnoted, self._unnoted = self._unnoted, []
            for entry in unnoted:
                self.note(entry)
        for one in refused:
            for done in one.waiters:
                done(not_recorded(error))

    def _forget(self, one: _InFlight) -> None:
        self._by_event.pop((one.entry.kind, one.entry.event_id), None)
        key = one.entry.idempotency
        if key is not None:
            self._by_key.pop((key.scope, key.key), None)


def _nothing(_counters: Counters) -> None:
    """A change of what is in force counts nothing."""


def digest_of(body: bytes) -> bytes:
    """What an idempotency key is bound to."""
    return blake2b(body, digest_size=16).digest()


def _of_counters(event: Event, counters: Counters) -> Record:
    """Values of counters that the caller gave."""
    names = event.given & counters.names
    return {name: event.record[name] for name in names if name in event.record}


def _kind_of(event: Event) -> Kind:
    return "event" if event.is_outcome else "decision"
