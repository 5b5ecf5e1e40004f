"""What policies ask for because of a decision."""

from collections.abc import Callable

from sekisho.actions import Decided, Policies
from sekisho.events import Event, Record
from sekisho.flow.assess import Assessment
from sekisho.ledger import OutboxRow

Made = tuple[Event, Record, Assessment, str, int]
"""A decision just made: event, record, assessment, the decision's id, when."""


def asked_for(
    policies: Policies, made: Made, ruleset: str, trace: Callable[[], str]
) -> tuple[tuple[OutboxRow, ...], Callable[[], None]]:
    """The rows of a decision's actions, and what gives back their counts should it be refused."""
    event, record, assessment, decision_id, now_us = made
    decision = assessment.decision
    decided = Decided(
        decision_id=decision_id,
        event_id=event.id,
        event_type=event.type,
        outcome=decision.outcome,
        rule=decision.credited.rule.id if decision.credited else "",
        hits=tuple(hit.rule.id for hit in decision.hits),
        ruleset=ruleset,
        now_us=now_us,
    )
    return policies.rows(decided, record, trace)
