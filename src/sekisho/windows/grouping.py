# pyright: basic
# compiled by numba: arrays and plain integers throughout
"""Rows of columns brought together by key: dense codes, then a counting sort that keeps order."""

import numpy as np
from numba import njit

from sekisho.windows.compiling import cached
from sekisho.windows.kernel import key_start, mixed


@cached("int64[::1](uint64[:, ::1])")
def joint_identity(parts):
    """One identity for each row from those of its key's parts; 0 when a part is absent."""
    joint = np.empty(parts.shape[1], np.int64)
    for row in range(parts.shape[1]):
        key = np.int64(parts[0, row])
        if key != 0 and parts.shape[0] > 1:
            key = mixed(0, key)
            for part in range(1, parts.shape[0]):
                word = np.int64(parts[part, row])
                key = mixed(key, word) if key != 0 and word != 0 else 0
        joint[row] = key
    return joint


@njit
def _doubled(slots, mask):
    wider = mask * 2 + 1
    larger = np.zeros(2 * (wider + 1), np.int64)
    for slot in range(mask + 1):
        if slots[2 * slot] != 0:
            target = key_start(slots[2 * slot], wider)
            while larger[2 * target] != 0:
                target = (target + 1) & wider
            larger[2 * target] = slots[2 * slot]
            larger[2 * target + 1] = slots[2 * slot + 1]
    return larger


@cached("Tuple((int32[::1], int64))(int64[::1])")
def dense_codes(identities):
    """A code from 0 for each different identity, in order of appearance; -1 for absent."""
    mask = 1023
    slots = np.zeros(2 * (mask + 1), np.int64)  # pairs of identity and code
    codes = np.empty(len(identities), np.int32)
    used = 0
    for row in range(len(identities)):
        identity = identities[row]
        if identity == 0:
            codes[row] = -1
            continue
        slot = key_start(identity, mask)
        while slots[2 * slot] != 0 and slots[2 * slot] != identity:
            slot = (slot + 1) & mask
        if slots[2 * slot] == 0:
            slots[2 * slot] = identity
            slots[2 * slot + 1] = used
            used += 1
            codes[row] = used - 1
            if used * 2 > mask:
                slots = _doubled(slots, mask)
                mask = mask * 2 + 1
        else:
            codes[row] = slots[2 * slot + 1]
    return codes, used


@cached("Tuple((int32[::1], int64[::1]))(int32[::1], int64)")
def grouped(codes, groups):
    """Row numbers sorted by code, order kept within a code, and where each group starts."""
    starts = np.zeros(groups + 2, np.int64)
    for row in range(len(codes)):
        starts[codes[row] + 2] += 1
    for group in range(groups + 1):
        starts[group + 1] += starts[group]
    order = np.empty(len(codes), np.int32)
    for row in range(len(codes)):
        place = starts[codes[row] + 1]
        order[place] = row
        starts[codes[row] + 1] = place + 1
    return order, starts[: groups + 1]
