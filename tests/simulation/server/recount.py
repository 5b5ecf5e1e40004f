"""Counts a log by brute force, and holds against that what decisions saw and what a node counts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sekisho.events import Event, Record, receive
from sekisho.flow import as_evaluated, inherit, learn
from sekisho.velocity import Counters
from sekisho.windows import RecountingStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.entrypoints.node import Node
    from sekisho.ledger import Recorded

HOUR_US = 3_600_000_000
LATER_US = (0, 1, 20 * 60 * 1_000_000, 2 * HOUR_US, 25 * HOUR_US, 8 * 24 * HOUR_US)
"""How long after the newest event all keys are asked: a place in every window."""


@dataclass(slots=True)
class _Decided:
    event: Event
    record: Record
    outcomes: list[Event] = field(default_factory=list[Event])


class Recount:
    """The counters in force at a node, folded from the log by the definition of each.

    Its own fold and its own store: nothing is shared with the node but what a record is.
    """

    def __init__(self, node: Node) -> None:
        self.policy = node.policy
        specs, catalogue = node.policy.counters.specs, node.policy.catalogue
        self.counters = Counters(specs, catalogue, 0, RecountingStore)
        self.version = node.policy.live.counters
        self.seq = 0
        self.newest_us = 0
        self._decided: dict[str, _Decided] = {}
        self._seen: set[tuple[str, str]] = set()
        self._keys = tuple({spec.by for spec in specs})
        self._keys_asked: set[tuple[Any, ...]] = set()
        self._asked: list[Event] = []

    def follow(self, rows: Iterable[Recorded]) -> list[str]:
        """Fold further rows; what recorded decisions saw otherwise than they should have."""
        wrong: list[str] = []
        for row in rows:
            if row.seq != self.seq + 1:
                wrong.append(f"row {self.seq + 1} is missing")
            if row.kind == "control":
                self.seq = row.seq
                continue
            if (row.kind, row.event_id) in self._seen:
                wrong.append(f"row {row.seq}: `{row.event_id}` is recorded twice")
            self._seen.add((row.kind, row.event_id))
            self.seq = row.seq
            event = receive(row.body, row.at_us, self.policy.context)
            if row.kind == "decision":
                wrong += self._compare_seen(row, event)
                self._take_decision(row, event)
            else:
                self._take_outcome(event)
            self.newest_us = max(self.newest_us, event.at_us)
        return wrong

    def compare(self, counters: Counters) -> list[str]:
        """Where a node's counters differ, for all keys, at several times."""
        wrong: list[str] = []
        for event in self._asked:
            for later_us in LATER_US:
                at_us = self.newest_us + later_us
                due = self.counters.read(event.type, at_us, event.record)
                found = counters.read(event.type, at_us, event.record)
                if due != found:
                    wrong.append(f"after row {self.seq}, `{event.id}`: {_differing(due, found)}")
        return wrong

    @property
    def keys_asked(self) -> int:
        """Different keys whose counters are compared."""
        return len(self._keys_asked)

    def _compare_seen(self, row: Recorded, event: Event) -> Iterator[str]:
        told = json.loads(row.answer)
        due = self.counters.read(event.type, event.at_us, event.record)
        seen = {name: v for name, v in told["attributes"].items() if name in self.counters.names}
        if told["versions"]["counters"] != self.version:  # decided with others in force
            due = {name: value for name, value in due.items() if name in seen}
        if due != seen:
            yield f"row {row.seq}, `{event.id}` saw {_differing(due, seen)}"

    def _take_decision(self, row: Recorded, event: Event) -> None:
        record = as_evaluated(event, row.answer)
        self.counters.apply(event.type, event.at_us, record)
        self._decided[event.id] = _Decided(event, record)
        values = event.record.get
        keys = {(names, *map(values, names)) for names in self._keys}
        if not keys <= self._keys_asked:
            self._keys_asked |= keys
            self._asked.append(event)

    def _take_outcome(self, outcome: Event) -> None:
        about = self._decided[outcome.about]
        before = learn(about.record, about.outcomes)
        about.outcomes.append(outcome)
        after = learn(about.record, about.outcomes)
        self.counters.revise(about.event.type, about.event.at_us, before, after)
        self.counters.apply(outcome.type, outcome.at_us, inherit(after, outcome))


def recounted(node: Node) -> tuple[Recount, list[str]]:
    """A recount of a node's whole log, and everything that is wrong with it."""
    recount = Recount(node)
    wrong = recount.follow(node.ledger.read_from())
    return recount, wrong + recount.compare(node.policy.counters)


def _differing(due: dict[str, Any], found: dict[str, Any]) -> str:
    names = sorted(due.keys() | found.keys())
    parts = [
        f"{name} {found.get(name)} instead of {due.get(name)}"
        for name in names
        if due.get(name) != found.get(name)
    ]
    return ", ".join(parts)
