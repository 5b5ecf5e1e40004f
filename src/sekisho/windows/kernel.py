# pyright: basic
# compiled by numba: plain integers throughout
"""The compiled kernel: one call reads, adds, removes or revises one event in every table."""

import math

from numba import njit

from sekisho.windows.compiling import cached
from sekisho.windows.layout import (
    ABSENT,
    ACTIVE,
    BASE_LAST,
    BYTES,
    COLUMN_LIST,
    COLUMNS,
    CONDITION,
    CONDITION_WORDS,
    CURRENT,
    CUTS,
    DESCRIPTOR_WORDS,
    DESCRIPTORS,
    EVENT_BYTES,
    EVICTION_NOW,
    FIELDS,
    FIRST_CAPACITY,
    HEAD,
    HINTS,
    INPUT,
    KEEP_KEYS,
    KEY,
    KEY_COUNT,
    KEY_FIELDS,
    LENGTH,
    MANY,
    MASK,
    NONE,
    OTHER_INPUT,
    POSITIONS,
    READS,
    RETENTION,
    SLOT,
    SLOTS,
    STRIDE,
    SWEEP_SLOT,
    SWEEP_TABLE,
    TABLES,
    TYPES,
    UNMATCHED,
    USED,
    Operation,
)
from sekisho.windows.memory import allocate, fill, get, get_half, get_real, prefetch, put, release
from sekisho.windows.plan import Kind
from sekisho.windows.reading import read_table
from sekisho.windows.rows import block_free, block_new, evict, insert, remove
from sekisho.windows.scaling import fixed_word

READ, ADD, REMOVE, REVISE, SWEEP, CLEAR, READ_ADD, ADD_MANY = (int(one) for one in Operation)
TOTAL = int(Kind.TOTAL)
PRESENT = int(Kind.PRESENT)
MATCH = int(Kind.MATCH)
PEAK = int(Kind.PEAK)
DIP = int(Kind.DIP)
SWEEP_SLOTS = 4096  # slots looked at in one sweep call, so that a call stays well under 1 ms


@njit(inline="always")
def mixed(state, word):
    """Fold one more key part into a 64-bit hash (multiply and xor-shift, as in SplitMix64)."""
    state = (state ^ word) * -4658895280553007687
    state ^= (state >> 32) & 0xFFFFFFFF
    return state * -7723592293110705685


@njit
def key_of(root, table, inputs):
    """The key an event has in a table, 0 if a part is absent."""
    fields = inputs + (2 + get(root, CONDITION_WORDS)) * 8
    count = get(table, KEY_COUNT)
    key = get(fields, get(table, KEY_FIELDS))
    if count == 1 or key == 0:
        return key
    key = mixed(0, key)  # mixed first, so that (a, b) and (b, a) differ
    for part in range(1, count):
        word = get(fields, get(table, KEY_FIELDS + part))
        if word == 0:
            return 0
        key = mixed(key, word)
    return key if key != 0 else 1


@njit(inline="always")
def holds(inputs, condition):
    """Whether a condition's bit is set."""
    return (get(inputs, 2 + (condition >> 6)) >> (condition & 63)) & 1


@njit
def takes(table, inputs):
    """Whether an event belongs in a table."""
    if get(table, TYPES) & get(inputs, 1) == 0:
        return False
    condition = get(table, CONDITION)
    return condition < 0 or holds(inputs, condition) == 1


@njit
def cells(root, table, inputs, target):
    """What an event puts into each column of a table."""
    fields = inputs + (2 + get(root, CONDITION_WORDS)) * 8
    values = fields + get(root, FIELDS) * 8
    columns = get(table, COLUMN_LIST)
    for column in range(get(table, COLUMNS)):
        kind = get(columns, column * 2)
        source = get(columns, column * 2 + 1)
        if kind == MATCH:
            word = holds(inputs, source)
        elif kind > DIP:
            word = get(fields, source)
            if word != 0:
                word &= -2
                if word == 0:
                    word = 2
        else:
            word = value_word(kind, get_real(values, source))
        put(target, column, word)


@njit
def value_word(kind, value):
    """A value as the word its column keeps."""
    absent = math.isnan(value)
    if kind == PRESENT:
        return 0 if absent else 1
    if absent:
        return 0 if kind == TOTAL else NONE
    word = fixed_word(value)
    return -word if kind == DIP else word


