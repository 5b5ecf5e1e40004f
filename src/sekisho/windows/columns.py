# pyright: basic
# compiled by numba: arrays and plain integers throughout
"""Windows over whole columns: two pointers run through the rows of a part, sorted by key."""

import math

import numpy as np
from numba import njit

from sekisho.windows.compiling import bare, cached
from sekisho.windows.grouping import encode, sort_by_code
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
MOMENT = 1  # where a row's time stands: its key goes before, its columns come after
ITSELF = 1  # a read that includes the current event
INSTANT = 2  # and every other event of its instant

# A read as a row of words; its answer goes to a slot of each row.
AGGREGATE, WINDOW, LAG, COLUMN, SECOND, CURRENT, CAP, UNIT_US, SLOT = range(9)


@bare
def gather(words, size, rows, skipped, kinds, times, taken, counted, cells):
    """Copy a part's rows in the order of their keys; returns how many of them count.

    `counted` says how many rows count before each; their times and cells stand side by side.
    Cells of kinds up to MATCH become running totals over the whole part.
    """
    count = 0
    for place in range(skipped, size):
        word = words[rows[place], MOMENT]
        times[place] = word >> 1
        counted[place] = count
        taken[count] = word >> 1
        count += word & 1
    counted[size] = count
    for column in range(len(kinds)):
        running = kinds[column] <= MATCH
        cells[column, 0] = 0
        for place in range(skipped, size):
            if counted[place + 1] > counted[place]:
                word = words[rows[place], MOMENT + 1 + column]
                if running:
                    cells[column, counted[place] + 1] = cells[column, counted[place]] + word
                else:
                    cells[column, counted[place]] = word
    return count


@bare
def bounds(groups, ends, times, taken, counted, reads, at, low, high):
    """For each row, which of the counted rows of its group are in the window: low to high."""
    window = reads[at, WINDOW]
    lag = reads[at, LAG]
    own = reads[at, CURRENT] == ITSELF and lag == 0
    arrival = lag == 0 and reads[at, CURRENT] != INSTANT
    for group in range(groups):
        first = counted[ends[group]]
        last = first
        total = counted[ends[group + 1]]
        for place in range(ends[group], ends[group + 1]):
            until = times[place] - lag
            if arrival:
                last = counted[place]
            else:
                while last < total and taken[last] <= until:
                    last += 1
            if window != FOREVER:
                since = until - window
                while first < last and taken[first] <= since:
                    first += 1
            low[place] = first
            high[place] = counted[place + 1] if own else last


@bare
def counts(start, end, low, high, cap, answers, rows, slot):
    """Rows in each window."""
    for place in range(start, end):
        count = high[place] - low[place]
        answers[rows[place], slot] = min(count, cap) if cap > 0 else count


@bare
def sums(start, end, low, high, cells, column, answers, rows, slot):
    """Sum of each window."""
    for place in range(start, end):
        answers[rows[place], slot] = scaled(cells[column, high[place]] - cells[column, low[place]])


@bare
def means(start, end, low, high, cells, column, second, answers, rows, slot):
    """Mean over the rows of each window that have a value."""
    for place in range(start, end):
        count = cells[second, high[place]] - cells[second, low[place]]
        total = cells[column, high[place]] - cells[column, low[place]]
        answers[rows[place], slot] = scaled(total) / count if count > 0 else math.nan


@bare
def shares(start, end, low, high, cells, column, fixed, answers, rows, slot):
    """Total per row of each window; `fixed` when the total is in 1/10,000."""
    for place in range(start, end):
        count = high[place] - low[place]
        total = cells[column, high[place]] - cells[column, low[place]]
        share = scaled(total) if fixed else float(total)
        answers[rows[place], slot] = share / count if count > 0 else 0.0


@bare
def ages(start, end, low, high, times, taken, first, unit, answers, rows, slot):
    """Time since the first or last row of each window."""
    for place in range(start, end):
        answers[rows[place], slot] = math.nan
        if high[place] > low[place]:
            then = taken[low[place]] if first else taken[high[place] - 1]
            answers[rows[place], slot] = (times[place] - then) / unit


@bare
def extremes(start, end, low, high, cells, column, queue, sign, answers, rows, slot):
    """Greatest word of each window, kept by a queue in which words only fall.

    Rows of an earlier group leave the queue as those before the window do.
    """
    head = 0
    tail = 0
    done = 0
    for place in range(start, end):
        while done < high[place]:
            if cells[column, done] != NONE:
                while tail > head and cells[column, queue[tail - 1]] <= cells[column, done]:
                    tail -= 1
                queue[tail] = done
                tail += 1
            done += 1
        while head < tail and queue[head] < low[place]:
            head += 1
        answers[rows[place], slot] = (
            scaled(sign * cells[column, queue[head]]) if head < tail else math.nan
        )


@bare
def members(start, end, low, high, cells, column, before, after, cap, answers, rows, slot):
    """Number of different members of each window, from each row's neighbours of the same member."""
    count = 0
    first = 0
    done = 0
    for place in range(start, end):
        while done < high[place]:
            count += cells[column, done] >= 0 and before[done] < first
            done += 1
        while first < low[place]:
            count -= cells[column, first] >= 0 and after[first] >= done
            first += 1
        answers[rows[place], slot] = min(count, cap) if cap > 0 else count


