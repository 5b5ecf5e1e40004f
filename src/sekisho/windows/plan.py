"""What a store is asked to keep and to answer: tables of rows per key, and reads over them."""

from dataclasses import dataclass
from enum import IntEnum

FIXED_POINT = 10_000
"""Values are added as whole multiples of 1/10,000, so that sums are exact in any order."""

VALUE_LIMIT = 1e12
"""A value beyond this size is held at it: 900,000 such values still add up without overflow."""

MAX_KEY_FIELDS = 4
"""More fields in one key than this have no use in practice and would slow every event."""


class Kind(IntEnum):
    """What a column keeps beside the time of each row."""

    TOTAL = 0
    """Running total of a value; an absent value adds 0."""
    PRESENT = 1
    """Running number of rows in which a value is present."""
    MATCH = 2
    """Running number of rows in which a condition holds."""
    PEAK = 3
    """The value itself, for the greatest in a window."""
    DIP = 4
    """The value negated, for the smallest in a window."""
    MEMBER = 5
    """A field's identity, for the number of different ones in a window."""


class Aggregate(IntEnum):
    """What a read answers about the rows of one key in a window."""

    COUNT = 0
    SUM = 1
    MEAN = 2
    MIN = 3
    MAX = 4
    DISTINCT = 5
    FIRST = 6
    LAST = 7
    RATIO = 8
    UNSEEN = 9


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; `source` is the index of a value, a condition or a field."""

    kind: Kind
    source: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the events that share their kinds, key and condition, sorted by time for each key.

    `types` is a bit mask over event types; `condition` the index of the condition a row must
    fulfil, or -1. Rows older than `retention_us` may be evicted; what reads over all time need of
    them is kept. `members_forever` says how many members of its one column are kept for
    ever: 0 for none, -1 for all, else the newest so many (enough for a count that stops there).
    """

    types: int
    keys: tuple[int, ...]
    condition: int
    columns: tuple[Column, ...]
    retention_us: int
    members_forever: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """One answer wanted: an aggregate over the window (at - lag - window, at - lag].

    `window_us` None means all time. `column` and `second` are positions in the table's columns.
    `cap` bounds a count (0 for none); `unit_us` is the unit of FIRST and LAST.
    """

    table: int
    aggregate: Aggregate
    window_us: int | None
    lag_us: int = 0
    column: int = -1
    second: int = -1
    include_current: bool = False
    cap: int = 0
    unit_us: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a store needs to know.

    The sizes say how wide an event is. To the store an event is a flat row of words: its time in
    microseconds, `1 << type`, the condition words (bit i for condition i), one 64-bit identity per
    field (0 when absent; the lowest bit does not tell members apart), one float per value (NaN when
    absent).
    """

    tables: tuple[Table, ...]
    reads: tuple[Read, ...]
    fields: int
    values: int
    conditions: int

    @property
    def condition_words(self) -> int:
        """How many 64-bit words hold one bit per condition."""
        return max(1, (self.conditions + 63) // 64)

    @property
    def event_format(self) -> str:
        """The `struct` format of one event.

        >>> Plan((), (), fields=2, values=1, conditions=0).event_format
        '=qqQQQd'
        """
        return "=qq" + "Q" * (self.condition_words + self.fields) + "d" * self.values


def fixed(value: float) -> int:
    """A value as a whole number of 1/10,000, half to even, held within VALUE_LIMIT.

    >>> fixed(12.345), fixed(-0.00005), fixed(1e300)
    (123450, 0, 10000000000000000)
    """
    return round(min(max(value, -VALUE_LIMIT), VALUE_LIMIT) * FIXED_POINT)
