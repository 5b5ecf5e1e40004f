# pyright: basic
# compiled by numba: plain integers and floats throughout
"""Aggregates over the rows of one key between two positions."""

import math

from numba import njit

from sekisho.windows.layout import (
    ABSENT,
    BASE,
    BASE_COUNT,
    BASE_FIRST,
    BASE_LAST,
    CAPACITY,
    COLUMN_LIST,
    CUT_LIST,
    CUTS,
    HINTS,
    LENGTH,
    NONE,
    OUTPUT,
    POSITIONS,
    R_AGGREGATE,
    R_CAP,
    R_COLUMN,
    R_CURRENT,
    R_HIGH,
    R_LOW,
    R_OUTPUT,
    R_SECOND,
    R_UNIT,
    READ_LIST,
    READ_WORDS,
    READS,
    STRIDE,
)
from sekisho.windows.members import different, occurs, rank, seek
from sekisho.windows.memory import get, get_half, put, put_half, put_real
from sekisho.windows.plan import Aggregate, Kind
from sekisho.windows.rows import kind_of, rows_of, tree_of
from sekisho.windows.scaling import scaled
from sekisho.windows.trees import summary

COUNT = int(Aggregate.COUNT)
SUM = int(Aggregate.SUM)
MEAN = int(Aggregate.MEAN)
MIN = int(Aggregate.MIN)
MAX = int(Aggregate.MAX)
DISTINCT = int(Aggregate.DISTINCT)
FIRST = int(Aggregate.FIRST)
LAST = int(Aggregate.LAST)
RATIO = int(Aggregate.RATIO)
UNSEEN = int(Aggregate.UNSEEN)
TOTAL = int(Kind.TOTAL)
MEMBER = int(Kind.MEMBER)


@njit
def find_positions(root, table, block, moment):
    """Where each cut of the table falls: how many rows are at or before `moment` minus the cut."""
    positions = get(root, POSITIONS)
    cuts = get(table, CUT_LIST)
    stride = get(table, STRIDE)
    length = get(block, LENGTH)
    rows = rows_of(table, block)
    hints = block + get(table, HINTS) * 8
    for cut in range(get(table, CUTS)):
        offset = get(cuts, cut)
        if offset == 0:
            place = rank(rows, stride, length, moment)
        else:
            hint = get_half(hints, cut)
            place = seek(rows, stride, length, hint, moment - offset)
            if place != hint:
                put_half(hints, cut, place)
        put(positions, cut, place)


@njit
def count_between(block, low, high):
    """Rows in a window; `low` -1 is all time."""
    if low < 0:
        return get(block, BASE_COUNT) + high
    return high - low


@njit
def total_between(table, block, column, low, high):
    """Sum of a running column over a window."""
    stride = get(table, STRIDE)
    cell = rows_of(table, block) + (1 + column) * 8
    base = get(block, BASE + column)
    upper = get(cell, (high - 1) * stride) if high > 0 else base
    if low < 0:
        return upper
    lower = get(cell, (low - 1) * stride) if low > 0 else base
    return upper - lower


@njit
def extreme_between(table, block, column, low, high):
    """Greatest word of a column over a window, NONE if there is none."""
    rows = rows_of(table, block)
    tree = tree_of(table, block, column)
    stride = get(table, STRIDE)
    kind = kind_of(table, column)
    best = summary(tree, get(block, CAPACITY), rows, stride, column, kind, max(low, 0), high)
    if low < 0:
        return max(best, get(block, BASE + column))
    return best


@njit
def members_between(table, block, column, low, high):
    """Different members over a window."""
    low = max(low, 0)
    if high < get(block, LENGTH):
        return different(table, block, column, low, high)
    rows = rows_of(table, block)
    tree = tree_of(table, block, column)
    stride = get(table, STRIDE)
    return summary(tree, get(block, CAPACITY), rows, stride, column, MEMBER, low, high)


