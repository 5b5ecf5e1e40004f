"""The true precision of Block rules, from the blocks that a holdout let pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import polars as pl

Z: Final = 1.959963984540054
"""The standard normal quantile of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How many of a rule's blocks hit fraud.

    Attributes:
        estimate: the weighted share of fraud; None when nothing has passed yet.
        low: lower end of the 95 % interval.
        high: upper end.
        passed: payments that passed and were looked at.
        eligible: blocks that could have passed: the estimate speaks for these.
        blocks: all would-be blocks of the rule, those that could never pass included.
    """

    estimate: float | None
    low: float
    high: float
    passed: int
    eligible: int
    blocks: int


def weighted_precision(
    drawn: Sequence[tuple[float, bool]], eligible: int, blocks: int
) -> Precision:
    """Estimate by inverse-probability weights, as a ratio (Hájek), with a Wilson interval.

    The interval uses the effective sample size of the weights (Kish), so that unequal
    probabilities widen it.

    Args:
        drawn: of each payment that passed, the probability with which it did, and whether it
            turned out to be fraud.
        eligible: blocks with a probability above zero, those drawn included.
        blocks: all would-be blocks.

    >>> found = weighted_precision([(0.1, True)] * 30 + [(0.1, False)] * 10, 400, 450)
    >>> round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    (0.75, 0.598, 0.858)
    >>> weighted_precision([], 0, 9).estimate is None
    True
    """
    weights = [1 / probability for probability, _ in drawn]
    if not weights:
        return Precision(None, 0.0, 1.0, 0, eligible, blocks)
    whole = sum(weights)
    pairs = zip(weights, drawn, strict=True)
    share = sum(weight for weight, (_, fraud) in pairs if fraud) / whole
    low, high = _wilson(share, whole**2 / sum(weight**2 for weight in weights))
    return Precision(share, low, high, len(drawn), eligible, blocks)


def precision_by_rule(
    events: pl.DataFrame, fraud: Iterable[str], since_us: int = 0
) -> dict[str, Precision]:
    """The precision of each Block rule that a holdout drew for.

    Args:
        events: decided events with `event`, `at_us`, `decided`, `rule` and the holdout's columns.
        fraud: ids of events known to be fraud.
        since_us: look at events from here on.
    """
    known = frozenset(fraud)
    recent = events.filter(pl.col("at_us") >= since_us)
    blocked = pl.col("decided") == "block"
    owner = pl.coalesce("holdout_rule", pl.when(blocked).then("rule"))
    columns = ["event", "holdout_probability", "holdout_passed"]
    rows = recent.select(owner.alias("owner"), *columns).drop_nulls("owner")
    found: dict[str, Precision] = {}
    for (rule,), group in rows.group_by("owner", maintain_order=True):
        if group["holdout_probability"].null_count() == group.height:
            continue
        passed = group.filter(pl.col("holdout_passed").fill_null(value=False))
        drawn = [
            (probability, event in known)
            for event, probability in passed.select("event", "holdout_probability").iter_rows()
        ]
        eligible = group.filter(pl.col("holdout_probability") > 0).height
        found[str(rule)] = weighted_precision(drawn, eligible, group.height)
    return found


def _wilson(share: float, of: float) -> tuple[float, float]:
    middle = (share + Z**2 / (2 * of)) / (1 + Z**2 / of)
    half = Z / (1 + Z**2 / of) * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    return max(0.0, middle - half), min(1.0, middle + half)
