"""Parts of results that several backtests share."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from sekisho.history import Fate
from sekisho.kit.clock import iso
from sekisho.learning.costs import TALLIED
from sekisho.learning.facts import CATEGORY
from sekisho.learning.maturity import DAY_US, KNOWN_SHARE, Delays
from sekisho.learning.money import REPORTED
from sekisho.learning.past import Past, Settled
from sekisho.learning.reading import Reading
from sekisho.rules import StoredRule

OVERRIDES = "overrides"


def period(settled: Settled, reading: Reading) -> dict[str, Any]:
    """What was read."""
    return {
        "from": iso(settled.from_us),
        "to": iso(settled.to_us),
        "events": reading.events,
        "amount": reading.amount,
    }


def as_of_now(past: Past, rules: Iterable[StoredRule], reading: Reading) -> dict[str, Any]:
    """What was not as of each payment, because history does not keep it: lists and rates.

    Of built-in rules, lists that are empty now are left out: most are never filled.
    """
    read = {
        alias for one in rules for alias in one.lists if past.lists.get(alias) or not one.builtin
    }
    return {"lists": sorted(read), "amounts_converted": reading.converted}


def volume(frame: pl.DataFrame) -> dict[str, int]:
    """How many events, and their amount."""
    return {"count": frame.height, "amount": int(frame[REPORTED].sum()) if frame.height else 0}


def categories(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Count and amount of each category; of refunds also the fraudulent part."""
    told: dict[str, dict[str, Any]] = {
        one.value: volume(frame.filter(pl.col(CATEGORY) == one.value)) for one in Fate
    }
    refunded = frame.filter(pl.col(CATEGORY) == Fate.REFUNDED.value)
    told[Fate.REFUNDED.value]["fraudulent"] = volume(refunded.filter("refunded_as_fraud"))
    return told


def by_day(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """What matched, day by day (UTC); days without matches are left out."""
    days = (
        frame.group_by((pl.col("at_us") // DAY_US).alias("number"))
        .agg(
            count=pl.len(),
            amount=pl.col(REPORTED).sum(),
            fraud=pl.col("fraud").sum(),
            legitimate=pl.col("legitimate").sum(),
        )
        .sort("number")
    )
    return [
        {"day": iso(row.pop("number") * DAY_US)[:10], **row} for row in days.iter_rows(named=True)
    ]


def maturity(frame: pl.DataFrame, delays: Delays, settled: Settled) -> dict[str, Any]:
    """Whether outcomes of these events can be known yet; null when there are too few reports."""
    window = delays.window_days
    ages = (settled.as_of_us - frame["at_us"]) // DAY_US if frame.height else None
    share = expected = None
    if window is not None and ages is not None:
        share = int((ages >= window).sum()) / len(ages)
        expected = delays.completeness(ages.to_numpy())
    return {
        "share": share,
        "window_days": window,
        "window_holds": KNOWN_SHARE,
        "expected_known": expected,
        "reports": delays.reports,
    }


def tallies() -> list[pl.Expr]:
    """Sums of what `Tally` holds."""
    passed = ~(pl.col("blocked") | pl.col("declined"))
    fraud, good = pl.col("fraud") & passed, pl.col("legitimate")
    amount = pl.col(REPORTED)
    sums = {
        "count": pl.len(),
        "amount": amount.sum(),
        "went_through": passed.sum(),
        "fraud": fraud.sum(),
        "fraud_amount": amount.filter(fraud).sum(),
        "disputes": (pl.col("charged_back") & passed).sum(),
        "legitimate": good.sum(),
        "legitimate_amount": amount.filter(good).sum(),
    }
    return [sums[name].cast(pl.Int64).alias(name) for name in TALLIED]
