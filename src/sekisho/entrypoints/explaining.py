"""Reading decisions back: the answer as recorded, and each rule with what was true in it."""

from typing import Any, Final

import msgspec

from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.entrypoints.rulesets_told import trial_told
from sekisho.flow import as_evaluated
from sekisho.kit.clock import iso
from sekisho.language import explain
from sekisho.ledger import Recorded
from sekisho.rules import is_taken

VERDICT: Final = frozenset({"hits", "outcome", "rule", "network_status"})
"""Fields of the answer to an outcome that say what rules made of it."""
PAGE_ROWS_MAX: Final = 5_000
"""Rows of the log read at once while looking for decisions."""


def explained(node: Node, decision_id: str) -> dict[str, Any]:
    """A decision with its explanation.

    The rules are those of the version that decided. Lists are looked up as they are now; when they
    changed since,
    `lists_changed` says so.

    Raises:
        HttpRefusal: 404 when there is no such decision.
    """
    row = node.ledger.find_decision(decision_id) or node.ledger.find_event(decision_id)
    if row is None:
        raise HttpRefusal(404, "resource_missing", f"no such decision: '{decision_id}'", param="id")
    told: dict[str, Any] = msgspec.json.decode(row.answer)
    event = node.checkpoint.reread(row.body, row.at_us)
    record = as_evaluated(event, row.answer)
    ruleset = node.policy.ruleset_of(told["versions"]["ruleset"])
    hits = {hit["rule"] for hit in (*told["hits"], *told.get("shadow", ()))}
    told["recorded_at"] = iso(row.recorded_us)
    told["explanation"] = {
        "lists_changed": told["versions"]["lists"] != node.book.version,
        "rules": [
            {
                "rule": rule.id,
                "predicate": rule.rule.text,
                "matched": rule.id in hits,
                "held_back": not is_taken(rule, record),
                **trial_told(rule.mode, rule.rollout),
                "why": explain(rule.rule.condition, record, node.book.values).as_dict(),
            }
            for rule in (ruleset.rules if ruleset else ())
        ],
    }
    told["input"] = msgspec.json.decode(row.body)
    told["outcomes"] = [_outcome(one) for one in node.ledger.outcomes_of(row.event_id)]
    return told


def _outcome(row: Recorded) -> dict[str, Any]:
    """What was reported, and what the rules made of it."""
    answer: dict[str, Any] = msgspec.json.decode(row.answer)
    return {**msgspec.json.decode(row.body), **{k: v for k, v in answer.items() if k in VERDICT}}


def recent(node: Node, limit: int, starting_after: str) -> tuple[list[msgspec.Raw], bool]:
    """The newest decisions before one, and whether there are older ones."""
    top = node.ledger.last_seq + 1
    if starting_after:
        row = node.ledger.find_decision(starting_after)
        if row is None:
            raise HttpRefusal(
                404,
                "resource_missing",
                f"no such decision: '{starting_after}'",
                param="starting_after",
            )
        top = row.seq
    found: list[Recorded] = []
    span = 4 * limit
    while top > 1 and len(found) <= limit:
        bottom = max(1, top - span)
        span = min(2 * span, PAGE_ROWS_MAX)  # long stretches of outcomes are passed in few steps
        rows = [
            one for one in node.ledger.read_from(bottom, top - bottom) if one.kind == "decision"
        ]
        found += reversed(rows)
        top = bottom
    return [msgspec.Raw(one.answer) for one in found[:limit]], len(found) > limit
