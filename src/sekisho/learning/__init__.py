"""LEARN: what rules did and would have done, told from history as it was known."""

from sekisho.learning.beside import compare_beside
from sekisho.learning.charts import curve_svg, days_svg
from sekisho.learning.costs import Costs, costs_of, parse_costs
from sekisho.learning.holdout import Precision, precision_by_rule, weighted_precision
from sekisho.learning.known import Versions, versions_of
from sekisho.learning.metrics import Edit, RuleAsked, matches_of, rule_metrics
from sekisho.learning.past import BacktestRefused, Past
from sekisho.learning.rule import Asked, RuleRefused, ask, backtest_rule
from sekisho.learning.ruleset import backtest_ruleset
from sekisho.learning.sweep import backtest_sweep, variants
from sekisho.learning.verdict import amount_text, verdict_table

__all__ = [
    "Asked",
    "BacktestRefused",
    "Costs",
    "Edit",
    "Past",
    "Precision",
    "RuleAsked",
    "RuleRefused",
    "Versions",
    "amount_text",
    "ask",
    "backtest_rule",
    "backtest_ruleset",
    "backtest_sweep",
    "compare_beside",
    "costs_of",
    "curve_svg",
    "days_svg",
    "matches_of",
    "parse_costs",
    "precision_by_rule",
    "rule_metrics",
    "variants",
    "verdict_table",
    "versions_of",
    "weighted_precision",
]
