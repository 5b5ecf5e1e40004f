from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sekisho.learning import BacktestRefused, Costs, Past, RuleRefused, ask, backtest_rule

from .conftest import DAY, paid, told

Make = Callable[..., Past]


def of(past: Past, rule: str, **more: Any) -> dict[str, Any]:
    return backtest_rule(past, ask(past, rule, {}), Costs(), **more)


def counts(categories: dict[str, Any]) -> dict[str, int]:
    return {name: one["count"] for name, one in categories.items()}


ROWS = [
    paid(1),
    paid(2, amount=2000.0),
    paid(3),
    paid(4),
    paid(5, outcome="declined"),
    paid(6, decided="block", rule="old_rule"),
    paid(7, currency="jpy", amount=10_000.0),
    told("dispute", 2, is_fraudulent=True),
    told("refund", 3),
    told("refund", 4, refund_reason="fraudulent"),
]


def test_every_match_is_in_one_category_with_its_amount_in_one_currency(past_with: Make) -> None:
    result = of(past_with(ROWS), "Block if :card_brand: = 'visa'")
    assert counts(result["by_category"]) == {
        "disputes_and_early_fraud_warnings": 1,
        "refunded": 2,
        "blocked_and_failed": 2,
        "succeeded_later_legitimate": 2,
    }
    assert result["by_category"]["refunded"]["fraudulent"] == {"count": 1, "amount": 1000}
    assert result["matched"] == {"count": 7, "amount": 6 * 1000 + 1000 + 6400}
    assert (result["precision"]["count"], result["precision"]["of"]) == (2, 4)
    assert (result["recall"]["count"], result["recall"]["of"]) == (2, 2)


def test_a_block_rule_changes_nothing_that_was_blocked_already(past_with: Make) -> None:
    result = of(past_with(ROWS), "Block if :card_brand: = 'visa'")
    assert result["incremental"]["count"] == 6
    assert result["already_covered_by"] == [{"rule": "old_rule", "predicate": None, "count": 1}]


def test_a_review_rule_touches_only_what_succeeded_and_no_live_rule_takes(past_with: Make) -> None:
    past = past_with(ROWS, ("Allow if :amount_in_usd: > 50", "Block if :amount_in_usd: = 20"))
    result = of(past, "Review if :card_brand: = 'visa'")
    assert result["incremental"]["count"] == 3
    assert {one["rule"]: one["count"] for one in result["already_covered_by"]} == {
        "live_1": 1,
        "live_2": 1,
        "old_rule": 1,
    }


def test_an_allow_rule_tells_what_it_would_unblock(past_with: Make) -> None:
    past = past_with(ROWS, ("Block if :amount_in_usd: = 20",))
    result = of(past, "Allow if :card_brand: = 'visa' and :risk_score: < 50")
    assert result["would_unblock"]["count"] == 2
    assert result["by_category"]["overrides"]["count"] == 2


def test_a_rule_may_take_the_place_of_one_in_force(past_with: Make) -> None:
    past = past_with(ROWS, ("Block if :amount_in_usd: = 20",))
    wider = "Block if :amount_in_usd: >= 20"
    assert of(past, wider)["incremental"]["count"] == 1
    assert of(past, wider, instead_of="live_1")["incremental"]["count"] == 2
    with pytest.raises(BacktestRefused, match="no rule `nope`"):
        of(past, wider, instead_of="nope")


def test_what_became_known_later_than_the_moment_asked_for_is_not_known(past_with: Make) -> None:
    rows = [paid(1), told("dispute", 1, 5, is_fraudulent=True), paid(9)]
    rule = "Block if :card_brand: = 'visa'"
    past = past_with(rows)
    assert of(replace(past, as_of_us=10 * DAY), rule)["precision"]["count"] == 1
    early = of(replace(past, as_of_us=5 * DAY), rule)
    assert (early["precision"]["count"], early["matched"]["count"]) == (0, 1)


def test_a_label_counts_from_the_moment_it_was_known_and_takes_reports_back(
    past_with: Make,
) -> None:
    rows = [
        paid(1, label="fraud", label_known_at_us=4 * DAY),
        paid(2, label="fraud", label_known_at_us=40 * DAY),
        paid(3),
        told("early_fraud_warning", 3),
        told("label", 3, 2, label="legitimate"),
        paid(20),
    ]
    result = of(replace(past_with(rows), as_of_us=20 * DAY), "Block if :card_brand: = 'visa'")
    assert (result["precision"]["count"], result["precision"]["of"]) == (1, 4)
    assert result["by_category"]["disputes_and_early_fraud_warnings"]["count"] == 2


def test_a_rule_that_matches_nothing_says_why(past_with: Make) -> None:
    past = past_with(ROWS)
    clash = of(past, "Block if :card_brand: = 'visa' and :card_brand: = 'mallory'")
    assert clash["matched"]["count"] == 0
    assert "can never be true together" in clash["no_match_because"][0]
    absent = of(past, "Block if :ip_country: = 'NG'")
    assert absent["no_match_because"] == ["no event of the period has `ip_country`"]
    assert absent["attribute_coverage"] == {"ip_country": 0.0}


def test_what_cannot_be_asked_is_refused_with_a_way_out(past_with: Make) -> None:
    past = past_with(ROWS)
    with pytest.raises(BacktestRefused, match="period is empty"):
        of(replace(past, from_us=50 * DAY, to_us=60 * DAY), "Block if :amount_in_usd: > 5")
    with pytest.raises(RuleRefused, match="did you mean"):
        ask(past, "Block if :card_brnd: = 'visa'", {})
    with pytest.raises(BacktestRefused, match="decide no payment"):
        ask(past, "Resolve dispute if :amount_in_usd: > 5", {})
    with pytest.raises(BacktestRefused, match="no decided event"):
        of(replace(past, from_us=0, to_us=DAY), "Block if :amount_in_usd: > 5")
    with pytest.raises(BacktestRefused, match="reported in `xxx`"):
        of(replace(past, currency="xxx"), "Block if :amount_in_usd: > 5")


def test_outcomes_after_the_period_count_if_they_are_known_as_of_then(past_with: Make) -> None:
    rows = [
        paid(1),
        paid(2),
        paid(3),
        told("dispute", 1, 20, is_fraudulent=True),
        told("refund", 2, 40, refund_reason="fraudulent"),
        told("label", 3, 60, label="fraud"),
    ]
    past = replace(past_with(rows), to_us=4 * DAY)
    rule = "Block if :card_brand: = 'visa'"
    known = {day: of(replace(past, as_of_us=day * DAY), rule) for day in (20, 21, 41, 42, 63)}
    assert [one["precision"]["count"] for one in known.values()] == [0, 1, 1, 2, 3]
    assert [one["recall"]["of"] for one in known.values()] == [0, 1, 1, 2, 3]
    assert {one["period"]["events"] for one in known.values()} == {3}
    assert of(past, rule)["precision"]["count"] == 3


def test_lists_and_rates_that_are_of_today_are_named(past_with: Make) -> None:
    past = past_with([paid(1), paid(2, currency="jpy")], ("Block if :amount_in_usd: > 5000",))
    plain = of(past, "Block if :card_brand: = 'visa'")["as_of_now"]
    assert plain == {"lists": [], "amounts_converted": 1}
    listed = replace(past, lists={"watched": ["visa"]})
    asked = ask(listed, "Block if :card_brand: in @watched", {"watched": "string"})
    assert backtest_rule(listed, asked, Costs())["as_of_now"]["lists"] == ["watched"]
