"""Compiled probing of a flat hash table: pairs of a 63-bit hash and a row number."""

# numba has no type stubs, and its kernels are typed by their arguments
# pyright: basic

import numpy as np
from numba import njit

EMPTY = 0  # marks a free slot; a hash is never 0


@njit(cache=True)
def find(slots, wanted, skip):
    """The row number under a hash, passing over `skip` earlier ones; 0 when there is none."""
    capacity = slots.shape[0] >> 1
    place = wanted % capacity
    while True:
        found = slots[2 * place]
        if found == EMPTY:
            return 0
        if found == wanted:
            if skip == 0:
                return slots[2 * place + 1]
            skip -= 1
        place += 1
        if place == capacity:
            place = 0


@njit(cache=True)
def first_present(slots, hashes, start):
    """Index of the first hash from `start` on that is in the table; -1 when none is."""
    for index in range(start, hashes.shape[0]):
        if hashes[index] != EMPTY and find(slots, hashes[index], 0) != 0:
            return index
    return -1


@njit(cache=True)
def put(slots, wanted, seq):
    """Add a pair; the table must have a free slot."""
    capacity = slots.shape[0] >> 1
    place = wanted % capacity
    while slots[2 * place] != EMPTY:
        place += 1
        if place == capacity:
            place = 0
    slots[2 * place] = wanted
    slots[2 * place + 1] = seq


@njit(cache=True)
def put_batch(slots, hashes, first_seq, per_row):
    """Add the hashes of consecutive rows, `per_row` of them each; returns how many were added."""
    added = 0
    for index in range(hashes.shape[0]):
        if hashes[index] != EMPTY:
            put(slots, hashes[index], first_seq + index // per_row)
            added += 1
    return added


@njit(cache=True, nogil=True)
def copy_from(old, capacity, seq_min):
    """A table of another capacity with the rows from `seq_min` on, and how many there are.

    It runs without the interpreter lock, so that readers of the old table are not held up.
    """
    slots = np.zeros(2 * capacity, np.int64)
    kept = 0
    for place in range(old.shape[0] >> 1):
        if old[2 * place] != EMPTY and old[2 * place + 1] >= seq_min:
            put(slots, old[2 * place], old[2 * place + 1])
            kept += 1
    return slots, kept
