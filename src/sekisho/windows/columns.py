# pyright: basic
# compiled by numba: arrays and plain integers throughout
"""Windows over whole columns: two pointers run through each key's rows, once for every window."""

import math

import numpy as np
from numba import njit

from sekisho.windows.compiling import bare, cached
from sekisho.windows.grouping import local_codes, local_order
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
MOMENT = 1  # where a row's time stands: its key goes before
ITSELF = 1  # a read that includes the current event
INSTANT = 2  # and every other event of its instant

# A read as a row of words.
AGGREGATE, WINDOW, LAG, COLUMN, SECOND, CURRENT, CAP, UNIT_US = range(8)


@bare
def bounds(size, times, taken, counted, reads, at, low, high):
    """For each row of a group, which of its counted rows are in the window: low to high."""
    window = reads[at, WINDOW]
    lag = reads[at, LAG]
    own = reads[at, CURRENT] == ITSELF and lag == 0
    arrival = lag == 0 and reads[at, CURRENT] != INSTANT
    total = counted[size]
    first = 0
    last = 0
    for row in range(size):
        until = times[row] - lag
        if arrival:
            last = counted[row]
        else:
            while last < total and taken[last] <= until:
                last += 1
        if window != FOREVER:
            since = until - window
            while first < last and taken[first] <= since:
                first += 1
        low[row] = first
        high[row] = counted[row + 1] if own else last


@bare
def counts(size, low, high, cap, found, at):
    """Rows in each window."""
    for row in range(size):
        count = high[row] - low[row]
        found[at, row] = min(count, cap) if cap > 0 else count


@bare
def sums(size, low, high, cells, column, found, at):
    """Sum of each window."""
    for row in range(size):
        found[at, row] = scaled(cells[column, high[row]] - cells[column, low[row]])


@bare
def means(size, low, high, cells, column, second, found, at):
    """Mean over the rows of each window that have a value."""
    for row in range(size):
        count = cells[second, high[row]] - cells[second, low[row]]
        total = cells[column, high[row]] - cells[column, low[row]]
        found[at, row] = scaled(total) / count if count > 0 else math.nan


@bare
def shares(size, low, high, cells, column, fixed, found, at):
    """Total per row of each window; `fixed` when the total is in 1/10,000."""
    for row in range(size):
        count = high[row] - low[row]
        total = cells[column, high[row]] - cells[column, low[row]]
        share = scaled(total) if fixed else float(total)
        found[at, row] = share / count if count > 0 else 0.0


@bare
def ages(size, low, high, times, taken, reads, found, at):
    """Time since the first or last row of each window."""
    first = reads[at, AGGREGATE] == FIRST
    unit = float(reads[at, UNIT_US])
    for row in range(size):
        found[at, row] = math.nan
        if high[row] > low[row]:
            then = taken[low[row]] if first else taken[high[row] - 1]
            found[at, row] = (times[row] - then) / unit


@bare
def extremes(size, low, high, cells, column, queue, sign, found, at):
    """Greatest word of each window, kept by a queue in which words only fall."""
    head = 0
    tail = 0
    done = 0
    for row in range(size):
        while done < high[row]:
            if cells[column, done] != NONE:
                while tail > head and cells[column, queue[tail - 1]] <= cells[column, done]:
                    tail -= 1
                queue[tail] = done
                tail += 1
            done += 1
        while head < tail and queue[head] < low[row]:
            head += 1
        found[at, row] = scaled(sign * cells[column, queue[head]]) if head < tail else math.nan


@bare
def members(size, low, high, cells, column, before, after, cap, found, at):
    """Number of different members of each window, from each row's neighbours of the same member."""
    count = 0
    start = 0
    done = 0
    for row in range(size):
        while done < high[row]:
            count += cells[column, done] >= 0 and before[done] < start
            done += 1
        while start < low[row]:
            count -= cells[column, start] >= 0 and after[start] >= done
            start += 1
        found[at, row] = min(count, cap) if cap > 0 else count


@bare
def neighbours(count, cells, column, seen, offset, before, after):
    """For each counted row, the one before and after it with the same member."""
    for row in range(count):
        before[row] = -1
        after[row] = count
        if cells[column, row] >= 0:
            earlier = seen[column, cells[column, row]] - offset
            if earlier >= 0:
                before[row] = earlier
                after[earlier] = row
            seen[column, cells[column, row]] = offset + row


@bare
def gather_group(words, start, order, first, size, kinds, local, taken, counted, cells):
    """Copy one group's rows side by side; returns how many of them count."""
    columns = len(kinds)
    count = 0
    for column in range(columns):
        cells[column, 0] = 0
    for place in range(size):
        row = start + order[first + place]
        moment = words[row, MOMENT] >> 1
        local[place] = moment
        counted[place] = count
        if words[row, MOMENT] & 1:
            taken[count] = moment
            for column in range(columns):
                word = words[row, MOMENT + 1 + column]
                if kinds[column] <= MATCH:
                    cells[column, count + 1] = cells[column, count] + word
                else:
                    cells[column, count] = word
            count += 1
    counted[size] = count
    return count


