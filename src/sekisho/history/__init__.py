"""REMEMBER: what was decided, and what became of it, in columns."""

from sekisho.history.archive import Archive, HistoryDamaged, Segment, Source
from sekisho.history.counting import count_imported
from sekisho.history.facts import Fate, decided, fates
from sekisho.history.folding import decision_columns, fold_log
from sekisho.history.past import ImportedPast

__all__ = [
    "Archive",
    "Fate",
    "HistoryDamaged",
    "ImportedPast",
    "Segment",
    "Source",
    "count_imported",
    "decided",
    "decision_columns",
    "fates",
    "fold_log",
]
