"""LEARN: what rules did, and how right they were, told from history as it was known."""

from sekisho.learning.holdout import Precision, precision_by_rule, weighted_precision
from sekisho.learning.metrics import Edit, RuleAsked, matches_of, rule_metrics

__all__ = [
    "Edit",
    "Precision",
    "RuleAsked",
    "matches_of",
    "precision_by_rule",
    "rule_metrics",
    "weighted_precision",
]
