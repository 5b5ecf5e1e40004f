"""The log tells what was in force: lists, rules, counters, each change between two decisions."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from sekisho import __version__
from sekisho.collect import IpTable, Profiles, table_spec
from sekisho.entrypoints.foundation import IMPORTED, Foundation
from sekisho.events import ExchangeRates
from sekisho.flow import Checkpoint, Live
from sekisho.ledger import Entry, Recorded
from sekisho.rules import HoldoutPlan, ListBook, ListChange, RuleSet
from sekisho.rules.sqlite import KeptRule, kept_rule

VALUES_A_ROW: Final = 2_000
"""Values of a list in one row of the log: a longer list takes several."""


class KeptSet(msgspec.Struct, frozen=True):
    """A rule set as the log keeps it, built-in rules included, in the order of its rules."""

    version: str
    rules: tuple[KeptRule, ...]
    builtin: tuple[str, ...]
    """Ids of the rules that Sekisho brought along."""
    holdout: HoldoutPlan | None = None
    beside: "KeptSet | None" = None
    """A set in shadow, judged without a say."""


class Statement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of kind `control`: what changed just here. What is left out stayed as it was.

    Attributes:
        lists: version of the lists after the change.
        rules: the rule set that decides from here on.
        counters: declarations of all declared counters that are live from here on.
        tables: declarations of all profiles and parameters from here on.
        changes: what happened to lists, in order.
        surroundings: what a process found when it started: release, rates, address table.
    """

    lists: int
    rules: KeptSet | None = None
    counters: dict[str, dict[str, Any]] | None = None
    changes: tuple[ListChange, ...] = ()
    surroundings: dict[str, str] | None = None
    tables: dict[str, dict[str, Any]] | None = None

    @property
    def changes_nothing_but_lists(self) -> bool:
        """Whether rules, counters and what may be known stay what they were."""
        return self.rules is None and self.counters is None and self.tables is None


Moment = Literal["started", "rules", "counters", "tables", "lists"]
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(Statement)


class Known:
    """What was in force, as the log has told it so far; `rules` is None before it told anything."""

    def __init__(self) -> None:
        self.rules: KeptSet | None = None
        self.counters: dict[str, dict[str, Any]] = {}
        self.surroundings: dict[str, str] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        self.book = ListBook()

    @property
    def profiles(self) -> Profiles:
        """Tables of all that is declared, with nothing in them."""
        made = Profiles()
        for name, declaration in self.tables.items():
            made.declare(table_spec(name, declaration))
        return made

    def take(self, row: Recorded) -> Statement:
        """Go on by one row of the log; its statement."""
        told = _DECODER.decode(row.body)
        if told.surroundings is not None:  # a start drops what has run out; else only decisions do
            self.book.expire(row.recorded_us)
        for change in told.changes:
            self.book.repeat(change)
        self.book.restore_version(told.lists)
        self.rules = told.rules or self.rules
        self.counters = self.counters if told.counters is None else told.counters
        self.tables = self.tables if told.tables is None else told.tables
        self.surroundings = told.surroundings or self.surroundings
        return told


