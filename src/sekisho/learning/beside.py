"""A whole rule set in shadow against the live one: what differs, and what became of it."""

from typing import Any, Final

import polars as pl

from sekisho.learning.metrics import DAY_US, events_of, sum_of

SAMPLES: Final = 5
"""Events named for each kind of difference, the newest first."""
_LIVE: Final = (
    pl.when(pl.col("holdout_passed").fill_null(value=False))
    .then(pl.lit("block"))
    .otherwise(pl.col("decided"))
)
"""What the live rules said: a block that a holdout let pass is one."""


def compare_beside(
    records: pl.LazyFrame, period: tuple[int, int], as_of_us: int, version: str = ""
) -> dict[str, Any]:
    """What a set in shadow would have decided, beside what was decided.

    Args:
        records: history from `Archive.scan`, outcomes included, not cut to the period.
        period: from when on and until when, microseconds.
        as_of_us: outcomes known by then count.
        version: of the set in shadow; the one recorded last when left out.

    Returns:
        `decisions` and `agreed` (count and volume); `flips`, the most frequent first, each with
        the outcome `live` and in `shadow`, count, volume, the `fraud` among them, `rules` (which
        rule of the set in shadow is credited, and how often) and some events; `rules` of the set
        with what they matched; `days`. Counts are 0 where nothing was recorded.
    """
    every = events_of(records, period, as_of_us).filter(pl.col("beside_version").is_not_null())
    if not version and every.height:
        version = str(every.sort("at_us")["beside_version"][-1])
    events = every.filter(pl.col("beside_version") == version).with_columns(_LIVE.alias("live"))
    flipped = events.filter(pl.col("live") != pl.col("beside_decided"))
    kinds = flipped.partition_by("live", "beside_decided") if flipped.height else []
    return {
        "object": "shadow_comparison",
        "version": version or None,
        "decisions": sum_of(events),
        "agreed": sum_of(events.filter(pl.col("live") == pl.col("beside_decided"))),
        "flips": sorted((_flip(one) for one in kinds), key=_most_first),
        "rules": _rules(events),
        "days": _days(events),
    }


def _flip(events: pl.DataFrame) -> dict[str, Any]:
    credited = events["beside_rule"].value_counts(sort=True)
    newest = events.sort("at_us", descending=True, maintain_order=True)["event"].head(SAMPLES)
    return {
        "live": events["live"][0],
        "shadow": events["beside_decided"][0],
        **sum_of(events),
        "fraud": sum_of(events.filter("fraud")),
        "rules": [{"rule": rule, "count": count} for rule, count in credited.iter_rows()],
        "events": newest.to_list(),
    }


def _most_first(flip: dict[str, Any]) -> tuple[int, str, str]:
    return -flip["count"], flip["live"], flip["shadow"]


def _rules(events: pl.DataFrame) -> list[dict[str, Any]]:
    hits = events.explode("beside_hits", empty_as_null=False).drop_nulls("beside_hits")
    ids = sorted(hits["beside_hits"].unique().to_list())
    told: list[dict[str, Any]] = []
    for rule in ids:
        matched = hits.filter(pl.col("beside_hits") == rule)
        one = {"rule": rule, "matched": sum_of(matched)}
        one["credited"] = sum_of(events.filter(pl.col("beside_rule") == rule))
        told.append({**one, "fraud_among_matched": sum_of(matched.filter("fraud"))})
    return told


def _days(events: pl.DataFrame) -> list[dict[str, int]]:
    by_day = events.group_by((pl.col("at_us") // DAY_US * DAY_US).alias("day_us")).agg(
        pl.len().alias("decisions"),
        (pl.col("live") != pl.col("beside_decided")).sum().alias("flips"),
    )
    return by_day.sort("day_us").to_dicts()
