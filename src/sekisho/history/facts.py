"""What became of a decided event, each fact with the time at which it was known."""

from enum import StrEnum
from typing import Final

import polars as pl

from sekisho.events import DECIDED_TYPES

DAY_US: Final = 86_400_000_000


class Fate(StrEnum):
    """The categories of a backtest. Source: rule-language contract, section 15."""

    DISPUTED = "disputes_and_early_fraud_warnings"
    REFUNDED = "refunded"
    STOPPED = "blocked_and_failed"
    LEGITIMATE = "succeeded_later_legitimate"


def decided(records: pl.LazyFrame) -> pl.LazyFrame:
    """The events of a history that got a decision, outcomes left out; each id once."""
    kept = records.filter(pl.col("type").is_in(list(DECIDED_TYPES)))
    return kept.unique("event", keep="first", maintain_order=True)


def fates(records: pl.LazyFrame, as_of_us: int) -> pl.LazyFrame:
    """One row for each event that something became of, as it was known at a moment.

    Two disputes on one event count once. A label states the truth and wins over what other facts
    suggest; the newest label counts.

    Returns:
        `event`; when each fact became known, null if not: `disputed_us`, `fraud_disputed_us`,
        `warned_us`, `refunded_us`, `fraud_refunded_us`, `returned_us`, `answered_us`; then
        `approved` (the issuer's answer), `truth` (`fraud`, `legitimate` or null) and `truth_us`,
        the time of the label that says so.
    """
    schema = records.collect_schema().names()

    def column(name: str, dtype: type[pl.DataType]) -> pl.Expr:
        return pl.col(name).cast(dtype) if name in schema else pl.lit(None, dtype)

    known = records.filter(pl.col("at_us") <= as_of_us, pl.col("about").is_not_null())
    is_dispute, is_refund = pl.col("type") == "dispute", pl.col("type") == "refund"
    fraud = column("is_fraudulent", pl.Boolean).fill_null(value=False)
    as_fraud = column("refund_reason", pl.String) == "fraudulent"
    verdict = pl.col("type") == "review_verdict"
    told = column("verdict", pl.String)
    answer = pl.col("type") == "authorization"

    def first(condition: pl.Expr) -> pl.Expr:
        return pl.col("at_us").filter(condition).min()

    refunded = is_refund | (verdict & told.is_in(["refunded", "refunded_as_fraud"]))
    refunded_as_fraud = (is_refund & as_fraud) | (verdict & (told == "refunded_as_fraud"))
    label = pl.col("type") == "label"
    return (
        known.sort("at_us", maintain_order=True)
        .group_by(pl.col("about").alias("event"))
        .agg(
            first(is_dispute).alias("disputed_us"),
            first(is_dispute & fraud).alias("fraud_disputed_us"),
            first(pl.col("type") == "early_fraud_warning").alias("warned_us"),
            first(refunded).alias("refunded_us"),
            first(refunded_as_fraud).alias("fraud_refunded_us"),
            first(pl.col("type") == "return").alias("returned_us"),
            first(answer).alias("answered_us"),
            (column("outcome", pl.String) == "authorized").filter(answer).last().alias("approved"),
            column("label", pl.String).filter(label).last().alias("truth"),
            pl.col("at_us").filter(label).last().alias("truth_us"),
        )
    )