class Chronicle:
    """Puts statements into the log in the same step as what they tell of comes into force."""

    def __init__(self, base: Foundation) -> None:
        self._base = base
        self._checkpoint: Checkpoint | None = None
        self._rules: KeptSet | None = None
        self._counters: dict[str, dict[str, Any]] = {}
        self._tables: dict[str, dict[str, Any]] = {}

    def begin(
        self,
        checkpoint: Checkpoint,
        live: Live,
        counters: dict[str, dict[str, Any]],
        tables: dict[str, dict[str, Any]],
    ) -> None:
        """At a start, tell what differs from what the log knows; from then on, every change."""
        base = self._base
        known = Known()
        for row in base.ledger.controls():
            if row.event_type != IMPORTED:
                known.take(row)
        now_us = base.clock.now_us()
        base.book.expire(now_us)
        known.book.expire(now_us)
        changes = tuple(differences(known.book, base.book))
        self._checkpoint, self._rules, self._counters = checkpoint, kept_set(live.ruleset), counters
        self._tables = tables
        around = surroundings(live, base.rates, checkpoint.parts.ip_table)
        same_lists = not changes and known.book.changes == base.book.changes
        same_rest = (known.rules, known.counters, known.tables, known.surroundings) == (
            self._rules,
            counters,
            tables,
            around,
        )
        if not (same_lists and same_rest):
            parts = list(split(changes)) or [()]
            for part in parts[:-1]:
                self._put("started", now_us, changes=part)
            told: dict[str, Any] = {"rules": self._rules, "counters": counters}
            told |= {"tables": tables} if tables or known.tables else {}
            self._put("started", now_us, changes=parts[-1], surroundings=around, **told)
        base.book.listen(self.tell_change)

    def tell_rules(self, ruleset: RuleSet) -> None:
        """A rule set came into force."""
        kept = kept_set(ruleset)
        if kept != self._rules:
            self._rules = kept
            self._tell("rules", rules=kept)

    def tell_counters(self, counters: dict[str, dict[str, Any]]) -> None:
        """A declared counter went live, or is gone."""
        if counters != self._counters:
            self._counters = counters
            self._tell("counters", counters=counters)

    def tell_tables(self, tables: dict[str, dict[str, Any]]) -> None:
        """Profiles or a parameter were declared."""
        if tables != self._tables:
            self._tables = tables
            self._tell("tables", tables=tables)

    def tell_change(self, change: ListChange) -> None:
        """A list changed."""
        for part in split((change,)):
            self._tell("lists", changes=part)

    def _tell(self, moment: Moment, **told: Any) -> None:
        self._put(moment, self._base.clock.now_us(), **told)

    def _put(self, moment: Moment, now_us: int, **told: Any) -> None:
        assert self._checkpoint is not None, "nothing changes before the log is told of the start"
        body = _ENCODER.encode(Statement(self._base.book.changes, **told))
        entry = Entry("control", "", moment, now_us, now_us, body)
        self._checkpoint.note(entry)


def kept_set(ruleset: RuleSet) -> KeptSet:
    """A compiled set as the log keeps it."""
    return KeptSet(
        ruleset.version,
        tuple(kept_rule(one) for one in ruleset.rules),
        tuple(one.id for one in ruleset.rules if one.builtin),
        ruleset.holdout,
        kept_set(ruleset.beside.ruleset) if ruleset.beside else None,
    )


def surroundings(live: Live, rates: ExchangeRates, table: IpTable | None) -> dict[str, str]:
    """What a process brings to its decisions beside what the log holds."""
    return {
        "release": __version__,
        "scorecard": live.scorecard.version,
        "rates": rates_digest(rates),
        "ip_table": table.source if table else "",
    }


def rates_digest(rates: ExchangeRates) -> str:
    """A short name of exchange rates: equal when they are."""
    told = f"{rates.date} {sorted(rates.usd_per_unit.items())}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def differences(before: ListBook, after: ListBook) -> Iterator[ListChange]:
    """The changes that make one book of lists into another."""
    for alias in before.types.keys() - after.types.keys():
        yield ListChange(alias, "drop")
    for alias, item_type in after.types.items():
        values, old = after.values[alias], before.values.get(alias)
        if old is None or before.types[alias] != item_type:
            yield ListChange(alias, "set", item_type, dict(values))
        elif old != values:
            yield patch(alias, old, values)


def patch(alias: str, old: Mapping[str, int], new: Mapping[str, int]) -> ListChange:
    """What changes a list's values into others."""
    put = {value: until for value, until in new.items() if old.get(value) != until}
    return ListChange(alias, "patch", "", put, tuple(sorted(old.keys() - new.keys())))


def split(changes: Iterable[ListChange]) -> Iterator[tuple[ListChange, ...]]:
    """Changes in portions that fit a row."""
    portion: list[ListChange] = []
    size = 0
    for change in changes:
        for part in _parts(change):
            if portion and size + len(part.put) + len(part.take) > VALUES_A_ROW:
                yield tuple(portion)
                portion, size = [], 0
            portion.append(part)
            size += len(part.put) + len(part.take)
    if portion:
        yield tuple(portion)


def _parts(change: ListChange) -> Iterator[ListChange]:
    put: Sequence[tuple[str, int]] = list(change.put.items())
    if len(put) + len(change.take) <= VALUES_A_ROW:
        yield change
        return
    first = put[:VALUES_A_ROW]
    yield ListChange(change.alias, change.how, change.item_type, dict(first))
    for at in range(VALUES_A_ROW, len(put), VALUES_A_ROW):
        yield ListChange(change.alias, "patch", "", dict(put[at : at + VALUES_A_ROW]))
    for at in range(0, len(change.take), VALUES_A_ROW):
        taken = change.take[at : at + VALUES_A_ROW]
        yield ListChange(change.alias, "patch", "", {}, taken)
