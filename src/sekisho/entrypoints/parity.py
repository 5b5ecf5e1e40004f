"""Parity: recorded decisions made once more from the log alone, and compared value by value."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import msgspec

from sekisho.collect import IpTable, table_spec
from sekisho.entrypoints.chronicle import KeptSet, Known, rates_digest
from sekisho.entrypoints.declared import counter_attribute
from sekisho.entrypoints.foundation import IMPORTED, seed_of
from sekisho.entrypoints.imports import ImportRecord
from sekisho.entrypoints.in_force import InForce, context_for, in_force
from sekisho.entrypoints.profile_rows import PROFILES, take_again
from sekisho.events import EventRefused, ExchangeRates, ReceiveContext, Record, default_catalogue
from sekisho.flow import Asking, Checkpoint, Folder, Holdout, Live, Parts, Refusal, Reply
from sekisho.history import Archive, ImportedPast, count_imported
from sekisho.kit.clock import ManualClock
from sekisho.kit.ids import Ids
from sekisho.language import Catalogue
from sekisho.ledger import Entry, Ledger, LogReader, Recorded
from sekisho.rules import (
    DraftRule,
    RuleSet,
    RulesRefused,
    build_ruleset,
    draft_rules,
    restore,
    with_beside,
)
from sekisho.rules.ruleset import store_rule
from sekisho.rules.sqlite import drafted
from sekisho.scoring import Scorecard
from sekisho.velocity import CounterRefused, Counters, CounterSpec, family_spec, parse_counter

DAY_US: Final = 86_400_000_000
SHOWN: Final = 20
"""Mismatches kept with both values; all are counted."""
NOT_TOLD: Final = "recorded before the log told which lists, rules and counters were in force"


class Mismatch(msgspec.Struct, frozen=True):
    """A value that a replay does not reproduce."""

    seq: int
    decision: str
    event: str
    attribute: str
    recorded: Any
    recomputed: Any


@dataclass(slots=True)
class Parity:
    """What a replay found.

    Attributes:
        decisions: decisions in the period.
        verified: those reproduced in every value.
        outcomes: reported outcomes in the period whose answers were reproduced.
        mismatched: rows of which some value differs.
        values: values compared, all decisions together.
        mismatches: the first of them, with both values.
        unverifiable: why decisions could not be replayed → how many.
    """

    decisions: int = 0
    verified: int = 0
    outcomes: int = 0
    mismatched: int = 0
    values: int = 0
    mismatches: list[Mismatch] = field(default_factory=list[Mismatch])
    unverifiable: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def ok(self) -> bool:
        """Nothing differs, and if there was anything to verify, some of it could be."""
        return not self.mismatched and (self.verified > 0 or not self.unverifiable)


def verify_parity(
    log: LogReader,
    rates: ExchangeRates,
    period: tuple[int, int],
    progress: Callable[[int], None] = lambda _: None,
    *,
    holdout_key: bytes = b"",
    archive: Archive | None = None,
) -> Parity:
    """Replay a log from its first row; compare the decisions recorded in a period.

    Every row is replayed, because counters look back; the rows go through the checkpoint itself,
    with fresh counters and with the rules, lists and declarations of their moment.

    Args:
        log: the log of a directory at rest.
        rates: the exchange rates at hand, compared with those that were in use.
        period: from when on and until when decisions were recorded, microseconds.
        progress: told how many rows are done, now and then.
        holdout_key: draws what a holdout lets pass; without it such decisions are unverifiable.
        archive: imported history, which counts from the row that tells of the import.
    """
    replay = _Replay(log, rates, period, holdout_key, archive)
    for row in log.read_from(1):
        replay.take(row)
        if row.seq % 500 == 0:
            progress(row.seq)
    progress(log.last_seq)
    return replay.found


class _Reenacted:
    """Stands in for the ledger: takes the entry that a replay makes, and looks up what is past."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self.find_event = log.find_event
        self.outcomes_of = log.outcomes_of
        self.last_seq = 0
        self.entry: Entry | None = None

    def append(self, entry: Entry) -> int:
        self.entry = entry
        return self.last_seq

    def resume(self) -> None:
        """Nothing is ever refused here."""


