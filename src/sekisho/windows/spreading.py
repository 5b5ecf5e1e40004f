# pyright: basic
# compiled by numba: arrays, addresses and plain integers throughout
"""Rows out to the parts of their keys, and answers back into the order of the rows."""

import numpy as np

from sekisho.windows.compiling import bare, cached
from sekisho.windows.grouping import part_of
from sekisho.windows.kernel import MATCH, value_word
from sekisho.windows.memory import get, get_byte, get_real
from sekisho.windows.rows import MEMBER

BLOCK = 256  # rows on the way at a time: their words stay in the first cache, column after column


@bare
def find_places(keys, start, end, cursor, places):
    """Where each row of a block lies among the parts; `cursor` moves on."""
    mask = len(cursor) - 2
    for row in range(start, end):
        part = part_of(keys[row], mask)
        places[row - start] = cursor[part]
        cursor[part] += 1


@bare
def put_column(kind, source, start, end, places, words, at):
    """Write what each row of a block puts into a column; members keep their identity."""
    if kind == MATCH:
        for row in range(start, end):
            words[places[row - start], at] = get_byte(source, row)
    elif kind == MEMBER:
        for row in range(start, end):
            words[places[row - start], at] = get(source, row)
    else:
        for row in range(start, end):
            words[places[row - start], at] = value_word(kind, get_real(source, row))


@cached(
    "void(int64[::1], int64[::1], Array(int64, 1, 'C', readonly=True), boolean[::1],"
    " int64[::1], int64[::1], int64[:, ::1])"
)
def lay_out(keys, starts, times, counting, kinds, sources, words):
    """Write each row's words to its part, in order: key, time and whether it counts, columns.

    Time and count are one word: twice the time, plus one if the row counts. `sources` holds the
    address of what each column is filled from.
    """
    cursor = starts.copy()
    places = np.empty(BLOCK, np.int64)
    for start in range(0, len(keys), BLOCK):
        end = min(start + BLOCK, len(keys))
        find_places(keys, start, end, cursor, places)
        for row in range(start, end):
            words[places[row - start], 0] = keys[row]
            words[places[row - start], 1] = times[row] * 2 + counting[row]
        for at in range(len(kinds)):
            put_column(kinds[at], sources[at], start, end, places, words, 2 + at)


@cached("void(int64[::1], int64[::1], float64[:, ::1], uint32[:, ::1], float64[:, ::1])")
def collect(keys, starts, found, counts, reals):
    """Bring the answers of all parts back as columns: of each row first the counts."""
    cursor = starts.copy()
    places = np.empty(BLOCK, np.int64)
    for start in range(0, len(keys), BLOCK):
        end = min(start + BLOCK, len(keys))
        find_places(keys, start, end, cursor, places)
        for at in range(len(counts)):
            for row in range(start, end):
                counts[at, row] = np.uint32(found[places[row - start], at])
        for at in range(len(reals)):
            for row in range(start, end):
                reals[at, row] = found[places[row - start], len(counts) + at]
