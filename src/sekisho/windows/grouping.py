# pyright: basic
# compiled by numba: arrays and plain integers throughout
"""Rows brought together by key: cut into parts that fit the cache, then sorted within a part."""

import numpy as np
from numba import njit

from sekisho.windows.compiling import bare, cached
from sekisho.windows.kernel import MATCH, key_start, mixed, value_word
from sekisho.windows.rows import MEMBER

GOLDEN = -7046029254386353131  # spreads keys over parts by their upper bits


@cached("int64[::1](int64[:, ::1])")
def joint_identity(parts):
    """One identity for each row from those of its key's parts; 0 when a part is absent."""
    joint = np.empty(parts.shape[1], np.int64)
    for row in range(parts.shape[1]):
        key = parts[0, row]
        if key != 0 and parts.shape[0] > 1:
            key = mixed(0, key)
            for part in range(1, parts.shape[0]):
                word = parts[part, row]
                key = mixed(key, word) if key != 0 and word != 0 else 0
        joint[row] = key
    return joint


@njit(inline="always")
def part_of(key, mask):
    """The part that a key's rows go to."""
    return ((key * GOLDEN) >> 40) & mask


@cached("int64[::1](int64[::1], int64)")
def part_starts(keys, parts):
    """Where each part starts when the rows are laid out part by part."""
    starts = np.zeros(parts + 1, np.int64)
    for row in range(len(keys)):
        starts[part_of(keys[row], parts - 1) + 1] += 1
    for part in range(parts):
        starts[part + 1] += starts[part]
    return starts


@bare
def column_word(kind, source, row, fields, values, conditions):
    """What a row puts into a column; members keep their identity."""
    if kind == MATCH:
        return np.int64(conditions[source, row])
    if kind == MEMBER:
        return fields[source, row]
    return value_word(kind, values[source, row])


@cached(
    "void(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[:, ::1],"
    " int64[:, ::1], float64[:, ::1], boolean[:, ::1])"
)
def lay_out(keys, starts, words, table, columns, fields, values, conditions):
    """Write each row's words to its part, in order: key, time and whether it counts, columns.

    Time and count are one word: twice the time, plus one if the row counts. The last row of
    `fields` is the time, the one before it the type bit; `table` holds the type
    mask and the condition of the table, `columns` the kind and source of each of its columns.
    """
    parts = len(starts) - 1
    cursor = starts.copy()
    moments = len(fields) - 1
    for row in range(len(keys)):
        part = part_of(keys[row], parts - 1)
        place = cursor[part]
        cursor[part] = place + 1
        counts = fields[moments - 1, row] & table[0] != 0
        if table[1] >= 0:
            counts = counts and conditions[table[1], row]
        words[place, 0] = keys[row]
        words[place, 1] = fields[moments, row] * 2 + counts
        for at in range(len(columns)):
            kind, source = columns[at, 0], columns[at, 1]
            words[place, 2 + at] = column_word(kind, source, row, fields, values, conditions)


@cached("void(int64[::1], int64[::1], float64[:, ::1], float64[:, ::1])")
def collect(keys, starts, found, columns):
    """The answers of all parts back in the order of the rows, as columns."""
    parts = len(starts) - 1
    cursor = starts.copy()
    places = np.empty(512, np.int64)
    for start in range(0, len(keys), 512):
        end = min(start + 512, len(keys))
        for row in range(start, end):
            part = part_of(keys[row], parts - 1)
            places[row - start] = cursor[part]
            cursor[part] += 1
        for at in range(len(columns)):
            for row in range(start, end):
                columns[at, row] = found[places[row - start], at]


@bare
def local_codes(words, column, start, end, slots, codes):
    """A code from 0 for each different word of a part's column; returns how many there are."""
    mask = 1023
    while mask < 2 * (end - start):
        mask = mask * 2 + 1
    for slot in range(mask + 1):
        slots[slot, 0] = 0
    used = 0
    for row in range(start, end):
        word = words[row, column]
        if word == 0:
            codes[row - start] = -1
            continue
        slot = key_start(word, mask)
        while slots[slot, 0] != 0 and slots[slot, 0] != word:
            slot = (slot + 1) & mask
        if slots[slot, 0] == 0:
            slots[slot, 0] = word
            slots[slot, 1] = used
            used += 1
        codes[row - start] = slots[slot, 1]
    return used


@bare
def local_order(codes, rows, groups, order, ends):
    """Sort a part's rows by code, order kept; `ends` tells where each group ends, absent first."""
    for group in range(groups + 2):
        ends[group] = 0
    for row in range(rows):
        ends[codes[row] + 2] += 1
    for group in range(groups + 1):
        ends[group + 1] += ends[group]
    for row in range(rows):
        place = ends[codes[row] + 1]
        order[place] = row
        ends[codes[row] + 1] = place + 1
