"""Rules that a kind of event does not take are held back."""

from typing import Any

import pytest

from sekisho.events import default_catalogue
from sekisho.rules import DraftRule, assemble, build_ruleset, judge

CATALOGUE = default_catalogue()
CLASSES = (
    "Request 3DS", "Allow", "Block", "Review", "Hold", "Challenge", "Resolve dispute",
    "Payout pause",
)  # fmt: skip
ALL = {"Request 3DS", "Allow", "Block", "Review", "Hold", "Challenge"}


@pytest.mark.parametrize(
    ("event", "held_back"),
    [
        ({}, set[str]()),
        ({"transaction_type": "charge"}, {"Request 3DS"}),
        ({"transaction_type": "payment_intent"}, set[str]()),
        ({"transaction_type": "setup_intent"}, {"Review"}),
        ({"payment_method_type": "card"}, set[str]()),
        ({"payment_method_type": "sepa_debit"}, {"Review"}),
        ({"payment_method_type": "us_bank_account"}, {"Review"}),
        ({"event_type": "card_authorization"}, {"Request 3DS"}),
        ({"event_type": "inbound_transfer"}, {"Request 3DS"}),
        ({"event_type": "login"}, {"Request 3DS"}),
    ],
)
def test_each_kind_of_event_takes_its_classes(event: dict[str, Any], held_back: set[str]) -> None:
    drafts = [DraftRule(f"{action} if :amount_in_usd: > 1", action) for action in CLASSES]
    ruleset = build_ruleset("v", assemble(drafts, CATALOGUE, {}, str))
    record = {"event_type": "payment", "amount_in_usd": 5.0, **event}
    assert {rule.id for rule in judge(ruleset, record, {})} == ALL - held_back
