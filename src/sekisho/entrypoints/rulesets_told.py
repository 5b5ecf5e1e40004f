"""Rule sets as the API tells them: drafted, published, in force, in shadow."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from sekisho.kit.clock import iso
from sekisho.rules import HoldoutPlan, Mode, Rollout, RuleSet
from sekisho.rules.sqlite import Draft, KeptRule, Published


def trial_told(mode: Mode, rollout: Rollout | None) -> dict[str, Any]:
    """How a rule is tried; nothing of a rule that is simply in force."""
    told: dict[str, Any] = {} if mode is Mode.LIVE else {"mode": mode.value}
    if rollout is not None:
        told["rollout"] = {"percent": rollout.percent, "by": rollout.by}
    return told


def holdout_told(plan: HoldoutPlan | None) -> dict[str, Any]:
    """The holdout of a rule set; nothing when there is none."""
    return {} if plan is None else {"holdout": msgspec.to_builtins(plan)}


def live_told(ruleset: RuleSet) -> dict[str, Any]:
    """The rule set in force, built-in rules included."""
    return {
        "object": "ruleset",
        "version": ruleset.version,
        "live": True,
        "rules": [
            {
                "id": rule.id,
                "predicate": rule.rule.text,
                "on_failure": rule.on_failure,
                "builtin": rule.builtin,
                **trial_told(rule.mode, rule.rollout),
            }
            for rule in ruleset.rules
        ],
        **holdout_told(ruleset.holdout),
    }


def draft_told(draft: Draft, warnings: Mapping[int, Sequence[dict[str, Any]]]) -> dict[str, Any]:
    """A draft with the warnings of each rule, by its place from 0."""
    return {
        "object": "ruleset_draft",
        "rules": [
            {
                "id": one.id or None,
                "predicate": one.predicate,
                "on_failure": one.on_failure,
                **trial_told(one.mode, one.rollout),
                "warnings": warnings.get(index, []),
            }
            for index, one in enumerate(draft.rules)
        ],
        **holdout_told(draft.holdout),
    }


def published_told(published: Published, *, live: bool, rules: bool = True) -> dict[str, Any]:
    """A published version, with its rules if asked for."""
    told: dict[str, Any] = {
        "object": "ruleset",
        "version": published.version,
        "number": published.number,
        "live": live,
        "published_at": iso(published.published_us),
        "author": published.author,
        "note": published.note,
    }
    if rules:
        told["rules"] = _kept_told(published.rules)
        told |= holdout_told(published.holdout)
    return told


def shadow_told(candidate: Published, beside: str) -> dict[str, Any]:
    """The rule set in shadow, and the version that it is recorded beside."""
    return {
        "object": "shadow_ruleset",
        "version": candidate.version,
        "beside": beside,
        "since": iso(candidate.published_us),
        "author": candidate.author,
        "note": candidate.note,
        "rules": _kept_told(candidate.rules),
        **holdout_told(candidate.holdout),
    }


def _kept_told(rules: Iterable[KeptRule]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "predicate": one.predicate,
            "on_failure": one.on_failure or None,
            **trial_told(Mode(one.mode or Mode.LIVE), one.rollout),
        }
        for one in rules
    ]
