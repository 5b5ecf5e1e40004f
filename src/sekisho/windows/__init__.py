"""Exact event-time windows: one compiled kernel, online (one event) and offline (columns)."""

from sekisho.windows.frames import Columns, OutOfOrder, window_columns
from sekisho.windows.layout import MAX_COLUMNS, MAX_CUTS, Operation
from sekisho.windows.oracle import RecountingStore
from sekisho.windows.plan import (
    FIXED_POINT,
    VALUE_LIMIT,
    Aggregate,
    Column,
    Kind,
    Plan,
    Read,
    Table,
    fixed,
)
from sekisho.windows.store import TableSnapshot, WindowStore, warm

__all__ = [
    "FIXED_POINT",
    "MAX_COLUMNS",
    "MAX_CUTS",
    "VALUE_LIMIT",
    "Aggregate",
    "Column",
    "Columns",
    "Kind",
    "Operation",
    "OutOfOrder",
    "Plan",
    "Read",
    "RecountingStore",
    "Table",
    "TableSnapshot",
    "WindowStore",
    "fixed",
    "warm",
    "window_columns",
]
