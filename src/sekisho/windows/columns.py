# pyright: basic
# compiled by numba: arrays and plain integers throughout
"""Windows over whole columns: two pointers run through each key's rows, once for every window."""

import math

import numpy as np
from numba import njit

from sekisho.windows.compiling import cached
from sekisho.windows.layout import NONE
from sekisho.windows.plan import Aggregate, Kind
from sekisho.windows.scaling import scaled

COUNT = int(Aggregate.COUNT)
SUM = int(Aggregate.SUM)
MEAN = int(Aggregate.MEAN)
MIN = int(Aggregate.MIN)
MAX = int(Aggregate.MAX)
DISTINCT = int(Aggregate.DISTINCT)
FIRST = int(Aggregate.FIRST)
LAST = int(Aggregate.LAST)
RATIO = int(Aggregate.RATIO)
MATCH = int(Kind.MATCH)
MEMBER = int(Kind.MEMBER)
TOTAL = int(Kind.TOTAL)
FOREVER = -1
ITSELF = 1  # a read that includes the current event
INSTANT = 2  # and every other event of its instant

# A read as a row of words.
AGGREGATE, WINDOW, LAG, COLUMN, SECOND, CURRENT, CAP, UNIT_US = range(8)


@njit
def bounds(times, taken, counted, read, low, high):
    """For each row of a group, which of its counted rows are in the window: low to high."""
    rows = len(times)
    first = 0
    last = 0
    lag = read[LAG]
    own = 1 if read[CURRENT] == ITSELF and lag == 0 else 0
    arrival = lag == 0 and read[CURRENT] != INSTANT
    total = counted[rows]
    for row in range(rows):
        until = times[row] - lag
        if arrival:
            last = counted[row]
        else:
            while last < total and taken[last] <= until:
                last += 1
        if read[WINDOW] != FOREVER:
            since = until - read[WINDOW]
            while first < last and taken[first] <= since:
                first += 1
        low[row] = first
        high[row] = last + (own if counted[row + 1] > counted[row] else 0)


@njit
def extremes(words, low, high, queue, sign, out, at):
    """Greatest word of each window, kept by a queue in which words only fall."""
    head = 0
    tail = 0
    done = 0
    for row in range(len(low)):
        while done < high[row]:
            if words[done] != NONE:
                while tail > head and words[queue[tail - 1]] <= words[done]:
                    tail -= 1
                queue[tail] = done
                tail += 1
            done += 1
        while head < tail and queue[head] < low[row]:
            head += 1
        # The event's own row is seen by itself at once and by later rows as usual.
        out[row, at] = scaled(sign * words[queue[head]]) if head < tail else math.nan


@njit
def members(words, before, after, low, high, cap, out, at):
    """Number of different members of each window, from each row's neighbours of the same member."""
    count = 0
    start = 0
    done = 0
    for row in range(len(low)):
        while done < high[row]:
            count += words[done] >= 0 and before[done] < start
            done += 1
        while start < low[row]:
            count -= words[start] >= 0 and after[start] >= done
            start += 1
        out[row, at] = min(count, cap) if cap > 0 else count


@njit
def neighbours(words, seen, offset, before, after):
    """For each counted row, the one before and after it with the same member."""
    count = len(words)
    for row in range(count):
        before[row] = -1
        after[row] = count
        if words[row] >= 0:
            earlier = seen[words[row]] - offset
            if earlier >= 0:
                before[row] = earlier
                after[earlier] = row
            seen[words[row]] = offset + row


@njit
def simple(aggregate, read, kinds, cells, taken, times, low, high, out, at):
    """The aggregates that need nothing but the two ends of a window."""
    column = read[COLUMN]
    second = read[SECOND]
    for row in range(len(low)):
        first = low[row]
        last = high[row]
        count = last - first
        if aggregate == COUNT:
            value = float(min(count, read[CAP]) if read[CAP] > 0 else count)
        elif aggregate == SUM:
            value = scaled(cells[column, last] - cells[column, first])
        elif aggregate == MEAN:
            present = cells[second, last] - cells[second, first]
            total = scaled(cells[column, last] - cells[column, first])
            value = total / present if present > 0 else math.nan
        elif aggregate == RATIO:
            total = cells[column, last] - cells[column, first]
            share = scaled(total) if kinds[column] == TOTAL else float(total)
            value = share / count if count > 0 else 0.0
        elif aggregate in (FIRST, LAST):
            value = math.nan
            if count > 0:
                then = taken[first] if aggregate == FIRST else taken[last - 1]
                value = (times[row] - then) / float(read[UNIT_US])
        else:
            value = 1.0 if count == 0 else 0.0
        out[row, at] = value


