"""The scorecard over columns of history: the same points for a whole block of events."""

from functools import reduce

import polars as pl

from sekisho.language import match_columns
from sekisho.scoring.levels import Level
from sekisho.scoring.scorecard import BASE, MAX_SCORE, SCORED_TYPES, Scorecard


def score_columns(frame: pl.DataFrame, scorecard: Scorecard) -> pl.DataFrame:
    """A block of events with `risk_score` and `risk_level`, as `Scorecard.score` gives them.

    Args:
        frame: `type`, then the attributes that the scorecard reads; those without a column are
            missing. A score or level that is there wins.
        scorecard: the scorecard in force.
    """
    text, number = pl.lit(None, pl.String), pl.lit(None, pl.Float64)
    given = pl.col("risk_score") if "risk_score" in frame.columns else number
    stated = pl.col("risk_level") if "risk_level" in frame.columns else text
    found = match_columns(scorecard.rules, frame, {}).collect()
    held = [
        pl.col(name).cast(pl.Int16) * points
        for name, points in zip(found.columns, scorecard.points, strict=True)
    ]
    points = found.select(reduce(pl.Expr.add, held, pl.lit(BASE)).clip(0, MAX_SCORE))
    scored = pl.col("type").cast(pl.String).is_in(list(SCORED_TYPES))
    limits = scorecard.thresholds
    own = pl.when(scored).then(pl.lit(points.to_series()).cast(pl.Float64))
    score = pl.coalesce(given.cast(pl.Float64), own)
    band = (
        pl.when(score >= limits.highest)
        .then(pl.lit(Level.HIGHEST.value))
        .when(score >= limits.elevated)
        .then(pl.lit(Level.ELEVATED.value))
        .when(score.is_not_null())
        .then(pl.lit(Level.NORMAL.value))
        .otherwise(pl.lit(Level.NOT_ASSESSED.value))
    )
    return frame.with_columns(
        risk_score=score, risk_level=pl.coalesce(stated.cast(pl.String), band)
    )
