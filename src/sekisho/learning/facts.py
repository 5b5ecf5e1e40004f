"""What became of events as of a moment: fraud, refunded, stopped, legitimate."""

from typing import Final

import polars as pl

from sekisho.history import Fate, fates
from sekisho.learning.counting import KNOWN_AT, LABEL
from sekisho.learning.past import Settled

_COLUMNS: Final = (
    "type", "at_us", "about", "is_fraudulent", "refund_reason", "verdict", LABEL, "outcome",
)  # fmt: skip
CATEGORY: Final = "category"


def reported_facts(settled: Settled) -> pl.DataFrame:
    """Everything that was reported about events but the issuers' answers, one row an event."""
    return _fates(settled, pl.col("type") != "authorization")


def answers_about(settled: Settled, events: pl.Series) -> pl.DataFrame:
    """The issuers' answers about some events: `event`, `approved`."""
    is_answer = pl.col("type") == "authorization"
    told = settled.past.archive.scan(0, settled.as_of_us + 1).filter(is_answer)
    if not told.select(pl.len()).collect(engine="streaming").item():
        return pl.DataFrame(schema={"event": pl.String, "approved": pl.Boolean})
    wanted = pl.col("about").is_in(events.implode())
    return _fates(settled, is_answer & wanted).select("event", "approved")


def _fates(settled: Settled, condition: pl.Expr) -> pl.DataFrame:
    lazy = settled.past.archive.scan(0, settled.as_of_us + 1)
    columns = [name for name in _COLUMNS if name in lazy.collect_schema().names()]
    told = lazy.filter(pl.col("about").is_not_null(), condition).select(columns)
    return fates(told, settled.as_of_us).collect(engine="streaming")


def with_facts(frame: pl.DataFrame, facts: pl.DataFrame, as_of_us: int) -> pl.DataFrame:
    """Events with what was reported: adds `fraud`, `known_us`, `refunded`, `disputed` and more.

    Fraud is a fraud dispute, an early fraud warning, a refund as fraud or a label that says so; a
    label that says `legitimate` takes the others back. A label that an import brought beside its
    event counts from the moment at which it was known.
    """
    facts = facts.drop("approved", "answered_us", "returned_us")
    joined = frame.join(facts, on="event", how="left", maintain_order="left")
    is_known = pl.col(KNOWN_AT).fill_null(0) <= as_of_us
    beside = pl.when(is_known).then(pl.col(LABEL).cast(pl.String))
    beside_us = pl.when(beside.is_not_null()).then(pl.coalesce(KNOWN_AT, "at_us"))
    joined = joined.with_columns(
        truth=pl.coalesce("truth", beside), truth_us=pl.coalesce("truth_us", beside_us)
    )
    labelled_us = pl.when(pl.col("truth") == "fraud").then("truth_us")
    known_us = pl.min_horizontal("fraud_disputed_us", "warned_us", "fraud_refunded_us", labelled_us)
    cleared = (pl.col("truth") == "legitimate").fill_null(value=False)
    return joined.with_columns(
        known_us=pl.when(~cleared).then(known_us),
        fraud=known_us.is_not_null() & ~cleared,
        refunded=pl.col("refunded_us").is_not_null(),
        refunded_as_fraud=pl.col("fraud_refunded_us").is_not_null(),
        disputed=pl.col("disputed_us").is_not_null() | pl.col("warned_us").is_not_null(),
        charged_back=pl.col("disputed_us").is_not_null(),
    ).drop([name for name in facts.columns if name != "event"])


def with_fate(frame: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """Adds `blocked`, `declined`, `legitimate` and the `category` of the summary to `with_facts`.

    Each event is in one category, the first that fits: disputed, warned of or labelled as fraud;
    refunded; blocked or declined; else succeeded.
    """
    joined = frame.join(answers, on="event", how="left", maintain_order="left")
    outcome = pl.col("outcome").cast(pl.String)
    blocked = ((pl.col("decided").cast(pl.String) == "block") | (outcome == "blocked")).fill_null(
        value=False
    )
    answered = (
        pl.when(outcome.is_not_null()).then(outcome == "declined").otherwise(~pl.col("approved"))
    )
    declined = answered.fill_null(value=False) & ~blocked
    stopped = blocked | declined
    category = (
        pl.when(pl.col("disputed") | (pl.col("fraud") & ~pl.col("refunded") & ~stopped))
        .then(pl.lit(Fate.DISPUTED.value))
        .when(pl.col("refunded"))
        .then(pl.lit(Fate.REFUNDED.value))
        .when(stopped)
        .then(pl.lit(Fate.STOPPED.value))
        .otherwise(pl.lit(Fate.LEGITIMATE.value))
    )
    return joined.with_columns(
        category.alias(CATEGORY),
        blocked=blocked,
        declined=declined,
        legitimate=~stopped & ~pl.col("fraud") & ~pl.col("refunded"),
    ).drop("approved")
