"""DECIDE: from the hits of every class to one outcome and its reasons."""

from sekisho.decisions.degraded import Degraded, hits_in_spite_of
from sekisho.decisions.model import ACTION_CODES, Decision, Outcome
from sekisho.decisions.precedence import PRECEDENCE, credit_order, decide

__all__ = [
    "ACTION_CODES",
    "PRECEDENCE",
    "Decision",
    "Degraded",
    "Outcome",
    "credit_order",
    "decide",
    "hits_in_spite_of",
]
