"""Deciding when something is down: each rule that needs it follows its named policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.events import Record
from sekisho.language import Action
from sekisho.rules import FailurePolicy, Hit, Mode, RuleSet, StoredRule, default_policy, is_taken

_COUNTS_AS: Final[dict[FailurePolicy, Action]] = {
    FailurePolicy.REVIEW: Action.REVIEW,
    FailurePolicy.CHALLENGE: Action.CHALLENGE,
    FailurePolicy.CLOSED: Action.BLOCK,
}


@dataclass(frozen=True, slots=True)
class Degraded:
    """A dependency that was missing, the rules it touched and the policies they followed."""

    dependency: str
    policies: tuple[tuple[str, FailurePolicy], ...]
    """Rule id and policy."""


def hits_in_spite_of(
    missing: Mapping[str, frozenset[str]],
    ruleset: RuleSet,
    matched: Sequence[StoredRule],
    event_type: str,
    record: Record,
) -> tuple[list[Hit], list[Degraded]]:
    """Replace the verdict of every rule that needs a missing dependency by its policy.

    Args:
        missing: dependency (`counters`, `score`, `profiles`) → the attributes it would have given.
        ruleset: the live set.
        matched: rules that matched on what was there.
        event_type: the flow, for the default policies.
        record: the event; a rule that it does not take follows no policy.

    Returns:
        The hits to decide on, and what to report as degraded.
    """
    if not missing:
        return [Hit(rule, rule.action) for rule in matched], []
    touched: dict[str, Hit | None] = {}
    report: list[Degraded] = []
    for dependency, fields in missing.items():
        policies: list[tuple[str, FailurePolicy]] = []
        for rule in ruleset.rules:
            acts = rule.mode is Mode.LIVE and rule.fields & fields
            if acts and is_taken(rule, record):
                policy = rule.on_failure or default_policy(dependency, event_type)
                # An Allow rule that cannot be read is left out: that is the cautious side already.
                action = None if rule.action is Action.ALLOW else _COUNTS_AS.get(policy)
                touched[rule.id] = Hit(rule, action, policy) if action else None
                policies.append((rule.id, policy))
        report.append(Degraded(dependency, tuple(policies)))
    hits = [Hit(rule, rule.action) for rule in matched if rule.id not in touched]
    return [*hits, *(hit for hit in touched.values() if hit is not None)], report
