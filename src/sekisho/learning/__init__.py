"""LEARN: what rules would have done, told from history as it was known."""

from sekisho.learning.costs import Costs, costs_of, parse_costs
from sekisho.learning.past import BacktestRefused, Past
from sekisho.learning.rule import Asked, RuleRefused, ask, backtest_rule

__all__ = [
    "Asked",
    "BacktestRefused",
    "Costs",
    "Past",
    "RuleRefused",
    "ask",
    "backtest_rule",
    "costs_of",
    "parse_costs",
]
