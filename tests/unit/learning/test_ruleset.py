from collections.abc import Callable

from sekisho.learning import Costs, Past, backtest_ruleset, verdict_table
from sekisho.rules import DraftRule, assemble

from .conftest import paid, told

Make = Callable[..., Past]
ROWS = [
    *(paid(at, card_brand="mallory", risk_score=float(at)) for at in range(1, 9)),
    paid(9),
    told("dispute", 8, is_fraudulent=True),
]
CANDIDATE = (
    "Block if :card_brand: = 'mallory' and :risk_score: > 4",
    "Block if :card_brand: = 'mallory' and :risk_score: > 6",
    "Review if :card_brand: = 'mallory'",
    "Block if :card_brand: = 'x' and :card_brand: = 'y'",
)


def test_flips_rules_and_money_of_a_candidate_set_add_up(past_with: Make) -> None:
    past = past_with(ROWS, ("Review if :card_brand: = 'mallory'",))
    numbers = iter(range(9))
    drafts = [DraftRule(text) for text in CANDIDATE]
    rules = assemble(
        drafts, past.catalogue, {}, lambda: f"new_{next(numbers)}", before=past.live, now_us=1
    )
    assert rules[2].id == "live_1"
    costs = Costs(dispute_fee=1500, margin=0.5, share_of_blocked_good_lost=1,
                  share_of_fraud_found_in_review=0, review_minutes=2, minute_cost=10)  # fmt: skip
    result = backtest_ruleset(past, rules, costs)
    assert [
        (one["live"], one["candidate"], one["count"], one["fraud"]) for one in result["flips"]
    ] == [("review", "block", 4, 1)]
    because = {"live_rule": "live_1", "candidate_rule": rules[0].id}
    assert result["flips"][0]["because"] == because
    assert result["unmatched"] == 1
    assert sum(one["count"] for one in result["matrix"]) == 8
    by_id = {one["rule"]: one for one in result["rules"]}
    assert (by_id["live_1"]["hits"], by_id["live_1"]["credited"]) == (8, 4)
    assert by_id["live_1"]["unique"] == 4
    assert result["overlaps"][0]["count"] == 4
    assert [one["rule"] for one in result["dead"]] == [rules[3].id]
    assert "can never be true together" in result["dead"][0]["because"][0]
    assert [one["rule"] for one in result["redundant"]] == [rules[1].id]
    live, candidate = result["money"]["live"], result["money"]["candidate"]
    assert (live["fraud_lost"], live["dispute_fees"], live["review_cost"]) == (1000, 1500, 160)
    assert (candidate["good_revenue_lost"], candidate["review_cost"]) == (1500, 80)
    assert result["money"]["saved"] == 2660 - 1580
    table = verdict_table(result)
    assert "saves 10.80 USD" in table
    assert f"| review | block | `{rules[0].id}` instead of `live_1` | 4 |" in table
