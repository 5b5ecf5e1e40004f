"""What the caller is told: the decision as JSON, exactly the bytes that are recorded."""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from sekisho.decisions import ACTION_CODES, Decision, Degraded, Outcome, decide
from sekisho.events import Event, Record
from sekisho.flow.assess import Assessment, HeldOut, Live
from sekisho.kit.clock import from_us
from sekisho.ledger import OutboxRow
from sekisho.rules import Hit
from sekisho.scoring import Risk

_ENCODER: Final = msgspec.json.Encoder()


class _Answer(msgspec.Struct, gc=False):
    """The decision as told, in the order of its fields."""

    object: str
    id: str
    event: str
    type: str
    occurred_at: datetime
    outcome: Outcome
    rule: dict[str, Any] | None
    hits: list[dict[str, str]]
    request_3ds: bool
    rule_override_by_allow_rule: bool
    risk: msgspec.Raw
    attributes: msgspec.Struct
    versions: msgspec.Raw
    degraded: list[dict[str, Any]]
    shadow: list[dict[str, str]] | msgspec.UnsetType = msgspec.UNSET
    shadow_outcome: Outcome | msgspec.UnsetType = msgspec.UNSET
    holdout: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    shadow_ruleset: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def encode_decision(
    decision_id: str, event: Event, record: Record, assessment: Assessment, live: Live, lists: str
) -> bytes:
    """The body of the answer, also the ledger's `answer`."""
    decision, risk = assessment.decision, assessment.risk
    return _ENCODER.encode(
        _Answer(
            "decision",
            decision_id,
            event.id,
            event.type,
            from_us(event.at_us),
            decision.outcome,
            _credited(decision.credited),
            [_hit(hit) for hit in decision.hits],
            decision.request_3ds,
            decision.rule_override_by_allow_rule,
            _risk(risk),
            live.report(record),
            _versions(live.ruleset.version, lists, live.counters, live.scorecard.version),
            [_degraded(one) for one in assessment.degraded],
            *(_trial(assessment, live) if assessment.is_on_trial else ()),
        )
    )


def _trial(assessment: Assessment, live: Live) -> tuple[Any, Any, Any, Any]:
    """What rules in shadow would have said, what a holdout let pass, what a set in shadow says."""
    shadow, held = assessment.shadow, assessment.holdout
    told: tuple[Any, Any] = (msgspec.UNSET, msgspec.UNSET)
    if shadow is not None:
        outcome = decide((*assessment.decision.hits, *shadow)).outcome
        told = ([_hit(hit) for hit in shadow], outcome)
    return (*told, _held(held) if held else msgspec.UNSET, _beside(assessment.beside, live))


def _held(held: HeldOut) -> dict[str, Any]:
    return {
        "probability": held.probability,
        "passed": held.passed,
        "would_have_been": Outcome.BLOCK,
        "rule": held.rule,
    }


class _Beside(msgspec.Struct, gc=False):
    """What a whole set in shadow decided."""

    version: str
    outcome: Outcome
    rule: str | None
    hits: list[dict[str, str]]
    request_3ds: bool


def _beside(decision: Decision | None, live: Live) -> msgspec.Raw | msgspec.UnsetType:
    beside = live.ruleset.beside
    if decision is None or beside is None:
        return msgspec.UNSET
    if not decision.hits:
        return _nothing_matched(beside.ruleset.version)
    credited = decision.credited.rule.id if decision.credited else None
    hits = [_hit(hit) for hit in decision.hits]
    told = _Beside(beside.ruleset.version, decision.outcome, credited, hits, decision.request_3ds)
    return msgspec.Raw(_ENCODER.encode(told))


@lru_cache(maxsize=16)
def _nothing_matched(version: str) -> msgspec.Raw:
    """The same for most decisions, so encoded once."""
    return msgspec.Raw(_ENCODER.encode(_Beside(version, Outcome.ALLOW, None, [], False)))


@lru_cache(maxsize=4096)
def _risk(risk: Risk) -> msgspec.Raw:
    """The same for many decisions, so encoded once."""
    reasons = [{"code": code, "points": points} for code, points in risk.reasons]
    told = {"score": risk.score, "level": risk.level, "reasons": reasons}
    return msgspec.Raw(_ENCODER.encode(told))


@lru_cache(maxsize=16)
def _versions(ruleset: str, lists: str, counters: str, model: str) -> msgspec.Raw:
    """The same for decision after decision, so encoded once."""
    told = {"ruleset": ruleset, "lists": lists, "counters": counters, "model": model}
    return msgspec.Raw(_ENCODER.encode(told))


def to_do(
    event: Event, assessment: Assessment, decision_id: str, now_us: int
) -> tuple[OutboxRow, ...]:
    """A note of what a decision leaves to the caller, recorded with it; nothing for `allow`."""
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
            is_note=True,
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