@njit
def moment_between(table, block, low, high, first):
    """Time of the first or last row in a window, NONE if it is empty."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    if low < 0 and get(block, BASE_COUNT) > 0:
        if first:
            return get(block, BASE_FIRST)
        if high == 0:
            return get(block, BASE_LAST)
    low = max(low, 0)
    if low >= high:
        return NONE
    return get(rows, (low if first else high - 1) * stride)


@njit
def read_total(table, block, column, low, high, inputs, current):
    """Sum over a window, the current event added if wanted."""
    total = 0
    if block != 0:
        total = total_between(table, block, column, low, high)
    if current:
        total += get(inputs, column)
    return total


@njit
def read_extreme(table, block, column, low, high, inputs, current):
    """Extreme over a window, the current event taken in if wanted."""
    best = NONE
    if block != 0:
        best = extreme_between(table, block, column, low, high)
    if current:
        best = max(best, get(inputs, column))
    return best


@njit
def read_members(table, block, column, low, high, inputs, current):
    """Different members over a window, the current event's counted if wanted and new."""
    count = 0
    if block != 0:
        count = members_between(table, block, column, low, high)
    if current:
        member = get(inputs, column) & -2
        if member != 0:
            known = block != 0 and occurs(table, block, column, member, max(low, 0), high)
            count += 0 if known else 1
    return count


@njit
def read_age(table, block, read, low, high, moment, first, current):
    """Time since the first or last row of a window in the read's unit, NaN if it is empty."""
    then = NONE
    if block != 0:
        then = moment_between(table, block, low, high, first)
    if current and (then == NONE or not first):
        then = moment
    if then == NONE:
        return math.nan
    return (moment - then) / float(get(read, R_UNIT))


@njit
def read_share(table, column, total, count):
    """Total per row; 0 when there is no row."""
    if count == 0:
        return 0.0
    if get(get(table, COLUMN_LIST), column * 2) == TOTAL:
        return scaled(total) / count
    return total / count


@njit
def answer(table, block, read, low, high, moment, inputs, current):
    """The value of one read; NaN when it is missing."""
    aggregate = get(read, R_AGGREGATE)
    column = get(read, R_COLUMN)
    count = (count_between(block, low, high) if block != 0 else 0) + (1 if current else 0)
    if aggregate == COUNT:
        cap = get(read, R_CAP)
        return float(min(count, cap) if cap > 0 else count)
    if aggregate == SUM:
        return scaled(read_total(table, block, column, low, high, inputs, current))
    if aggregate == MEAN:
        present = read_total(table, block, get(read, R_SECOND), low, high, inputs, current)
        total = read_total(table, block, column, low, high, inputs, current)
        return scaled(total) / present if present > 0 else math.nan
    if aggregate in (MIN, MAX):
        best = read_extreme(table, block, column, low, high, inputs, current)
        if best == NONE:
            return math.nan
        return scaled(-best if aggregate == MIN else best)
    if aggregate == DISTINCT:
        members = read_members(table, block, column, low, high, inputs, current)
        cap = get(read, R_CAP)
        return float(min(members, cap) if cap > 0 else members)
    if aggregate in (FIRST, LAST):
        return read_age(table, block, read, low, high, moment, aggregate == FIRST, current)
    if aggregate == RATIO:
        total = read_total(table, block, column, low, high, inputs, current)
        return read_share(table, column, total, count)
    return 1.0 if count == 0 else 0.0


@njit
def nothing(aggregate):
    """What a read answers when the event has no key: 0 for counts, NaN (missing) for the rest."""
    if aggregate in (MEAN, MIN, MAX, FIRST, LAST):
        return math.nan
    return 0.0


@njit
def read_table(root, table, key, block, moment, inputs, takes):
    """Answer every read of a table for one key; returns how many are missing."""
    outputs = get(root, OUTPUT)
    positions = get(root, POSITIONS)
    if block != 0:
        find_positions(root, table, block, moment)
    read = get(table, READ_LIST)
    absent = 0
    for _ in range(get(table, READS)):
        aggregate = get(read, R_AGGREGATE)
        if key == 0 or (block == 0 and get(read, R_CURRENT) == 0 and aggregate != UNSEEN):
            value = nothing(aggregate)
        else:
            low = get(read, R_LOW)
            if low >= 0 and block != 0:
                low = get(positions, low)
            high = get(positions, get(read, R_HIGH)) if block != 0 else 0
            current = takes and get(read, R_CURRENT) == 1
            value = answer(table, block, read, low, high, moment, inputs, current)
        absent += math.isnan(value)
        put_real(outputs, get(read, R_OUTPUT), value)
        read += READ_WORDS * 8
    put(root, ABSENT, get(root, ABSENT) + absent)
