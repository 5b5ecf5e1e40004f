"""What a rule did, by its action, on a history that is small enough to count by hand."""

from typing import Any

import polars as pl
import pytest

from sekisho.learning import Edit, RuleAsked, matches_of, rule_metrics
from sekisho.learning.hints import hints_for

DAY_US = 86_400_000_000
EVER = (0, 1 << 62)


def decided(number: int, **more: Any) -> dict[str, Any]:
    plain = {
        "event": f"e{number}", "type": "payment", "at_us": number * DAY_US, "about": None,
        "decided": "allow", "rule": None, "hits": [], "shadow": None, "overridden": False,
        "amount": 1000.0, "currency": "usd", "risk_score": 20.0, "verdict": None,
        "is_fraudulent": None, "outcome": None, "holdout_probability": None,
        "holdout_passed": None, "holdout_rule": None, "label": None, "refund_reason": None,
    }  # fmt: skip
    return {**plain, **more}


def became(number: int, kind: str, **more: Any) -> dict[str, Any]:
    place = {"event": f"{kind}{number}", "type": kind, "about": f"e{number}"}
    nothing = {"decided": None, "hits": None, "amount": None}
    return decided(number, **{**place, **nothing, "at_us": number * DAY_US + 5, **more})


def history(rows: list[dict[str, Any]]) -> pl.LazyFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(pl.col("about").cast(pl.String)).lazy()


def told(action: str, rows: list[dict[str, Any]], **rule: Any) -> dict[str, Any]:
    records = history(rows)
    return rule_metrics([RuleAsked("r", action, "…", **rule)], records, EVER, 1 << 61)[0]


def by(outcome: str, **more: Any) -> dict[str, Any]:
    return {"decided": outcome, "rule": "r", "hits": ["r"], **more}


def test_review_tells_approvals_refunds_and_disputes_after_approval() -> None:
    rows = [decided(n, **by("review")) for n in range(4)]
    rows += [became(0, "review_verdict", verdict="approved")]
    rows += [became(1, "review_verdict", verdict="approved")]
    rows += [became(2, "review_verdict", verdict="refunded_as_fraud")]
    rows += [became(1, "dispute", is_fraudulent=True)]
    found = told("review", rows)
    assert found["sent_to_review"]["count"] == 4
    assert found["approved"] == {"count": 2, "volume": {"usd": 2000}}
    assert found["refund_rate"] == 0.25
    assert found["disputes_from_approved"]["count"] == 1
    assert found["fraud_among_matched"]["count"] == 2


def test_allow_tells_overrides_and_their_disputes() -> None:
    rows = [decided(0, **by("allow", overridden=True)), decided(1, **by("allow"))]
    rows += [became(0, "dispute", is_fraudulent=True), became(1, "dispute", is_fraudulent=True)]
    found = told("allow", rows)
    assert found["allowed"]["count"] == 2
    assert found["overrides"]["count"] == 1
    assert found["disputes_from_overrides"]["count"] == 1
    assert found["risk_scores"]["median"] == 20


def test_block_is_measured_by_what_went_through_at_its_score() -> None:
    rows = [decided(n, risk_score=95.0) for n in range(40)]
    rows += [became(n, "dispute", is_fraudulent=True) for n in range(30)]
    rows += [decided(100 + n, **by("block", risk_score=95.0)) for n in range(10)]
    found = told("block", rows)
    assert found["blocked"]["count"] == 10
    assert found["estimated_false_positive_rate"] == pytest.approx(1 - 30.5 / 41)
    assert found["estimated_fraud_prevented"] == pytest.approx(10 * 30.5 / 41)
    assert found["blocked_beyond_calibration"] == 0
    assert "calibrated" in found["false_positive_method"]


def test_3ds_tells_requests_and_disputes_after_approval() -> None:
    rows = [decided(n, **by("request_3ds")) for n in range(3)]
    rows += [became(0, "authorization", outcome="authorized")]
    rows += [became(0, "dispute", is_fraudulent=True)]
    found = told("request_3ds", rows)
    assert (found["requested"]["count"], found["approved"]["count"]) == (3, 1)
    assert found["disputes_after"]["count"] == 1


def test_days_mark_each_edit_and_shadow_matches_count() -> None:
    rows = [decided(2, shadow=["r"]), decided(3, shadow=["r"]), decided(4)]
    found = told("block", rows, edits=[Edit(3 * DAY_US + 7, "rs_1", "added")])
    assert [one["matched"] for one in found["days"]] == [1, 1]
    assert found["days"][1]["edits"] == [{"version": "rs_1", "what": "added"}]


def test_matches_are_listed_with_what_became_of_them() -> None:
    rows = [decided(1, **by("review")), decided(2), became(1, "dispute", is_fraudulent=True)]
    listed = matches_of("r", history(rows), EVER, 1 << 61)
    assert listed["event"].to_list() == ["e1"]
    assert listed["fraud"].to_list() == [True]


def test_outcomes_of_later_than_asked_are_unknown() -> None:
    rows = [decided(1, **by("review")), became(1, "dispute", is_fraudulent=True)]
    records = history(rows)
    rule = RuleAsked("r", "review", "…")
    early = rule_metrics([rule], records, EVER, DAY_US)[0]
    assert early["fraud_among_matched"]["count"] == 0


def count(number: int) -> dict[str, Any]:
    return {"count": number, "volume": {}}


@pytest.mark.parametrize(
    ("metrics", "halves", "observed"),
    [
        ({"action": "block", "matched": count(0)}, ((0, 0), (0, 0)), "no matches"),
        ({"action": "block", "matched": count(99)}, ((80, 10), (19, 10)), "blocks fall"),
        ({"action": "block", "matched": count(99)}, ((30, 10), (69, 10)), "blocks rise"),
        ({"action": "block", "matched": count(99)}, ((30, 10), (69, 30)), ""),
        ({"action": "review", "matched": count(50), "sent_to_review": count(50),
          "approved": count(45), "refund_rate": 0.0}, ((0, 0), (0, 0)), "mostly approved"),
        ({"action": "review", "matched": count(50), "sent_to_review": count(50),
          "approved": count(2), "refund_rate": 0.9}, ((0, 0), (0, 0)), "mostly refunded"),
        ({"action": "request_3ds", "matched": count(50), "approved": count(50),
          "disputes_after": count(9)}, ((0, 0), (0, 0)), "fraud passes"),
        ({"action": "request_3ds", "matched": count(50), "approved": count(50),
          "disputes_after": count(0)}, ((0, 0), (0, 0)), "few disputes"),
        ({"action": "allow", "matched": count(50), "allowed": count(50), "refunds": count(0),
          "fraud_among_matched": count(20)}, ((0, 0), (0, 0)), "many disputes"),
        ({"action": "allow", "matched": count(3), "allowed": count(3), "refunds": count(3),
          "fraud_among_matched": count(3)}, ((0, 0), (0, 0)), ""),
    ],
)  # fmt: skip
def test_hints_follow_the_table(metrics: Any, halves: Any, observed: str) -> None:
    hints = hints_for(metrics, halves)
    assert observed in hints[0]["observed"] if observed else hints == []
