"""Rules whose inputs are unavailable count by policy, and the decision names them."""

from dataclasses import replace
from typing import Any

import pytest

from sekisho.decisions import Outcome, decide, hits_in_spite_of
from sekisho.language import Action
from sekisho.rules import FailurePolicy, default_policy

COUNTER = "total_charges_per_customer_hourly"
MISSING = {"counters": frozenset({COUNTER})}


def outcome_of(rules: Any, event_type: str, missing: Any = MISSING) -> Any:
    hits, report = hits_in_spite_of(missing, rules, [], event_type, {})
    return decide(hits), report


@pytest.mark.parametrize(
    ("event_type", "outcome"),
    [
        ("payment", Outcome.REVIEW),
        ("login", Outcome.CHALLENGE),
        ("signup", Outcome.BLOCK),
        ("otp_request", Outcome.BLOCK),
    ],
)
def test_missing_counters_follow_the_flows_default(
    new_ruleset: Any, event_type: str, outcome: Outcome
) -> None:
    decision, (report,) = outcome_of(new_ruleset(f"Block if :{COUNTER}: > 3"), event_type)
    assert decision.outcome is outcome
    assert decision.hits[0].by_policy is default_policy("counters", event_type)
    assert report.policies == (("r1", default_policy("counters", event_type)),)


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [
        (FailurePolicy.OPEN, Outcome.ALLOW),
        (FailurePolicy.REVIEW, Outcome.REVIEW),
        (FailurePolicy.CHALLENGE, Outcome.CHALLENGE),
        (FailurePolicy.CLOSED, Outcome.BLOCK),
    ],
)
def test_policy_of_the_rule_wins(new_ruleset: Any, policy: FailurePolicy, outcome: Outcome) -> None:
    rules = new_ruleset(f"Block if :{COUNTER}: > 3")
    named = replace(rules, rules=tuple(replace(one, on_failure=policy) for one in rules.rules))
    decision, (report,) = outcome_of(named, "payment")
    assert decision.outcome is outcome
    assert report.policies == (("r1", policy),)


def test_rule_that_needs_nothing_missing_keeps_its_verdict(new_ruleset: Any) -> None:
    rules = new_ruleset("Block if :amount_in_usd: > 3", f"Review if :{COUNTER}: > 3")
    hits, report = hits_in_spite_of(MISSING, rules, [rules.rules[0]], "payment", {})
    assert [(hit.rule.id, hit.action) for hit in hits] == [
        ("r1", Action.BLOCK),
        ("r2", Action.REVIEW),
    ]
    assert [one.dependency for one in report] == ["counters"]


def test_allow_rule_that_cannot_be_read_never_allows(new_ruleset: Any) -> None:
    rules = new_ruleset(f"Allow if :{COUNTER}: < 3", "Block if :amount_in_usd: > 3")
    hits, _ = hits_in_spite_of(MISSING, rules, list(rules.rules), "payment", {})
    assert decide(hits).outcome is Outcome.BLOCK


def test_nothing_missing_is_nothing_degraded(new_ruleset: Any) -> None:
    rules = new_ruleset("Block if :amount_in_usd: > 3")
    hits, report = hits_in_spite_of({}, rules, list(rules.rules), "payment", {})
    assert (len(hits), report) == (1, [])


def test_rule_that_the_event_does_not_take_follows_no_policy(new_ruleset: Any) -> None:
    rules = new_ruleset(
        f"Request 3DS if :{COUNTER}: > 3", f"Payout pause if :{COUNTER}: > 3"
    )  # fmt: skip
    charge = {"event_type": "payment", "transaction_type": "charge"}
    hits, (report,) = hits_in_spite_of(MISSING, rules, [], "payment", charge)
    assert (hits, report.policies) == ([], ())
