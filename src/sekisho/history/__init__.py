"""REMEMBER: what was decided, and what became of it, in columns."""

from sekisho.history.archive import Archive, HistoryDamaged, Segment, Source
from sekisho.history.blocks import UnreadableFile
from sekisho.history.coding import decoded
from sekisho.history.counting import count_imported
from sekisho.history.facts import Fate, decided, fates
from sekisho.history.folding import decision_columns, fold_log
from sekisho.history.importing import (
    Import,
    ImportSettings,
    SourceFile,
    Tally,
    known_ids,
    source_files,
)
from sekisho.history.past import ImportedPast
from sekisho.history.reading import read_blocks
from sekisho.history.shapes import Shape, given_shape, shape_of, unmapped
from sekisho.history.understanding import Understood, proposed_map, understand

__all__ = [
    "Archive",
    "Fate",
    "HistoryDamaged",
    "Import",
    "ImportSettings",
    "ImportedPast",
    "Segment",
    "Shape",
    "Source",
    "SourceFile",
    "Tally",
    "Understood",
    "UnreadableFile",
    "count_imported",
    "decided",
    "decision_columns",
    "decoded",
    "fates",
    "fold_log",
    "given_shape",
    "known_ids",
    "proposed_map",
    "read_blocks",
    "shape_of",
    "source_files",
    "understand",
    "unmapped",
]