@njit
def gather_group(rows, times, takes, source, kinds, local, taken, counted, cells):
    """Copy one group's rows side by side; returns how many of them count."""
    columns = len(kinds)
    count = 0
    for column in range(columns):
        cells[column, 0] = 0
    for place in range(len(rows)):
        row = rows[place]
        local[place] = times[row]
        counted[place] = count
        if takes[row]:
            taken[count] = times[row]
            for column in range(columns):
                word = source[column, row]
                if kinds[column] <= MATCH:
                    cells[column, count + 1] = cells[column, count] + word
                else:
                    cells[column, count] = word
            count += 1
    counted[len(rows)] = count
    return count


@njit
def same_window(left, right):
    """Whether two reads look at the same window."""
    same = left[WINDOW] == right[WINDOW] and left[LAG] == right[LAG]
    return same and left[CURRENT] == right[CURRENT]


@cached(
    "void(int32[::1], int64[::1], int64[::1], boolean[::1], int64[:, ::1], int64[::1],"
    " int64[:, ::1], int64, float64[:, ::1])"
)
def window_table(order, starts, times, takes, source, kinds, reads, codes, out):
    """Answer all reads of one table; `out` has a row for each row and a column for each read.

    `order` and `starts` group the rows by key; `source` holds each column's words in row order,
    members as dense codes below `codes`.
    """
    longest = 0
    for group in range(len(starts) - 1):
        longest = max(longest, starts[group + 1] - starts[group])
    local = np.empty(longest, np.int64)
    taken = np.empty(longest, np.int64)
    counted = np.empty(longest + 1, np.int64)
    low = np.empty(longest, np.int64)
    high = np.empty(longest, np.int64)
    queue = np.empty(longest, np.int64)
    after = np.empty(longest, np.int64)
    cells = np.empty((len(kinds), longest + 1), np.int64)
    seen = np.full((len(kinds), codes + 1), -1, np.int64)
    found = np.empty((longest, len(reads)), np.float64)
    offset = 0
    for group in range(len(starts) - 1):
        rows = order[starts[group] : starts[group + 1]]
        size = len(rows)
        count = gather_group(rows, times, takes, source, kinds, local, taken, counted, cells)
        for at in range(len(reads)):
            read = reads[at]
            aggregate = read[AGGREGATE]
            if at == 0 or not same_window(read, reads[at - 1]):
                bounds(local[:size], taken, counted[: size + 1], read, low, high)
            if aggregate in (MIN, MAX):
                words = cells[read[COLUMN], :count]
                sign = -1 if aggregate == MIN else 1
                extremes(words, low[:size], high[:size], queue, sign, found, at)
            elif aggregate == DISTINCT:
                words = cells[read[COLUMN], :count]
                neighbours(words, seen[read[COLUMN]], offset, queue, after)
                members(words, queue, after, low[:size], high[:size], read[CAP], found, at)
                offset += count
            else:
                ends = (low[:size], high[:size])
                simple(aggregate, read, kinds, cells, taken, local, ends[0], ends[1], found, at)
        for place in range(size):
            for at in range(len(reads)):
                out[rows[place], at] = found[place, at]


@cached("void(float64[:, ::1], float64[:, ::1])")
def turned(rows, columns):
    """Rows as columns, block by block so that both sides stay in the cache."""
    for start in range(0, len(rows), 512):
        end = min(start + 512, len(rows))
        for at in range(rows.shape[1]):
            for row in range(start, end):
                columns[at, row] = rows[row, at]