@njit
def slot_of(table, key):
    """The slot of a key, or of the gap where it would go."""
    mask = get(table, MASK)
    slots = get(table, SLOTS)
    slot = key_start(key, mask)
    while True:
        held = get(slots, slot * 2)
        if held in (key, 0):
            return slot
        slot = (slot + 1) & mask


@njit(inline="always")
def key_start(key, mask):
    """Where the search for a key starts."""
    return ((key * -7046029254386353131) >> 24) & mask


@njit
def block_of(table, key):
    """The block of a key, 0 if it has none."""
    return get(get(table, SLOTS), slot_of(table, key) * 2 + 1)


@njit
def slots_grow(root, table):
    """Twice as many slots."""
    size = get(table, MASK) + 1
    old = get(table, SLOTS)
    larger = allocate(size * 32)
    if larger == 0:
        raise MemoryError
    fill(larger, 0, size * 32)
    put(table, SLOTS, larger)
    put(table, MASK, size * 2 - 1)
    for slot in range(size):
        key = get(old, slot * 2)
        if key != 0:
            target = slot_of(table, key)
            put(larger, target * 2, key)
            put(larger, target * 2 + 1, get(old, slot * 2 + 1))
    release(old)
    put(root, BYTES, get(root, BYTES) + size * 16)


@njit
def set_block(root, table, key, block):
    """Remember where a key's block is now."""
    slot = slot_of(table, key)
    slots = get(table, SLOTS)
    if get(slots, slot * 2) == 0:
        used = get(table, USED) + 1
        put(table, USED, used)
        put(slots, slot * 2, key)
        put(slots, slot * 2 + 1, block)
        if used * 4 > (get(table, MASK) + 1) * 3:
            slots_grow(root, table)
    else:
        put(slots, slot * 2 + 1, block)


@njit
def drop_key(table, slot):
    """Delete a key; the keys behind it move up so that no search breaks."""
    mask = get(table, MASK)
    slots = get(table, SLOTS)
    put(table, USED, get(table, USED) - 1)
    gap = slot
    while True:
        slot = (slot + 1) & mask
        key = get(slots, slot * 2)
        if key == 0:
            break
        home = key_start(key, mask)
        if ((slot - home) & mask) >= ((slot - gap) & mask):
            put(slots, gap * 2, key)
            put(slots, gap * 2 + 1, get(slots, slot * 2 + 1))
            gap = slot
    put(slots, gap * 2, 0)
    put(slots, gap * 2 + 1, 0)


@njit
def find_blocks(root, inputs):
    """Find the block of the event's key in every table, waiting for the misses together."""
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        key = key_of(root, table, inputs)
        put(table, KEY, key)
        prefetch(get(table, SLOTS) + key_start(key, get(table, MASK)) * 16)
        table += DESCRIPTOR_WORDS * 8
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        key = get(table, KEY)
        block = block_of(table, key) if key != 0 else 0
        put(table, SLOT, block)
        prefetch(block)
        table += DESCRIPTOR_WORDS * 8
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        block = get(table, SLOT)
        if block != 0:
            rows = block + get(table, HEAD) * 8
            width = get(table, STRIDE) * 8
            prefetch(rows + get(block, LENGTH) * width - 32)
            hints = block + get(table, HINTS) * 8
            for cut in range(get(table, CUTS)):
                prefetch(rows + (get_half(hints, cut) - 1) * width)
        table += DESCRIPTOR_WORDS * 8


@njit
def read_all(root, inputs):
    """Answer every read."""
    scratch = get(root, POSITIONS) + 512
    put(root, ABSENT, 0)
    moment = get(inputs, 0)
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        if get(table, READS) > 0:
            belongs = get(table, CURRENT) == 1 and takes(table, inputs)
            if belongs:
                cells(root, table, inputs, scratch)
            block = get(table, SLOT)
            read_table(root, table, get(table, KEY), block, moment, scratch, belongs)
        table += DESCRIPTOR_WORDS * 8


@njit
def add_to(root, table, inputs, key, block):
    """Add an event to one table."""
    scratch = get(root, POSITIONS) + 512
    cells(root, table, inputs, scratch)
    if block == 0:
        block = block_of(table, key)
    known = block
    if block == 0:
        block = block_new(root, table, FIRST_CAPACITY)
    block = insert(root, table, block, get(inputs, 0), scratch)
    if block != known:
        set_block(root, table, key, block)


@njit
def remove_from(root, table, inputs, key):
    """Take an event out of one table."""
    scratch = get(root, POSITIONS) + 512
    cells(root, table, inputs, scratch)
    block = block_of(table, key)
    if block == 0 or not remove(root, table, block, get(inputs, 0), scratch):
        put(root, UNMATCHED, get(root, UNMATCHED) + 1)