@bare
def same_window(reads, left, right):
    """Whether two reads look at the same window."""
    same = reads[left, WINDOW] == reads[right, WINDOW] and reads[left, LAG] == reads[right, LAG]
    return same and reads[left, CURRENT] == reads[right, CURRENT]


@bare
def answer_read(reads, at, size, times, taken, low, high, cells, kinds, queue, found):
    """Answer one read for the group at hand, if it is none of different members."""
    aggregate = reads[at, AGGREGATE]
    column = reads[at, COLUMN]
    if aggregate == COUNT:
        counts(size, low, high, reads[at, CAP], found, at)
    elif aggregate == SUM:
        sums(size, low, high, cells, column, found, at)
    elif aggregate == MEAN:
        means(size, low, high, cells, column, reads[at, SECOND], found, at)
    elif aggregate == RATIO:
        shares(size, low, high, cells, column, kinds[column] == TOTAL, found, at)
    elif aggregate in (MIN, MAX):
        sign = -1 if aggregate == MIN else 1
        extremes(size, low, high, cells, column, queue, sign, found, at)
    elif aggregate in (FIRST, LAST):
        ages(size, low, high, times, taken, reads, found, at)
    else:
        for row in range(size):
            found[at, row] = 1.0 if high[row] == low[row] else 0.0


@bare
def member_codes(words, start, end, kinds, slots, codes):
    """Put dense codes in place of the members' identities of a part, -1 for absent ones."""
    for column in range(len(kinds)):
        if kinds[column] == MEMBER:
            local_codes(words, MOMENT + 1 + column, start, end, slots, codes)
            for row in range(start, end):
                words[row, MOMENT + 1 + column] = codes[row - start]


@bare
def answer_group(first, size, words, start, order, kinds, reads, room, offset):
    """Answer all reads for the group at hand; returns by how much the offset of `seen` grew."""
    times, taken, counted, low, high, queue, after, cells, seen, found = room
    count = gather_group(words, start, order, first, size, kinds, times, taken, counted, cells)
    grown = 0
    for at in range(len(reads)):
        if at == 0 or not same_window(reads, at, at - 1):
            bounds(size, times, taken, counted, reads, at, low, high)
        column = reads[at, COLUMN]
        if reads[at, AGGREGATE] == DISTINCT:
            neighbours(count, cells, column, seen, offset + grown, queue, after)
            cap = reads[at, CAP]
            members(size, low, high, cells, column, queue, after, cap, found, at)
            grown += count
        else:
            answer_read(reads, at, size, times, taken, low, high, cells, kinds, queue, found)
    return grown


@njit(_nrt=False)  # pyright: ignore[reportCallIssue] — known to numba, not to its types
def answer_parts(words, starts, kinds, reads, nothing, out, sorting, room):
    """Answer part after part, within memory made once."""
    slots, codes, order, ends = sorting
    found = room[9]
    offset = 0
    for part in range(len(starts) - 1):
        start = starts[part]
        member_codes(words, start, starts[part + 1], kinds, slots, codes)
        groups = local_codes(words, 0, start, starts[part + 1], slots, codes)
        local_order(codes, starts[part + 1] - start, groups, order, ends)
        for place in range(ends[0]):
            for at in range(len(reads)):
                out[start + order[place], at] = nothing[at]
        for group in range(groups):
            first = ends[group]
            size = ends[group + 1] - first
            offset += answer_group(first, size, words, start, order, kinds, reads, room, offset)
            for place in range(first, first + size):
                for at in range(len(reads)):
                    out[start + order[place], at] = found[at, place - first]


@cached("void(int64[:, ::1], int64[::1], int64[::1], int64[:, ::1], float64[::1], float64[:, ::1])")
def window_table(words, starts, kinds, reads, nothing, out):
    """Answer all reads of one table, part by part.

    `words` holds each row's key, twice its time plus one if the row counts, and its columns;
    `starts` says where the parts start. `out` has a row for each row of `words`; `nothing` is what
    a row without a key gets.
    """
    longest = 1
    for part in range(len(starts) - 1):
        longest = max(longest, starts[part + 1] - starts[part])
    slots = np.empty((4 * max(longest, 512), 2), np.int64)
    codes = np.empty(longest, np.int64)
    order = np.empty(longest, np.int64)
    ends = np.empty(longest + 2, np.int64)
    times, taken = np.empty(longest, np.int64), np.empty(longest, np.int64)
    counted = np.empty(longest + 1, np.int64)
    low, high = np.empty(longest, np.int64), np.empty(longest, np.int64)
    queue, after = np.empty(longest, np.int64), np.empty(longest, np.int64)
    cells = np.empty((len(kinds), longest + 1), np.int64)
    seen = np.full((len(kinds), longest + 1), -1, np.int64)
    found = np.empty((len(reads), longest), np.float64)
    room = (times, taken, counted, low, high, queue, after, cells, seen, found)
    sorting = (slots, codes, order, ends)
    answer_parts(words, starts, kinds, reads, nothing, out, sorting, room)