class _RecordedId:
    """Gives a decision the id it had."""

    def __init__(self) -> None:
        self.next = ""

    def new(self, _prefix: str) -> str:
        return self.next


class _RecordedCountry:
    """Gives an event the country that an address table told at the time, and nothing else."""

    def __init__(self) -> None:
        self.country: str | None = None

    def attributes_for(self, record: Record) -> Record:
        if self.country is None or "ip_country" in record or "ip_address" not in record:
            return {}
        return {"ip_country": self.country}


class _Held(msgspec.Struct):
    passed: bool


class _Told(msgspec.Struct):
    attributes: dict[str, Any]
    degraded: list[dict[str, Any]]
    versions: dict[str, str]
    holdout: _Held | None = None


_TOLD: Final = msgspec.json.Decoder(_Told)


class _Replay:
    """A pass over the log."""

    def __init__(
        self,
        log: LogReader,
        rates: ExchangeRates,
        period: tuple[int, int],
        holdout_key: bytes,
        archive: Archive | None,
    ) -> None:
        self.found = Parity()
        self._archive, self._imported = archive, set[str]()
        self._past: ImportedPast | None = None
        self._has_key, self._holdout = bool(holdout_key), Holdout(holdout_key)
        self._log, self._rates, self._period = log, rates, period
        self._known = Known()
        self._clock, self._ids = ManualClock(), _RecordedId()
        self._table, self._ledger = _RecordedCountry(), _Reenacted(log)
        self._profiles = self._known.profiles
        self._forces = Forces(log, rates)
        self._count_from(self._forces.first)
        self._checkpoint: Checkpoint | None = None

    def take(self, row: Recorded) -> None:
        """Go on by one row."""
        if row.event_type == IMPORTED:
            self._import(row)
            return
        if row.event_type == PROFILES:
            take_again(self._profiles, row)
            return
        if row.kind == "control":
            self._change(row)
            return
        asked = self._period[0] <= row.recorded_us < self._period[1]
        told = _TOLD.decode(row.answer) if row.kind == "decision" else None
        if told is not None and asked:
            self.found.decisions += 1
        why = self._why_not(told)
        if why:
            if told is not None and asked:
                self.found.unverifiable[why] = self.found.unverifiable.get(why, 0) + 1
            self._as_recorded(row, told)
            return
        assert self._checkpoint is not None, "what was in force is known"
        made = self._repeat(self._checkpoint, row, told)
        differing: list[Difference] = []
        if isinstance(made, Exception):
            differing = [("answer", msgspec.json.decode(row.answer), f"refused: {made}")]
        elif made != row.answer:
            differing = list(differences(row.answer, made))
        self._settle(self._checkpoint, row, told, ok=not differing)
        if asked:
            self._note(row, told, differing)

    def _import(self, row: Recorded) -> None:
        """Count what was imported here: it comes before the log in time, not in the log."""
        assert self._archive is not None, "imports are recorded, so there is an archive"
        record = msgspec.json.decode(row.body, type=ImportRecord)
        names = {one.name for one in record.segments}
        count_imported(self._archive.only(names), self._counters, self._context, row.recorded_us)
        self._imported |= names
        self._past = ImportedPast(self._archive.only(self._imported))
        self._folder = Folder(self._log, self._context, self._past)
        if self._checkpoint is not None:
            self._checkpoint = Checkpoint(self._parts(self._checkpoint.parts.live))

    def _change(self, row: Recorded) -> None:
        """Let something come into force, just here."""
        told = self._known.take(row)
        for name, declaration in (told.tables or {}).items():
            self._profiles.declare(table_spec(name, declaration))
        if told.changes_nothing_but_lists:
            return
        epoch = self._forces.epoch_from.get(row.seq)
        if epoch is not None:  # a name counts something else from here: count all of it anew
            self._count_from(epoch)
            if self._archive is not None:
                known = self._archive.only(self._imported)
                count_imported(known, self._counters, self._context, row.recorded_us)
            for past in self._log.again(row.seq):
                if past.event_type != IMPORTED:
                    self._folder.fold(self._counters, past, past.seq)
        force = self._forces.of(self._known)
        self._checkpoint = None if force is None else Checkpoint(self._parts(force.live))

    def _count_from(self, epoch: "Epoch") -> None:
        seed = seed_of(self._log.installation)
        self._counters = Counters(epoch.specs, epoch.catalogue, seed)
        self._context = epoch.context
        self._folder = Folder(self._log, self._context, self._past)

    def _parts(self, live: Live) -> Parts:
        return Parts(
            live=live,
            counters=self._counters,
            lists=self._known.book,
            profiles=self._profiles,
            ledger=cast("Ledger", self._ledger),
            clock=self._clock,
            ids=cast("Ids", self._ids),
            context=self._context,
            past=self._past,
            holdout=self._holdout,
            ip_table=cast("IpTable", self._table) if self._known.surroundings["ip_table"] else None,
        )

    def _why_not(self, told: "_Told | None") -> str:
        """Why a row cannot be decided again; empty when it can."""
        around = self._known.surroundings
        if self._known.rules is None:
            return NOT_TOLD
        if self._checkpoint is None:
            return "its rules or counters do not check in this release"
        if around.get("rates") != rates_digest(self._rates):
            return "made with other exchange rates than those at hand"
        if around.get("scorecard") != self._forces.scorecard.version:
            return f"scored by {around.get('scorecard')}, which this release does not have"
        if told is not None and told.holdout is not None and not self._has_key:
            return "drawn for a holdout with a secret that is not at hand"
        if told is not None and told.degraded:
            names = ", ".join(sorted(str(one["dependency"]) for one in told.degraded))
            return f"made while this was down: {names}"
        return ""

    def _repeat(
        self, checkpoint: Checkpoint, row: Recorded, told: "_Told | None"
    ) -> bytes | Exception:
        """The answer as it is made now."""
        self._clock.set(row.recorded_us)
        self._ids.next, self._ledger.last_seq = row.decision_id, row.seq
        country = told.attributes.get("ip_country") if told else None
        self._table.country = country if isinstance(country, str) else None
        replies: list[Reply | Exception] = []
        try:
            if row.kind == "decision":
                checkpoint.decide(row.body, Asking(), replies.append)
            else:
                checkpoint.report(row.body, Asking(), replies.append)
        except (EventRefused, Refusal) as refused:
            return refused
        assert self._ledger.entry is not None, "what was decided was handed over"
        return self._ledger.entry.answer

    def _as_recorded(self, row: Recorded, told: "_Told | None") -> None:
        """Count a row by what was recorded of it."""
        self._folder.fold(self._counters, row, row.seq)
        if told is not None and told.holdout is not None and told.holdout.passed:
            self._holdout.spend(row.recorded_us // DAY_US, int(told.attributes["amount"]))

    def _settle(
        self, checkpoint: Checkpoint, row: Recorded, told: "_Told | None", *, ok: bool
    ) -> None:
        """Count the row as it was recorded, so that one difference does not make others."""
        entry, self._ledger.entry = self._ledger.entry, None
        if ok and entry is not None:
            checkpoint.settle([entry], None)
            return
        if entry is not None:
            checkpoint.settle([entry], ValueError("differs from what was recorded"))
        self._as_recorded(row, told)

    def _note(self, row: Recorded, told: "_Told | None", differing: "Sequence[Difference]") -> None:
        found = self.found
        if told is not None:
            found.values += len(told.attributes)
        if not differing:
            if told is not None:
                found.verified += 1
            else:
                found.outcomes += 1
            return
        found.mismatched += 1
        for attribute, recorded, made in differing:
            if len(found.mismatches) < SHOWN:
                one = Mismatch(row.seq, row.decision_id, row.event_id, attribute, recorded, made)
                found.mismatches.append(one)


Difference = tuple[str, Any, Any]
"""Which value, as recorded, as made now."""


def differences(recorded: bytes, made: bytes) -> Iterator[Difference]:
    """The values in which two answers differ, by their place in the answer."""
    yield from _differing("", msgspec.json.decode(recorded), msgspec.json.decode(made))


def _differing(place: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        one, other = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        for name in sorted(one.keys() | other.keys()):
            inner = f"{place}.{name}" if place else name
            yield from _differing(inner, one.get(name), other.get(name))
    elif old != new:
        yield place, old, new


@dataclass(frozen=True, slots=True)
class Epoch:
    """A stretch of the log in which no name of a counter counts two things."""

    specs: tuple[CounterSpec, ...]
    catalogue: Catalogue
    context: ReceiveContext


class Forces:
    """What was in force at each moment of a log, compiled once."""

    def __init__(self, log: LogReader, rates: ExchangeRates) -> None:
        self.scorecard = Scorecard(default_catalogue())
        self._rates = rates
        self._made: dict[bytes, InForce | None] = {}
        self.epoch_from: dict[int, Epoch] = {}
        stretches: list[tuple[int, dict[str, CounterSpec], set[str]]] = [(0, {}, set())]
        known = Known()
        for row in log.controls():
            if row.event_type == IMPORTED:
                continue
            told = known.take(row)
            if told.changes_nothing_but_lists:
                continue
            force = self.of(known)
            if force is None:
                continue
            _, specs, fields = stretches[-1]
            if any(specs.get(one.name, one) != one for one in force.specs):
                stretches.append((row.seq, {}, set()))
                _, specs, fields = stretches[-1]
            specs.update((one.name, one) for one in force.specs)
            fields.update(force.live.reported)
        self._known_specs = known.profiles.specs()
        epochs = [(seq, self._epoch(specs, fields)) for seq, specs, fields in stretches]
        self.first = epochs[0][1]
        self.epoch_from = dict(epochs[1:])

    def of(self, known: Known) -> InForce | None:
        """What decides by what the log has told; None when this release cannot compile it."""
        types = dict(known.book.types)
        told = (known.rules, known.counters, known.tables, types)
        key = msgspec.json.encode(told, order="sorted")
        if key not in self._made:
            self._made[key] = self._compiled(known)
        return self._made[key]

    def _compiled(self, known: Known) -> InForce | None:
        if known.rules is None:
            return None
        try:
            specs = [
                parse_counter(name, told, default_catalogue())
                for name, told in known.counters.items()
            ]
            catalogue = default_catalogue().extended(counter_attribute(one) for one in specs)
            catalogue = catalogue.extended(known.profiles.specs())
            ruleset = ruleset_of(known.rules, catalogue, known.book.types)
        except (RulesRefused, CounterRefused):
            return None
        return in_force(catalogue, ruleset, self.scorecard, specs, self._rates)

    def _epoch(self, specs: Mapping[str, CounterSpec], fields: set[str]) -> Epoch:
        counted = tuple(specs.values())
        declared = [counter_attribute(one) for one in counted if family_spec(one.name) is None]
        catalogue = default_catalogue().extended([*declared, *self._known_specs])
        return Epoch(counted, catalogue, context_for(catalogue, fields, counted, self._rates))


def ruleset_of(kept: KeptSet, catalogue: Catalogue, lists: Mapping[str, str]) -> RuleSet:
    """A rule set as the log keeps it, compiled, with the one in shadow beside it."""
    beside = ruleset_of(kept.beside, catalogue, lists) if kept.beside else None
    written = [one for one in kept.rules if one.id not in kept.builtin]
    stored = restore([(drafted(one), one.created_us) for one in written], catalogue, lists)
    by_id = {one.id: one for one in stored}
    for one in kept.rules:
        if one.id not in by_id:
            rule = draft_rules([DraftRule(one.predicate)], catalogue, lists, lint=False)[0][0]
            by_id[one.id] = replace(store_rule(rule, catalogue, one.id, 0), builtin=True)
    rules = [by_id[one.id] for one in kept.rules]
    return with_beside(build_ruleset(kept.version, rules, (), kept.holdout), beside)
