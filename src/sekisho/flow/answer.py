"""What the caller is told: the decision as JSON, exactly the bytes that are recorded."""

from typing import Any, Final

import msgspec

from sekisho.decisions import ACTION_CODES, Degraded, Outcome
from sekisho.events import Event, Record
from sekisho.flow.assess import Assessment, Live
from sekisho.kit.clock import iso
from sekisho.ledger import OutboxRow
from sekisho.rules import Hit

_ENCODER: Final = msgspec.json.Encoder()


def encode_decision(
    decision_id: str, event: Event, record: Record, assessment: Assessment, live: Live, lists: str
) -> bytes:
    """The body of the answer, also the ledger's `answer`."""
    decision, risk = assessment.decision, assessment.risk
    return _ENCODER.encode(
        {
            "object": "decision",
            "id": decision_id,
            "event": event.id,
            "type": event.type,
            "occurred_at": iso(event.at_us),
            "outcome": decision.outcome.value,
            "rule": _credited(decision.credited),
            "hits": [_hit(hit) for hit in decision.hits],
            "request_3ds": decision.request_3ds,
            "rule_override_by_allow_rule": decision.rule_override_by_allow_rule,
            "risk": {
                "score": risk.score,
                "level": risk.level,
                "reasons": [{"code": code, "points": points} for code, points in risk.reasons],
            },
            "attributes": {name: record[name] for name in live.reported if name in record},
            "versions": {
                "ruleset": live.ruleset.version,
                "lists": lists,
                "counters": live.counters,
                "model": live.scorecard.version,
            },
            "degraded": [_degraded(one) for one in assessment.degraded],
        }
    )


def encode_outcome(event: Event) -> bytes:
    """The body of the answer to a reported outcome."""
    return _ENCODER.encode(
        {
            "object": "event",
            "id": event.id,
            "type": event.type,
            "about": event.about,
            "occurred_at": iso(event.at_us),
        }
    )


def to_do(
    event: Event, assessment: Assessment, decision_id: str, now_us: int
) -> tuple[OutboxRow, ...]:
    """What a decision asks others to do, recorded with it; nothing for `allow`."""
    decision = assessment.decision
    if decision.outcome is Outcome.ALLOW:
        return ()
    payload = {
        "decision": decision_id,
        "event": event.id,
        "type": event.type,
        "outcome": decision.outcome.value,
        "rule": decision.credited.rule.id if decision.credited else None,
    }
    return (
        OutboxRow(
            id=f"act_{decision_id.removeprefix('dec_')}",
            kind=f"decision.{decision.outcome.value}",
            payload=_ENCODER.encode(payload),
            ordering_key=event.id,
            due_at_us=now_us,
        ),
    )


def _credited(hit: Hit | None) -> dict[str, Any] | None:
    if hit is None:
        return None
    return {
        "id": hit.rule.id,
        "action": ACTION_CODES[hit.action],
        "predicate": hit.rule.rule.text,
        "post_authorization": hit.rule.post_authorization,
    }


def _hit(hit: Hit) -> dict[str, str]:
    told = {"rule": hit.rule.id, "action": ACTION_CODES[hit.action]}
    if hit.by_policy is not None:
        told["by_policy"] = hit.by_policy.value
    return told


def _degraded(one: Degraded) -> dict[str, Any]:
    return {
        "dependency": one.dependency,
        "rules": [{"rule": rule, "policy": policy.value} for rule, policy in one.policies],
    }
