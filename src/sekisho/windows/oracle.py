"""The brute-force recount that the compiled store is held to, and the path without a compiler."""

import math
from dataclasses import dataclass

from sekisho.windows import layout
from sekisho.windows.plan import FIXED_POINT, Aggregate, Column, Kind, Plan, Read, Table, fixed

Words = tuple[float, ...]


@dataclass(slots=True)
class _Row:
    at_us: int
    cells: tuple[int | None, ...]


class RecountingStore:
    """Keeps every contribution in a list and counts anew, by definition, at every read."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._event: Words = ()
        self._before: Words = ()
        self._answers: list[float] = []
        self._rows: list[dict[tuple[float, ...], list[_Row]]] = [{} for _ in plan.tables]
        self.unmatched = 0

    def load(self, *words: float) -> None:
        """Hand over an event."""
        self._event = words

    def load_before(self, *words: float) -> None:
        """Hand over the version of the event that REVISE replaces."""
        self._before = words

    def answers(self) -> list[float]:
        """What the last read found."""
        return self._answers

    def run(self, operation: int) -> int:
        """Do one operation of `layout`."""
        if operation in (layout.Operation.READ, layout.Operation.READ_ADD):
            self._answers = [self._read(read) for read in self.plan.reads]
        if operation == layout.Operation.REVISE:
            self._change(self._before, add=False)
        if operation == layout.Operation.REMOVE:
            self._change(self._event, add=False)
        if operation in (layout.Operation.ADD, layout.Operation.READ_ADD, layout.Operation.REVISE):
            self._change(self._event, add=True)
        return sum(math.isnan(answer) for answer in self._answers)

    def _change(self, words: Words, *, add: bool) -> None:
        for table, rows in zip(self.plan.tables, self._rows, strict=True):
            key = self._key(table, words)
            if key is None or not self._takes(table, words):
                continue
            row = _Row(int(words[0]), self._cells(table, words))
            held = rows.setdefault(key, [])
            if add:
                held.append(row)
            elif row in held:
                held.remove(row)
            else:
                self.unmatched += 1

    def _holds(self, condition: int, words: Words) -> bool:
        return bool(int(words[2 + condition // 64]) >> (condition % 64) & 1)

    def _takes(self, table: Table, words: Words) -> bool:
        wanted = table.condition < 0 or self._holds(table.condition, words)
        return bool(table.types & int(words[1])) and wanted

    def _key(self, table: Table, words: Words) -> tuple[float, ...] | None:
        start = 2 + self.plan.condition_words
        key = tuple(words[start + field] for field in table.keys)
        return key if all(key) else None

    def _cells(self, table: Table, words: Words) -> tuple[int | None, ...]:
        return tuple(self._cell(column, words) for column in table.columns)

    def _cell(self, column: Column, words: Words) -> int | None:
        start = 2 + self.plan.condition_words
        if column.kind is Kind.MATCH:
            return int(self._holds(column.source, words))
        if column.kind is Kind.MEMBER:
            return int(words[start + column.source]) or None
        value = words[start + self.plan.fields + column.source]
        if column.kind is Kind.PRESENT:
            return int(not math.isnan(value))
        return None if math.isnan(value) else fixed(value)

    def _read(self, read: Read) -> float:
        table = self.plan.tables[read.table]
        key = self._key(table, self._event)
        if key is None:
            return math.nan if read.aggregate in _MISSING else 0.0
        now = int(self._event[0])
        until = now - read.lag_us
        since = None if read.window_us is None else until - read.window_us
        window = [
            row
            for row in self._rows[read.table].get(key, [])
            if row.at_us <= until and (since is None or row.at_us > since)
        ]
        if read.include_current and read.lag_us == 0 and self._takes(table, self._event):
            window.append(_Row(now, self._cells(table, self._event)))
        return _aggregated(read, table, window, now)


_MISSING = (Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.FIRST, Aggregate.LAST)


def _aggregated(read: Read, table: Table, window: list[_Row], now: int) -> float:
    cells = [row.cells[read.column] for row in window] if read.column >= 0 else []
    present = [cell for cell in cells if cell is not None]
    match read.aggregate:
        case Aggregate.COUNT:
            return float(_capped(len(window), read.cap))
        case Aggregate.DISTINCT:
            return float(_capped(len(set(present)), read.cap))
        case Aggregate.SUM:
            return sum(present) / FIXED_POINT
        case Aggregate.MEAN:
            return sum(present) / FIXED_POINT / len(present) if present else math.nan
        case Aggregate.MIN:
            return min(present) / FIXED_POINT if present else math.nan
        case Aggregate.MAX:
            return max(present) / FIXED_POINT if present else math.nan
        case Aggregate.FIRST:
            return (now - min(r.at_us for r in window)) / read.unit_us if window else math.nan
        case Aggregate.LAST:
            return (now - max(r.at_us for r in window)) / read.unit_us if window else math.nan
        case Aggregate.RATIO:
            unit = FIXED_POINT if table.columns[read.column].kind is Kind.TOTAL else 1
            return sum(present) / unit / len(window) if window else 0.0
        case Aggregate.UNSEEN:
            return float(not window)


def _capped(count: int, cap: int) -> int:
    return min(count, cap) if cap else count
