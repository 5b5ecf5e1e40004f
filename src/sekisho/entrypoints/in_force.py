"""What decisions are made with, worked out from a rule set and counters; live and in a replay."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.entrypoints.declared import fields_read
from sekisho.events import CURRENCIES, ExchangeRates, ReceiveContext
from sekisho.flow import Live
from sekisho.language import Catalogue
from sekisho.rules import RuleSet, fields_of_classes
from sekisho.scoring import Scorecard
from sekisho.velocity import CounterSpec, family_spec

SHADOW: Final = "shadow"
"""In place of a number in the version of a set in shadow; published, it gets one."""
INITIAL: Final = "rs_0_builtin"
"""The version before anything is published: the built-in rules alone."""
AMOUNT: Final = "amount_in_"
ALWAYS_REPORTED: Final = frozenset({"risk_score", "risk_level"})
LOOKED_UP: Final = frozenset({"ip_address"})
"""Attributes by which something is looked up for every event."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A live set with the counters it reads and the door that events come through."""

    live: Live
    specs: tuple[CounterSpec, ...]
    context: ReceiveContext

    def door(self, more: frozenset[str]) -> ReceiveContext:
        """The context of an event to be decided: its record need hold only what will be read."""
        classes = fields_of_classes(self.live.ruleset.rules)
        return self.context.narrowed(more.union(LOOKED_UP, self.live.reported, classes))


def in_force(
    catalogue: Catalogue,
    ruleset: RuleSet,
    scorecard: Scorecard,
    declared: Iterable[CounterSpec],
    rates: ExchangeRates,
) -> InForce:
    """Put together what decides, from a compiled rule set and the counters that are live."""
    specs = specs_of(ruleset, scorecard, declared)
    names = {one.name for one in specs}
    counted = frozenset[str]().union(*(fields_read(one, catalogue) for one in specs))
    reported = ruleset.fields | scorecard.fields | names | counted | ALWAYS_REPORTED
    version = hashlib.sha256(repr(sorted(map(repr, specs))).encode()).hexdigest()[:12]
    live = Live(catalogue, ruleset, scorecard, f"counters_{version}", tuple(sorted(reported)))
    context = context_for(catalogue, ruleset.fields | scorecard.fields, specs, rates)
    return InForce(live, tuple(specs), context)


def specs_of(
    ruleset: RuleSet, scorecard: Scorecard, declared: Iterable[CounterSpec]
) -> list[CounterSpec]:
    """Declared counters, and the families that rules and score read."""
    specs = {one.name: one for one in declared}
    for name in sorted(ruleset.fields | scorecard.fields):
        spec = family_spec(name)
        if spec is not None and name not in specs:
            specs[name] = spec
    return list(specs.values())


def context_for(
    catalogue: Catalogue,
    fields: Iterable[str],
    specs: Sequence[CounterSpec],
    rates: ExchangeRates,
) -> ReceiveContext:
    """What the door needs: only currencies that something reads are converted to."""
    read = " ".join(
        [*fields, *(f"{one.value} {one.where} {one.matching} {' '.join(one.by)}" for one in specs)]
    )
    return ReceiveContext(catalogue, rates, [one for one in CURRENCIES if AMOUNT + one in read])
