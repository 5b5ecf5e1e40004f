"""Which classes of rules an event takes; the others are held back, whatever their condition."""

from collections.abc import Iterable
from typing import Final

from sekisho.events import Record
from sekisho.language import Action
from sekisho.rules.model import StoredRule
from sekisho.rules.rollout import is_rolled_out

NOT_DECIDING: Final = frozenset({Action.RESOLVE_DISPUTE, Action.PAYOUT_PAUSE})
"""Rules about disputes and accounts: kept in the set, no say in a payment."""
CLASS_FIELDS: Final = frozenset({"event_type", "transaction_type", "payment_method_type"})
"""What `takes` looks at in an event."""
NOT_REVIEWED: Final = frozenset({"ach_debit", "sepa_debit", "us_bank_account"})
"""Payment methods whose payments cannot be reviewed: bank debits."""


def takes(action: Action, record: Record) -> bool:
    """Whether a decided event takes rules of an action (contract, sections 1 and 17).

    Only payments are authenticated by 3D Secure, and a bare charge is not. The set-up of a payment
    method and a bank debit cannot be reviewed.

    >>> takes(Action.REQUEST_3DS, {"event_type": "payment", "transaction_type": "charge"})
    False
    >>> takes(Action.REVIEW, {"event_type": "payment", "transaction_type": "charge"})
    True
    """
    if action is Action.REQUEST_3DS:
        kind = record.get("event_type", "payment")
        return kind == "payment" and record.get("transaction_type") != "charge"
    if action is Action.REVIEW:
        method = record.get("payment_method_type")
        return record.get("transaction_type") != "setup_intent" and method not in NOT_REVIEWED
    return action not in NOT_DECIDING


def fields_of_classes(rules: Iterable[StoredRule]) -> frozenset[str]:
    """Attributes that tell which of these rules an event takes, beside what their texts read."""
    depends = any(rule.action in (Action.REQUEST_3DS, Action.REVIEW) for rule in rules)
    return CLASS_FIELDS if depends else frozenset()


def is_taken(rule: StoredRule, record: Record) -> bool:
    """Whether a decided event takes a rule: its class, and its share if it is being rolled out."""
    if rule.rollout is not None and not is_rolled_out(rule.id, rule.rollout, record):
        return False
    return takes(rule.rule.action, record)
