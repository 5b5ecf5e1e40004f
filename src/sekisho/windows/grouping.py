# pyright: basic
# compiled by numba: arrays and plain integers throughout
"""Rows brought together by key: cut into parts that fit the cache, then sorted within a part."""

import numpy as np
from numba import njit

from sekisho.windows.compiling import bare, cached
from sekisho.windows.kernel import key_start, mixed

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
def encode(words, line, size, slots):
    """Put a code from 0 in place of each different identity of a line, -1 for absent ones.

    Returns how many codes there are.
    """
    mask = 1023
    while mask < 2 * size:
        mask = mask * 2 + 1
    for slot in range(mask + 1):
        slots[slot, 0] = 0
    used = 0
    for place in range(size):
        word = words[line, place]
        if word == 0:
            words[line, place] = -1
            continue
        slot = key_start(word, mask)
        while slots[slot, 0] != 0 and slots[slot, 0] != word:
            slot = (slot + 1) & mask
        if slots[slot, 0] == 0:
            slots[slot, 0] = word
            slots[slot, 1] = used
            used += 1
        words[line, place] = slots[slot, 1]
    return used


@bare
def sort_by_code(words, line, start, size, codes, rows, ends):
    """Sort the rows from `start` on by their codes, order kept; `ends` says where each code starts.

    The absent come first: code 0 starts at `ends[0]`.
    """
    for code in range(codes + 2):
        ends[code] = 0
    for place in range(size):
        ends[words[line, place] + 2] += 1
    for code in range(codes + 1):
        ends[code + 1] += ends[code]
    for place in range(size):
        code = words[line, place] + 1
        rows[ends[code]] = start + place
        ends[code] += 1