@njit
def add_all(root, inputs):
    """Add an event to every table it belongs in."""
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        key = get(table, KEY)
        if key != 0 and get(table, ACTIVE) == 1 and takes(table, inputs):
            add_to(root, table, inputs, key, get(table, SLOT))
        table += DESCRIPTOR_WORDS * 8


@njit
def remove_all(root, inputs):
    """Take an event out of every table it belongs in."""
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        key = key_of(root, table, inputs)
        if key != 0 and get(table, ACTIVE) == 1 and takes(table, inputs):
            remove_from(root, table, inputs, key)
        table += DESCRIPTOR_WORDS * 8


@njit
def same_cells(root, table, before, after):
    """Whether two versions of an event put the same into a table."""
    left = get(root, POSITIONS) + 512
    right = left + 256
    cells(root, table, before, left)
    cells(root, table, after, right)
    for column in range(get(table, COLUMNS)):
        if get(left, column) != get(right, column):
            return False
    return True


@njit
def revise_all(root, before, after):
    """Replace one version of an event by another where they differ."""
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        if get(table, ACTIVE) == 1:
            old = key_of(root, table, before) if takes(table, before) else 0
            new = key_of(root, table, after) if takes(table, after) else 0
            moved = get(before, 0) != get(after, 0)
            if old != new or (old != 0 and (moved or not same_cells(root, table, before, after))):
                if old != 0:
                    remove_from(root, table, before, old)
                if new != 0:
                    add_to(root, table, after, new, 0)
        table += DESCRIPTOR_WORDS * 8


@njit
def sweep(root):
    """Evict expired rows of the next few keys; returns how many tables remain to be swept."""
    done = 0
    turn = get(root, SWEEP_TABLE)
    while done < SWEEP_SLOTS and turn < get(root, TABLES):
        table = get(root, DESCRIPTORS) + turn * DESCRIPTOR_WORDS * 8
        slot = get(table, SWEEP_SLOT)
        if slot > get(table, MASK):
            put(table, SWEEP_SLOT, 0)
            turn += 1
        else:
            put(table, SWEEP_SLOT, slot + sweep_slot(root, table, slot))
        done += 1
    put(root, SWEEP_TABLE, turn if turn < get(root, TABLES) else 0)
    return get(root, TABLES) - turn


@njit
def sweep_slot(root, table, slot):
    """Evict at one slot; returns 0 when the slot must be looked at again."""
    block = get(get(table, SLOTS), slot * 2 + 1)
    if block == 0:
        return 1
    evict(root, table, block, get(root, EVICTION_NOW) - get(table, RETENTION))
    if get(block, LENGTH) == 0 and (get(table, KEEP_KEYS) == 0 or get(block, BASE_LAST) < -(2**61)):
        block_free(root, table, block)
        drop_key(table, slot)
        return 0
    return 1


@njit
def clear(root):
    """Give all memory back."""
    table = get(root, DESCRIPTORS)
    for _ in range(get(root, TABLES)):
        slots = get(table, SLOTS)
        for slot in range(get(table, MASK) + 1):
            if get(slots, slot * 2) != 0:
                block_free(root, table, get(slots, slot * 2 + 1))
        release(slots)
        put(table, SLOTS, 0)
        put(table, MASK, -1)
        table += DESCRIPTOR_WORDS * 8
    return 0


@njit
def add_many(root, inputs):
    """Add events that lie one behind the other."""
    for _ in range(get(root, MANY)):
        find_blocks(root, inputs)
        add_all(root, inputs)
        inputs += get(root, EVENT_BYTES)


@cached("int64(int64, int64)")
def step(root, operation):
    """Do one operation on the event in the input; a read returns how many answers are missing."""
    inputs = get(root, INPUT)
    if operation == READ:
        find_blocks(root, inputs)
        read_all(root, inputs)
    elif operation == ADD:
        find_blocks(root, inputs)
        add_all(root, inputs)
    elif operation == READ_ADD:
        find_blocks(root, inputs)
        read_all(root, inputs)
        add_all(root, inputs)
    elif operation == REMOVE:
        remove_all(root, inputs)
    elif operation == REVISE:
        revise_all(root, get(root, OTHER_INPUT), inputs)
    elif operation == SWEEP:
        return sweep(root)
    elif operation == CLEAR:
        return clear(root)
    elif operation == ADD_MANY:
        add_many(root, inputs)
    return get(root, ABSENT)
