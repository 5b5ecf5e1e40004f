"""REMEMBER: what was decided, and what became of it, in columns."""

from sekisho.history.archive import Archive, HistoryDamaged, Segment, Source
from sekisho.history.facts import Fate, decided, fates
from sekisho.history.folding import decision_columns, fold_log

__all__ = [
    "Archive",
    "Fate",
    "HistoryDamaged",
    "Segment",
    "Source",
    "decided",
    "decision_columns",
    "fates",
    "fold_log",
]
