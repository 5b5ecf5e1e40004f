# pyright: basic
# compiled by numba: plain integers throughout
"""Summaries over the rows of a long block, sixteen to a node: extremes and numbers of members."""

from numba import njit

from sekisho.windows.layout import NONE
from sekisho.windows.memory import get, put
from sekisho.windows.plan import Kind

MEMBER = int(Kind.MEMBER)


@njit(inline="always")
def leaf(rows, stride, column, kind, index):
    """What one row contributes: its value, or whether it is its member's latest."""
    word = get(rows, index * stride + 1 + column)
    if kind == MEMBER:
        return word & 1
    return word


@njit(inline="always")
def joined(kind, left, right):
    """Two summaries as one."""
    if kind == MEMBER:
        return left + right
    return max(left, right)


@njit
def tree_words(capacity):
    """Words of the tree over a block of this capacity."""
    words = 0
    width = capacity
    while True:
        width = (width + 15) >> 4
        words += width
        if width <= 16:
            return words


@njit
def tree_append(tree, capacity, kind, index, value):
    """Take the row just appended at `index` into every level."""
    width = capacity
    first = True
    while True:
        width = (width + 15) >> 4
        first = first and (index & 15) == 0
        index >>= 4
        if first:
            put(tree, index, value)
        else:
            put(tree, index, joined(kind, get(tree, index), value))
        if width <= 16:
            return
        tree += width * 8


@njit
def tree_shift(tree, capacity, index, change):
    """Add to every node above a row, when a member's latest row is another one now."""
    width = capacity
    while True:
        width = (width + 15) >> 4
        index >>= 4
        put(tree, index, get(tree, index) + change)
        if width <= 16:
            return
        tree += width * 8


@njit
def tree_rebuild(tree, capacity, rows, stride, column, kind, length, start):
    """Recompute every node that covers a row at or after `start`."""
    empty = 0 if kind == MEMBER else NONE
    if length == 0:
        return
    width = (capacity + 15) >> 4
    for node in range(start >> 4, ((length - 1) >> 4) + 1):
        best = empty
        for index in range(node << 4, min(length, (node + 1) << 4)):
            best = joined(kind, best, leaf(rows, stride, column, kind, index))
        put(tree, node, best)
    count = (length + 15) >> 4
    start >>= 4
    while width > 16:
        upper = tree + width * 8
        for node in range(start >> 4, ((count - 1) >> 4) + 1):
            best = empty
            for index in range(node << 4, min(count, (node + 1) << 4)):
                best = joined(kind, best, get(tree, index))
            put(upper, node, best)
        tree = upper
        count = (count + 15) >> 4
        start >>= 4
        width = (width + 15) >> 4


@njit
def summary(tree, capacity, rows, stride, column, kind, low, high):
    """The extreme, or the number of latest member rows, over rows low to high (excluded)."""
    best = 0 if kind == MEMBER else NONE
    if tree == 0 or high - low <= 48:
        for index in range(low, high):
            best = joined(kind, best, leaf(rows, stride, column, kind, index))
        return best
    while low & 15:
        best = joined(kind, best, leaf(rows, stride, column, kind, low))
        low += 1
    while high & 15:
        high -= 1
        best = joined(kind, best, leaf(rows, stride, column, kind, high))
    return joined(kind, best, _upper_summary(tree, capacity, kind, low >> 4, high >> 4))


@njit
def _upper_summary(tree, capacity, kind, low, high):
    best = 0 if kind == MEMBER else NONE
    width = (capacity + 15) >> 4
    while width > 16 and high - low > 48:
        while low & 15:
            best = joined(kind, best, get(tree, low))
            low += 1
        while high & 15:
            high -= 1
            best = joined(kind, best, get(tree, high))
        low >>= 4
        high >>= 4
        tree += width * 8
        width = (width + 15) >> 4
    for index in range(low, high):
        best = joined(kind, best, get(tree, index))
    return best
