# pyright: basic
# compiled by numba: plain integers throughout
"""A table as one run of words and back: what a restart needs instead of a replay."""

from numba import njit

from sekisho.windows.compiling import cached
from sekisho.windows.kernel import set_block
from sekisho.windows.layout import (
    BASE,
    BASE_COUNT,
    BYTES,
    COLUMNS,
    INDEX_FROM,
    LENGTH,
    MASK,
    ROWS,
    SLOTS,
    STRIDE,
)
from sekisho.windows.members import index_rebuild
from sekisho.windows.memory import allocate, fill, get, move, put, release
from sekisho.windows.rows import MEMBER, block_new, kind_of, rows_of, trees_make

KEY_WORDS = 5  # key, rows, base count, first and last; then the base words


@njit
def dump(table, target):
    """Write every key of a table to `target`; returns the address behind the last word."""
    slots = get(table, SLOTS)
    stride = get(table, STRIDE)
    columns = get(table, COLUMNS)
    for slot in range(get(table, MASK) + 1):
        key = get(slots, slot * 2)
        if key != 0:
            block = get(slots, slot * 2 + 1)
            length = get(block, LENGTH)
            put(target, 0, key)
            put(target, 1, length)
            for word in range(3):
                put(target, 2 + word, get(block, BASE_COUNT + word))
            for column in range(columns):
                base = get(block, BASE + column)
                put(target, KEY_WORDS + column, 0 if kind_of(table, column) == MEMBER else base)
            target += (KEY_WORDS + columns) * 8
            move(target, rows_of(table, block), length * stride * 8)
            target += length * stride * 8
    return target


@njit
def restore(root, table, source, keys):
    """Read `keys` keys into an empty table."""
    presize(root, table, keys)
    stride = get(table, STRIDE)
    columns = get(table, COLUMNS)
    for _ in range(keys):
        length = get(source, 1)
        block = block_new(root, table, max(2, (length + (length >> 3) + 1) & -2))
        put(block, LENGTH, length)
        for word in range(3):
            put(block, BASE_COUNT + word, get(source, 2 + word))
        for column in range(columns):
            put(block, BASE + column, get(source, KEY_WORDS + column))
        rows = source + (KEY_WORDS + columns) * 8
        move(rows_of(table, block), rows, length * stride * 8)
        trees_make(root, table, block)
        for column in range(columns):
            if length > INDEX_FROM and kind_of(table, column) == MEMBER:
                index_rebuild(root, table, block, column)
        put(table, ROWS, get(table, ROWS) + length)
        set_block(root, table, get(source, 0), block)
        source = rows + length * stride * 8
    return source


@njit
def presize(root, table, keys):
    """Slots enough for so many keys, so that none moves while they come in."""
    size = get(table, MASK) + 1
    wanted = size
    while keys * 4 > wanted * 3:
        wanted *= 2
    if wanted > size:
        release(get(table, SLOTS))
        slots = allocate(wanted * 16)
        if slots == 0:
            raise MemoryError
        fill(slots, 0, wanted * 16)
        put(table, SLOTS, slots)
        put(table, MASK, wanted - 1)
        put(root, BYTES, get(root, BYTES) + (wanted - size) * 16)


@cached("int64(int64, int64, int64, int64)")
def copy(root, table, address, keys):
    """Dump a table to an address if `keys` is negative, else restore so many keys from there."""
    if keys < 0:
        return dump(table, address)
    return restore(root, table, address, keys)
