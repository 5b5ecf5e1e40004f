"""ASK: numbers about payments and what became of them, here and in a warehouse, one declaration."""

from sekisho.insight.asking import Figure, Standing, all_indicators, ask_indicators, standings
from sekisho.insight.model import Indicator, IndicatorRefused, declared
from sekisho.insight.sql import DIALECTS, Wanted, indicator_sql

__all__ = [
    "DIALECTS",
    "Figure",
    "Indicator",
    "IndicatorRefused",
    "Standing",
    "Wanted",
    "all_indicators",
    "ask_indicators",
    "declared",
    "indicator_sql",
    "standings",
]
