"""Live metrics of a rule by its action: what it did, whom it met, and what to think about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from sekisho.history import fates
from sekisho.learning.calibration import METHOD, band_of, calibrate, false_positives
from sekisho.learning.hints import hints_for
from sekisho.learning.holdout import precision_by_rule

DAY_US: Final = 86_400_000_000
TYPES: Final[dict[str, Any]] = {
    "event": pl.String,
    "type": pl.String,
    "at_us": pl.Int64,
    "decided": pl.String,
    "rule": pl.String,
    "hits": pl.List(pl.String),
    "shadow": pl.List(pl.String),
    "overridden": pl.Boolean,
    "holdout_probability": pl.Float64,
    "holdout_passed": pl.Boolean,
    "holdout_rule": pl.String,
    "beside_version": pl.String,
    "beside_decided": pl.String,
    "beside_rule": pl.String,
    "beside_hits": pl.List(pl.String),
    "amount": pl.Float64,
    "currency": pl.String,
    "risk_score": pl.Float64,
}
"""What metrics look at; history that lacks a column has nulls in it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A version in which a rule came, changed or went."""

    at_us: int
    version: str
    what: str


@dataclass(frozen=True, slots=True)
class RuleAsked:
    """The rule that metrics are asked for."""

    id: str
    action: str
    predicate: str
    mode: str = "live"
    edits: Sequence[Edit] = ()
    builtin: bool = False
    """It comes with Sekisho and is never deleted."""


def rule_metrics(
    rules: Sequence[RuleAsked], records: pl.LazyFrame, period: tuple[int, int], as_of_us: int
) -> list[dict[str, Any]]:
    """The metrics of rules over a period, with what was known at a moment.

    Args:
        rules: the rules.
        records: history from `Archive.scan`, outcomes included, not cut to the period: outcomes
            come later than what they tell of.
        period: from when on and until when, microseconds.
        as_of_us: outcomes known by then count.
    """
    events = events_of(records, period, as_of_us)
    known = events.filter("fraud")["event"].to_list()
    curve, labelled = _curve(events)
    precision = precision_by_rule(events, known)
    told: list[dict[str, Any]] = []
    for rule in rules:
        matched, credited = _matched(events, rule), events.filter(pl.col("rule") == rule.id)
        one: dict[str, Any] = {
            "object": "rule_metrics",
            "rule": rule.id,
            "action": rule.action,
            "predicate": rule.predicate,
            "mode": rule.mode,
            "matched": sum_of(matched),
            "credited": sum_of(credited),
            "fraud_among_matched": sum_of(matched.filter("fraud")),
        }
        one |= _by_action(rule, matched, credited, curve)
        if rule.action == "block":
            scores = credited.filter(pl.col("decided") == "block")["risk_score"].drop_nulls()
            one["false_positives_calibrated_on"] = sum(labelled.values())
            one["blocked_beyond_calibration"] = sum(
                not labelled.get(band_of(score)) for score in scores.to_list()
            )
            one["holdout"] = asdict(found) if (found := precision.get(rule.id)) else None
        one["days"] = _days(rule, matched)
        one["hints"] = [] if rule.builtin else hints_for(one, _halves(matched, events))
        told.append(one)
    return told


def matches_of(
    rule_id: str, records: pl.LazyFrame, period: tuple[int, int], as_of_us: int
) -> pl.DataFrame:
    """The events that a rule matched, in shadow too, oldest first, with what became of each."""
    events = events_of(records, period, as_of_us)
    columns = ["event", "type", "at_us", "decided", "rule", "amount", "currency", "risk_score"]
    facts = ["fraud", "disputed_us", "warned_us", "refunded_us", "truth"]
    matched = _matched(events, RuleAsked(rule_id, "", ""))
    return matched.select(*columns, *facts).sort("at_us", maintain_order=True)


def events_of(records: pl.LazyFrame, period: tuple[int, int], as_of_us: int) -> pl.DataFrame:
    """Decided events of a period, one row each, with what became of them by a moment."""
    have = records.collect_schema().names()
    wanted = [
        (pl.col(name).cast(dtype) if name in have else pl.lit(None, dtype)).alias(name)
        for name, dtype in TYPES.items()
    ]
    decided = records.filter(
        pl.col("at_us").is_between(*period, closed="left"), pl.col("about").is_null()
    )
    verdicts = _approvals(records, as_of_us, have)
    events = (
        decided.select(wanted)
        .filter(pl.col("decided").is_not_null())
        .unique("event", keep="first", maintain_order=True)
        .join(fates(records, as_of_us), on="event", how="left")
        .join(verdicts, on="event", how="left")
    )
    facts = ("fraud_disputed_us", "warned_us", "fraud_refunded_us")
    seen = pl.any_horizontal(*(pl.col(name).is_not_null() for name in facts))
    fraud = pl.when(pl.col("truth").is_null()).then(seen).otherwise(pl.col("truth") == "fraud")
    return events.with_columns(
        fraud.fill_null(value=False).alias("fraud"),
        pl.col("review_approved").fill_null(value=False),
    ).collect()


def _approvals(records: pl.LazyFrame, as_of_us: int, have: list[str]) -> pl.LazyFrame:
    verdict = pl.col("verdict").cast(pl.String) if "verdict" in have else pl.lit(None, pl.String)
    approved = records.filter(
        pl.col("type") == "review_verdict", pl.col("at_us") <= as_of_us, verdict == "approved"
    )
    ids = approved.select(pl.col("about").alias("event")).unique()
    return ids.with_columns(pl.lit(value=True).alias("review_approved"))


def _matched(events: pl.DataFrame, rule: RuleAsked) -> pl.DataFrame:
    live = pl.col("hits").list.contains(rule.id)
    shadow = pl.col("shadow").list.contains(rule.id)
    return events.filter(live.fill_null(value=False) | shadow.fill_null(value=False))


def _by_action(
    rule: RuleAsked, matched: pl.DataFrame, credited: pl.DataFrame, curve: list[float]
) -> dict[str, Any]:
    disputed = pl.col("disputed_us").is_not_null()
    match rule.action:
        case "request_3ds":
            went_on = matched.filter(pl.col("approved").fill_null(value=False))
            asked = matched.filter(~pl.col("decided").is_in(["allow", "block"]))
            return {
                "requested": sum_of(asked),
                "approved": sum_of(went_on),
                "disputes_after": sum_of(went_on.filter(disputed)),
            }
        case "allow":
            rescued = credited.filter("overridden")
            return {
                "allowed": sum_of(credited),
                "risk_scores": _spread(credited),
                "overrides": sum_of(rescued),
                "disputes_from_overrides": sum_of(rescued.filter(disputed)),
                "refunds": sum_of(credited.filter(pl.col("refunded_us").is_not_null())),
            }
        case "block":
            blocked = credited.filter(pl.col("decided") == "block")
            rate = false_positives(blocked["risk_score"], curve)
            scored = blocked["risk_score"].drop_nulls().len()
            return {
                "blocked": sum_of(blocked),
                "risk_scores": _spread(blocked),
                "estimated_false_positive_rate": rate,
                "false_positive_method": METHOD,
                "estimated_fraud_prevented": None if rate is None else scored * (1 - rate),
            }
        case "review":
            sent = credited.filter(pl.col("decided") == "review")
            approved = sent.filter("review_approved")
            refunded = sent.filter(pl.col("refunded_us").is_not_null()).height
            return {
                "sent_to_review": sum_of(sent),
                "approved": sum_of(approved),
                "refund_rate": refunded / sent.height if sent.height else None,
                "disputes_from_approved": sum_of(approved.filter(disputed)),
            }
        case _:
            return {}


def sum_of(events: pl.DataFrame) -> dict[str, Any]:
    """How many, and how much by currency in minor units."""
    volume = events.drop_nulls(["amount", "currency"]).group_by("currency").agg(pl.sum("amount"))
    return {
        "count": events.height,
        "volume": {code: int(amount) for code, amount in volume.sort("currency").iter_rows()},
    }


def _spread(events: pl.DataFrame) -> dict[str, float] | None:
    scores = events["risk_score"].drop_nulls()
    if scores.is_empty():
        return None
    places = {"least": 0.0, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "most": 1.0}
    return {name: float(scores.quantile(at, "nearest") or 0.0) for name, at in places.items()}


def _curve(events: pl.DataFrame) -> tuple[list[float], Counter[int]]:
    """The calibration, and on how many payments that went through it rests, by band."""
    through = events.filter(pl.col("decided") != "block").drop_nulls("risk_score")
    passed = pl.col("holdout_passed").fill_null(value=False)
    weight = pl.when(passed).then(1 / pl.col("holdout_probability")).otherwise(1.0)
    columns = through.select("risk_score", "fraud", weight.alias("weight"))
    scores, fraud, weights = (columns[name].to_list() for name in columns.columns)
    return calibrate(scores, fraud, weights), Counter(map(band_of, scores))


def _days(rule: RuleAsked, matched: pl.DataFrame) -> list[dict[str, Any]]:
    """The chart's series: each day with a match or an edit."""
    by_day = (
        matched.group_by((pl.col("at_us") // DAY_US).alias("day"))
        .agg(pl.len().alias("matched"), pl.sum("fraud").alias("fraud"))
        .sort("day")
    )
    days = {day: {"matched": count, "fraud": bad} for day, count, bad in by_day.iter_rows()}
    edits: dict[int, list[dict[str, str]]] = {}
    for one in rule.edits:
        told = {"version": one.version, "what": one.what}
        edits.setdefault(one.at_us // DAY_US, []).append(told)
    none = {"matched": 0, "fraud": 0}
    return [
        {"day_us": day * DAY_US, **days.get(day, none), "edits": edits.get(day, [])}
        for day in sorted({*days, *edits})
    ]


def _halves(matched: pl.DataFrame, events: pl.DataFrame) -> tuple[tuple[int, int], tuple[int, int]]:
    """Matches and fraud among all events, in the first and in the second half of the period."""
    if events.is_empty():
        return (0, 0), (0, 0)
    first, last = events.select(first=pl.min("at_us"), last=pl.max("at_us")).row(0)
    middle = pl.col("at_us") < (first + last) // 2

    def half(part: pl.Expr) -> tuple[int, int]:
        return matched.filter(part).height, events.filter(part, "fraud").height

    return half(middle), half(~middle)
