"""The nouns of judging: stored rules, rule sets, hits."""

from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.language import Action, CompiledRules, Rule
from sekisho.rules.failure import FailurePolicy
from sekisho.rules.rollout import HoldoutPlan, Mode, Rollout


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule with its identity. `created_us` decides who is credited among equals."""

    id: str
    rule: Rule
    created_us: int
    post_authorization: bool
    """It reads what only the issuer's answer brings, so it acts after the bank approved."""
    fields: frozenset[str]
    lists: frozenset[str]
    on_failure: FailurePolicy | None = None
    builtin: bool = False
    mode: Mode = Mode.LIVE
    rollout: Rollout | None = None

    @property
    def action(self) -> Action:
        """What the rule asks for."""
        return self.rule.action


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched, or that counts as matched because its inputs were unavailable."""

    rule: StoredRule
    action: Action
    by_policy: FailurePolicy | None = None


@dataclass(frozen=True, slots=True)
class CompiledGroup:
    """Rules that are judged together, as one function."""

    rules: tuple[StoredRule, ...]
    compiled: CompiledRules


@dataclass(frozen=True, slots=True)
class RuleSet:
    """An immutable, compiled set of rules under one version."""

    version: str
    rules: tuple[StoredRule, ...]
    deciding: CompiledGroup
    """Rules about events that are decided."""
    resolving: CompiledGroup
    """`Resolve dispute` rules, judged when a dispute is reported."""
    fields: frozenset[str]
    lists: frozenset[str]
    shadowing: CompiledGroup | None = None
    """Rules in shadow about events that are decided; None when there are none."""
    holdout: HoldoutPlan | None = None
    beside: "Beside | None" = None
    """A candidate set that is judged too, without a say."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A whole set in shadow: judged beside the live one, recorded, not acted on."""

    ruleset: RuleSet
    own: CompiledGroup
    """Its rules whose verdict the live set does not give already."""
    shared: Mapping[str, StoredRule]
    """Id of a live rule → the rule of this set that matches whenever that one does."""
