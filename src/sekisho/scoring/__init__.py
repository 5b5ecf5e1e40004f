"""SCORE: how risky an event looks, from 0 to 99, and why."""

from sekisho.scoring.columns import score_columns
from sekisho.scoring.levels import DEFAULT_THRESHOLDS, Level, Risk, Thresholds
from sekisho.scoring.scorecard import FACTORS, SCORED_TYPES, Factor, Scorecard

__all__ = [
    "DEFAULT_THRESHOLDS",
    "FACTORS",
    "SCORED_TYPES",
    "Factor",
    "Level",
    "Risk",
    "Scorecard",
    "Thresholds",
    "score_columns",
]
