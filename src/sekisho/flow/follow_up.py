"""What a later outcome asks for: dispute rules, and rules that read the issuer's checks."""

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import msgspec

from sekisho.decisions import ACTION_CODES, Decision, Outcome, decide
from sekisho.events import Event
from sekisho.flow.assess import Live
from sekisho.flow.subject import Subject, inherit, learn
from sekisho.kit.clock import from_us
from sekisho.language import Action
from sekisho.ledger import OutboxRow
from sekisho.rules import Hit, StoredRule, judge, judge_dispute

Lists = Mapping[str, Container[str]]

TOO_LATE: Final = frozenset({Action.REQUEST_3DS, Action.CHALLENGE})
"""Actions that make no sense once the issuer has approved."""
TO_DO: Final[dict[Outcome, str]] = {
    Outcome.BLOCK: "payment.reverse",
    Outcome.HOLD: "decision.hold",
    Outcome.REVIEW: "decision.review",
}
"""What is to be done about an approved payment, by the outcome of its issuer's checks."""
REVERSED: Final = "reversed_after_approval"
"""Network status of a payment that is blocked after the bank approved it, as the vendor says it."""
_ENCODER: Final = msgspec.json.Encoder()


class FollowUp(msgspec.Struct, frozen=True):
    """The recorded answer to an outcome, and what is to be done because of it."""

    answer: bytes
    outbox: tuple[OutboxRow, ...] = ()


def follow_up(live: Live, lists: Lists, subject: Subject, outcome: Event, now_us: int) -> FollowUp:
    """Judge what an outcome brought to light.

    Args:
        live: the rules in force now.
        lists: the lists in force.
        subject: the decided event, with the outcomes known before this one.
        outcome: what became known.
        now_us: from when on anything may be done about it.
    """
    if outcome.type == "dispute":
        record = inherit(learn(subject.record, subject.outcomes), outcome)
        resolving = judge_dispute(live.ruleset, record, lists)
        todo = _to_do(outcome, "dispute.resolve", resolving[0], now_us) if resolving else ()
        return FollowUp(_told(outcome, resolving), todo)
    if outcome.type != "authorization":
        return FollowUp(_told(outcome, ()))
    decision = judge_checks(live, lists, subject, outcome)
    if decision is None or decision.credited is None:
        return FollowUp(_told(outcome, ()))
    credited, kind = decision.credited.rule, TO_DO.get(decision.outcome)
    more: dict[str, Any] = {
        "outcome": decision.outcome,
        "rule": {"id": credited.id, "predicate": credited.rule.text},
        "rule_override_by_allow_rule": decision.rule_override_by_allow_rule,
    }
    if decision.outcome is Outcome.BLOCK:
        more["network_status"] = REVERSED
    answer = _told(outcome, [hit.rule for hit in decision.hits], more)
    return FollowUp(answer, _to_do(outcome, kind, credited, now_us) if kind else ())


def judge_checks(live: Live, lists: Lists, subject: Subject, outcome: Event) -> Decision | None:
    """Decide an approved payment by the rules that read the issuer's checks.

    The others had their say before; Allow rules are judged once more, because they rescue. None
    when the payment did not go through, or when no rule on the checks matches.
    """
    known = learn(subject.record, (*subject.outcomes, outcome))
    if known.get("outcome") != "authorized":
        return None
    matched = [
        rule
        for rule in judge(live.ruleset, known, lists)
        if rule.action is Action.ALLOW or (rule.post_authorization and rule.action not in TOO_LATE)
    ]
    if not any(rule.action is not Action.ALLOW for rule in matched):
        return None
    return decide([Hit(rule, rule.action) for rule in matched])


def _told(
    outcome: Event, hits: Sequence[StoredRule], more: Mapping[str, Any] | None = None
) -> bytes:
    """The body of the answer, with the rules that matched."""
    return _ENCODER.encode(
        {
            "object": "event",
            "id": outcome.id,
            "type": outcome.type,
            "about": outcome.about,
            "occurred_at": from_us(outcome.at_us),
            "hits": [{"rule": rule.id, "action": ACTION_CODES[rule.action]} for rule in hits],
            **(more or {}),
        }
    )


def _to_do(outcome: Event, kind: str, rule: StoredRule, now_us: int) -> tuple[OutboxRow, ...]:
    payload = {"event": outcome.id, "about": outcome.about, "rule": rule.id}
    return (
        OutboxRow(
            id=f"act_event_{outcome.id}",  # chosen by the caller: never that of a decision
            kind=kind,
            payload=_ENCODER.encode(payload),
            ordering_key=outcome.about,
            due_at_us=now_us,
            is_note=kind.startswith("decision."),
        ),
    )