@bare
def neighbours(groups, ends, counted, cells, column, seen, before, after):
    """For each counted row, the one before and after it in its group with the same member."""
    total = counted[ends[groups]]
    for code in range(total):
        seen[code] = -1
    for group in range(groups):
        opening = counted[ends[group]]
        for row in range(opening, counted[ends[group + 1]]):
            before[row] = -1
            after[row] = total
            member = cells[column, row]
            if member >= 0:
                earlier = seen[member]
                if earlier >= opening:
                    before[row] = earlier
                    after[earlier] = row
                seen[member] = row


@bare
def same_window(reads, left, right):
    """Whether two reads look at the same window."""
    same = reads[left, WINDOW] == reads[right, WINDOW] and reads[left, LAG] == reads[right, LAG]
    return same and reads[left, CURRENT] == reads[right, CURRENT]


@bare
def answer_read(reads, at, start, end, times, taken, low, high, cells, kinds, queue, answers, rows):
    """Answer one read for the part at hand, if it is none of different members."""
    slot = reads[at, SLOT]
    aggregate = reads[at, AGGREGATE]
    column = reads[at, COLUMN]
    if aggregate == COUNT:
        counts(start, end, low, high, reads[at, CAP], answers, rows, slot)
    elif aggregate == SUM:
        sums(start, end, low, high, cells, column, answers, rows, slot)
    elif aggregate == MEAN:
        means(start, end, low, high, cells, column, reads[at, SECOND], answers, rows, slot)
    elif aggregate == RATIO:
        shares(start, end, low, high, cells, column, kinds[column] == TOTAL, answers, rows, slot)
    elif aggregate in (MIN, MAX):
        sign = -1 if aggregate == MIN else 1
        extremes(start, end, low, high, cells, column, queue, sign, answers, rows, slot)
    elif aggregate in (FIRST, LAST):
        unit = float(reads[at, UNIT_US])
        ages(start, end, low, high, times, taken, aggregate == FIRST, unit, answers, rows, slot)
    else:
        for place in range(start, end):
            answers[rows[place], slot] = 1.0 if high[place] == low[place] else 0.0


@bare
def answer_part(start, size, words, kinds, reads, nothing, answers, room):
    """Answer all reads for a part; a row's answers take the place of its words."""
    slots, rows, ends, times, taken, counted, low, high, queue, after, seen, cells = room
    keys = len(kinds)  # the line of `cells` for key codes
    for place in range(size):
        cells[keys, place] = words[start + place, 0]
    groups = encode(cells, keys, size, slots)
    sort_by_code(cells, keys, start, size, groups, rows, ends)
    skipped = ends[0]
    count = gather(words, size, rows, skipped, kinds, times, taken, counted, cells)
    for column in range(len(kinds)):
        if kinds[column] == MEMBER:
            encode(cells, column, count, slots)
    for at in range(len(reads)):
        column, slot = reads[at, COLUMN], reads[at, SLOT]
        for place in range(skipped):
            answers[rows[place], slot] = nothing[at]
        if at == 0 or not same_window(reads, at, at - 1):
            bounds(groups, ends, times, taken, counted, reads, at, low, high)
        if reads[at, AGGREGATE] == DISTINCT:
            neighbours(groups, ends, counted, cells, column, seen, queue, after)
            cap = reads[at, CAP]
            members(skipped, size, low, high, cells, column, queue, after, cap, answers, rows, slot)
        else:
            answer_read(
                reads,
                at,
                skipped,
                size,
                times,
                taken,
                low,
                high,
                cells,
                kinds,
                queue,
                answers,
                rows,
            )


@njit(_nrt=False)  # pyright: ignore[reportCallIssue] — known to numba, not to its types
def answer_parts(words, starts, kinds, reads, nothing, answers, room):
    """Answer part after part, within memory made once."""
    for part in range(len(starts) - 1):
        size = starts[part + 1] - starts[part]
        answer_part(starts[part], size, words, kinds, reads, nothing, answers, room)


@cached("void(int64[:, ::1], int64[::1], int64[::1], int64[:, ::1], float64[::1])")
def window_table(words, starts, kinds, reads, nothing):
    """Answer all reads of one table, part by part.

    `words` holds each row's key, twice its time plus one if the row counts, and its columns; the
    answers, floats, take their place. `starts` says where the parts start; `nothing` is what a row
    without a key gets.
    """
    longest = 1
    for part in range(len(starts) - 1):
        longest = max(longest, starts[part + 1] - starts[part])
    slots = np.empty((4 * max(longest, 512), 2), np.int64)
    rows, ends = np.empty(longest, np.int64), np.empty(longest + 2, np.int64)
    times, taken = np.empty(longest, np.int64), np.empty(longest + 1, np.int64)
    counted = np.empty(longest + 1, np.int64)
    low, high = np.empty(longest, np.int64), np.empty(longest, np.int64)
    queue, after = np.empty(longest, np.int64), np.empty(longest, np.int64)
    seen = np.empty(longest, np.int64)
    cells = np.empty((len(kinds) + 1, longest + 1), np.int64)
    room = (slots, rows, ends, times, taken, counted, low, high, queue, after, seen, cells)
    answer_parts(words, starts, kinds, reads, nothing, words.view(np.float64), room)
