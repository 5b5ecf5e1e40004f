"""Which class decides and which rule is named (the rule language's order of evaluation)."""

from itertools import islice, permutations
from typing import Any

import pytest

from sekisho.decisions import Outcome

WORKED = (
    "Allow if :amount_in_usd: < 10",
    "Allow if :card_country: = 'US' and :risk_level: = 'normal'",
    "Block if :risk_level: = 'highest'",
    "Block if :amount_in_usd: > 1000",
    "Review if :card_country: != 'US'",
)
ALWAYS = ":amount_in_usd: > 0"
EVERY = {
    "allow": f"Allow if {ALWAYS}",
    "block": f"Block if {ALWAYS}",
    "hold": f"Hold if {ALWAYS}",
    "challenge": f"Challenge if {ALWAYS}",
    "review": f"Review if {ALWAYS}",
    "request_3ds": f"Request 3D Secure if {ALWAYS}",
}
RECORD = {"amount_in_usd": 5.0}


@pytest.mark.parametrize(
    ("payment", "outcome", "credited", "hits"),
    [
        ((9, "US", "highest"), Outcome.ALLOW, "r1", "r1 r3"),
        ((1500, "US", "normal"), Outcome.ALLOW, "r2", "r2 r4"),
        ((1500, "US", "highest"), Outcome.BLOCK, "r3", "r3 r4"),
        ((50, "JP", "normal"), Outcome.REVIEW, "r5", "r5"),
        ((50, "US", "elevated"), Outcome.ALLOW, None, ""),
        ((2000, "JP", "normal"), Outcome.BLOCK, "r4", "r4 r5"),
    ],
)
def test_worked_example_of_the_contract(
    new_ruleset: Any,
    decided: Any,
    payment: tuple[float, str, str],
    outcome: Outcome,
    credited: str | None,
    hits: str,
) -> None:
    amount, country, level = payment
    record = {"amount_in_usd": float(amount), "card_country": country, "risk_level": level}
    decision = decided(new_ruleset(*WORKED), record)
    assert decision.outcome is outcome
    assert (decision.credited.rule.id if decision.credited else None) == credited
    assert sorted(hit.rule.id for hit in decision.hits) == hits.split()


@pytest.mark.parametrize("pair", list(permutations(EVERY, 2)), ids="-".join)
def test_earlier_class_decides_and_the_later_is_recorded(
    new_ruleset: Any, decided: Any, pair: tuple[str, str]
) -> None:
    decision = decided(new_ruleset(*(EVERY[name] for name in pair)), RECORD)
    first = min(pair, key=list(EVERY).index)
    assert decision.outcome.value == first
    assert len(decision.hits) == 2


def test_order_of_writing_changes_nothing_but_the_credit(new_ruleset: Any, decided: Any) -> None:
    for order in islice(permutations(EVERY.values()), 0, None, 37):
        assert decided(new_ruleset(*order), RECORD).outcome is Outcome.ALLOW


def test_nothing_matched_is_allowed_without_a_rule(new_ruleset: Any, decided: Any) -> None:
    decision = decided(new_ruleset("Block if :amount_in_usd: > 10"), RECORD)
    assert (decision.outcome, decision.credited, decision.hits) == (Outcome.ALLOW, None, ())
    assert decision.request_3ds is False


# ── credit ──────────────────────────────────────────────────────────────────────────────────────


def test_older_rule_is_credited(new_ruleset: Any, decided: Any) -> None:
    rules = new_ruleset(EVERY["block"], "Block if :amount_in_usd: > 1", created=[9, 3])
    assert decided(rules, RECORD).credited.rule.id == "r2"


def test_smaller_id_is_credited_among_rules_of_one_age(new_ruleset: Any, decided: Any) -> None:
    rules = new_ruleset(
        EVERY["block"], "Block if :amount_in_usd: > 1", ids=["b", "a"], created=[3, 3]
    )
    assert decided(rules, RECORD).credited.rule.id == "a"


def test_rule_that_needs_the_issuer_is_credited_last(new_ruleset: Any, decided: Any) -> None:
    rules = new_ruleset("Block if :cvc_check: = 'fail'", EVERY["block"], created=[1, 9])
    decision = decided(rules, {**RECORD, "cvc_check": "fail"})
    assert decision.credited.rule.id == "r2"
    assert decision.credited.rule.post_authorization is False
    alone = decided(new_ruleset("Block if :cvc_check: = 'fail'"), {"cvc_check": "fail"})
    assert alone.outcome is Outcome.BLOCK
    assert alone.credited.rule.post_authorization is True


# ── 3D Secure ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("other", "outcome", "asked"),
    [
        (None, "request_3ds", True),
        ("review", "review", True),
        ("challenge", "challenge", True),
        ("hold", "hold", True),
        ("block", "block", False),
        ("allow", "allow", False),
    ],
)
def test_3ds_ends_nothing_and_is_asked_for_where_the_payment_goes_on(
    new_ruleset: Any, decided: Any, other: str | None, outcome: str, asked: bool
) -> None:
    texts = [EVERY["request_3ds"]] + ([EVERY[other]] if other else [])
    decision = decided(new_ruleset(*texts), RECORD)
    assert decision.outcome.value == outcome
    assert decision.request_3ds is asked


def test_block_may_look_at_the_3ds_result(new_ruleset: Any, decided: Any) -> None:
    rules = new_ruleset(EVERY["request_3ds"], "Block if not :is_3d_secure_authenticated:")
    passed = decided(rules, {**RECORD, "is_3d_secure_authenticated": True})
    assert passed.outcome is Outcome.REQUEST_3DS
    assert decided(rules, RECORD).outcome is Outcome.BLOCK


# ── override ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rescued", ["block", "review", "request_3ds", "challenge", "hold"])
def test_allow_over_any_other_class_is_told(new_ruleset: Any, decided: Any, rescued: str) -> None:
    decision = decided(new_ruleset(EVERY["allow"], EVERY[rescued]), RECORD)
    assert decision.rule_override_by_allow_rule is True


def test_allow_alone_overrides_nothing(new_ruleset: Any, decided: Any) -> None:
    rules = new_ruleset(EVERY["allow"], "Allow if :amount_in_usd: > 1")
    assert decided(rules, RECORD).rule_override_by_allow_rule is False


@pytest.mark.parametrize("name", ["block", "review", "request_3ds"])
def test_without_allow_nothing_is_overridden(new_ruleset: Any, decided: Any, name: str) -> None:
    assert decided(new_ruleset(EVERY[name]), RECORD).rule_override_by_allow_rule is False


def test_rules_about_disputes_have_no_say_in_a_payment(new_ruleset: Any, decided: Any) -> None:
    decision = decided(new_ruleset(f"Resolve dispute if {ALWAYS}"), RECORD)
    assert decision.outcome is Outcome.ALLOW
    assert decision.hits == ()
    rescued = decided(new_ruleset(f"Resolve dispute if {ALWAYS}", EVERY["allow"]), RECORD)
    assert rescued.rule_override_by_allow_rule is False
