# pyright: basic
# compiled by numba: plain integers throughout
"""The rows of one key, sorted by time: insert, remove, evict, grow."""

from numba import njit

from sekisho.windows.layout import (
    BASE,
    BASE_COUNT,
    BASE_FIRST,
    BASE_LAST,
    BYTES,
    CAPACITY,
    COLUMN_LIST,
    COLUMNS,
    CUTS,
    EVICTION_NOW,
    FOREVER,
    HEAD,
    HINTS,
    INDEX_FROM,
    LENGTH,
    NEVER,
    NONE,
    RETENTION,
    ROWS,
    STRIDE,
    TREE_FROM,
    TREES,
)
from sekisho.windows.members import (
    find_latest,
    index_free,
    index_rebuild,
    index_set,
    rank,
    scatter,
)
from sekisho.windows.memory import (
    allocate,
    fill,
    get,
    get_half,
    move,
    put,
    put_half,
    release,
    resize,
)
from sekisho.windows.plan import Kind
from sekisho.windows.trees import tree_append, tree_rebuild, tree_shift, tree_words

MATCH = int(Kind.MATCH)
MEMBER = int(Kind.MEMBER)


@njit(inline="always")
def kind_of(table, column):
    """The kind of a column; kinds up to MATCH are running totals."""
    return get(get(table, COLUMN_LIST), column * 2)


@njit(inline="always")
def rows_of(table, block):
    """Where the rows of a block start."""
    return block + get(table, HEAD) * 8


@njit(inline="always")
def tree_of(table, block, column):
    """The tree of a column, 0 if it has none."""
    if get(table, TREES) == 0:
        return 0
    return get(block, BASE + get(table, COLUMNS) + column)


@njit
def block_new(root, table, capacity):
    """An empty block."""
    head = get(table, HEAD)
    size = (head + capacity * get(table, STRIDE)) * 8
    block = allocate(size)
    if block == 0:
        raise MemoryError
    fill(block, 0, head * 8)
    put(root, BYTES, get(root, BYTES) + size + 16)
    put(block, CAPACITY, capacity)
    put(block, BASE_FIRST, -NEVER)
    put(block, BASE_LAST, NEVER)
    for column in range(get(table, COLUMNS)):
        if MATCH < kind_of(table, column) < MEMBER:
            put(block, BASE + column, NONE)
    return block


@njit
def block_free(root, table, block):
    """Give a block back with its trees and indexes."""
    trees_free(root, table, block)
    for column in range(get(table, COLUMNS)):
        if kind_of(table, column) == MEMBER:
            index_free(root, get(block, BASE + column))
    words = get(table, HEAD) + get(block, CAPACITY) * get(table, STRIDE)
    put(root, BYTES, get(root, BYTES) - words * 8 - 16)
    release(block)


@njit
def trees_free(root, table, block):
    """Give the trees of a block back."""
    if get(table, TREES) == 0:
        return
    columns = get(table, COLUMNS)
    for column in range(columns):
        tree = get(block, BASE + columns + column)
        if tree != 0:
            words = tree_words(get(block, CAPACITY))
            put(root, BYTES, get(root, BYTES) - words * 8 - 16)
            put(block, BASE + columns + column, 0)
            release(tree)


@njit
def trees_make(root, table, block):
    """Make trees for a block long enough to want them."""
    capacity = get(block, CAPACITY)
    if get(table, TREES) == 0 or capacity < TREE_FROM:
        return
    columns = get(table, COLUMNS)
    for column in range(columns):
        if kind_of(table, column) > MATCH:
            words = tree_words(capacity)
            tree = allocate(words * 8)
            if tree == 0:
                raise MemoryError
            put(root, BYTES, get(root, BYTES) + words * 8 + 16)
            put(block, BASE + columns + column, tree)
    trees_rebuild(table, block, 0)


@njit
def trees_rebuild(table, block, start):
    """Bring the trees up to date from a row on."""
    for column in range(get(table, COLUMNS)):
        tree = tree_of(table, block, column)
        if tree != 0:
            kind = kind_of(table, column)
            rows = rows_of(table, block)
            length = get(block, LENGTH)
            capacity = get(block, CAPACITY)
            tree_rebuild(tree, capacity, rows, get(table, STRIDE), column, kind, length, start)


@njit
def block_resized(root, table, block, capacity):
    """The block with another capacity; its address changes."""
    trees_free(root, table, block)
    stride = get(table, STRIDE)
    size = (get(table, HEAD) + capacity * stride) * 8
    put(root, BYTES, get(root, BYTES) + (capacity - get(block, CAPACITY)) * stride * 8)
    block = resize(block, size)
    if block == 0:
        raise MemoryError
    put(block, CAPACITY, capacity)
    trees_make(root, table, block)
    return block


@njit
def with_room(root, table, block):
    """The block with room for one more row: expired rows go first, then it grows by a quarter."""
    if get(block, LENGTH) < get(block, CAPACITY):
        return block
    evict(root, table, block, get(root, EVICTION_NOW) - get(table, RETENTION))
    capacity = get(block, CAPACITY)
    if get(block, LENGTH) * 8 <= capacity * 7:
        return block
    return block_resized(root, table, block, capacity + max(2, (capacity >> 2) & -2))


@njit
def insert(root, table, block, moment, inputs):
    """Put a row in its place by time, after rows of the same instant."""
    if moment <= get(block, BASE_LAST) and get(table, FOREVER) == 0:
        fold_late(table, block, moment, inputs, 1)
        return block
    block = with_room(root, table, block)
    stride = get(table, STRIDE)
    length = get(block, LENGTH)
    rows = rows_of(table, block)
    place = rank(rows, stride, length, moment)
    for column in range(get(table, COLUMNS)):
        if kind_of(table, column) == MEMBER:
            place_member(root, table, block, column, moment, inputs)
    row = rows + place * stride * 8
    if place < length:
        move(row + stride * 8, row, (length - place) * stride * 8)
    put(row, 0, moment)
    put(block, LENGTH, length + 1)
    put(table, ROWS, get(table, ROWS) + 1)
    for column in range(get(table, COLUMNS)):
        fill_column(table, block, column, place, get(inputs, column))
    if place < length:
        trees_rebuild(table, block, place)
    for column in range(get(table, COLUMNS)):
        wanted = length >= INDEX_FROM and kind_of(table, column) == MEMBER
        if wanted and get(block, BASE + column) == 0:
            index_rebuild(root, table, block, column)
    return block


@njit
def place_member(root, table, block, column, moment, inputs):
    """Decide whether the new row is its member's latest; the mark goes into the input."""
    member = get(inputs, column) & -2
    if member == 0:
        return
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    latest = find_latest(table, block, column, member)
    if latest >= 0:
        if get(rows, latest * stride) > moment:
            put(inputs, column, member)
            return
        put(rows, latest * stride + 1 + column, member)
        tree = tree_of(table, block, column)
        if tree != 0:
            tree_shift(tree, get(block, CAPACITY), latest, -1)
    put(inputs, column, member | 1)
    index = get(block, BASE + column)
    if index != 0:
        put(block, BASE + column, index_set(root, index, member, moment))


@njit
def fill_column(table, block, column, place, word):
    """Write one column of the row just placed and carry it into later rows or the tree."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    cell = rows + (place * stride + 1 + column) * 8
    kind = kind_of(table, column)
    last = get(block, LENGTH) - 1
    if kind <= MATCH:
        before = get(cell, -stride) if place > 0 else get(block, BASE + column)
        put(cell, 0, before + word)
        if word != 0:
            for later in range(1, last - place + 1):
                put(cell, later * stride, get(cell, later * stride) + word)
        return
    put(cell, 0, word)
    tree = tree_of(table, block, column)
    if tree != 0 and place == last:
        tree_append(tree, get(block, CAPACITY), kind, place, word & 1 if kind == MEMBER else word)


@njit
def fold_late(table, block, moment, inputs, sign):
    """Count a row older than what was evicted in what is kept for all time."""
    count = get(block, BASE_COUNT) + sign
    put(block, BASE_COUNT, count)
    if sign > 0:
        put(block, BASE_FIRST, min(get(block, BASE_FIRST), moment))
    stride = get(table, STRIDE)
    for column in range(get(table, COLUMNS)):
        kind = kind_of(table, column)
        word = get(inputs, column)
        if kind <= MATCH and word != 0:
            put(block, BASE + column, get(block, BASE + column) + sign * word)
            cell = rows_of(table, block) + (1 + column) * 8
            for row in range(get(block, LENGTH)):
                put(cell, row * stride, get(cell, row * stride) + sign * word)
        elif MATCH < kind < MEMBER and sign > 0:
            put(block, BASE + column, max(get(block, BASE + column), word))


@njit
def remove(root, table, block, moment, inputs):
    """Take out one row that equals the inputs; False if there is none."""
    if moment <= get(block, BASE_LAST) and get(table, FOREVER) == 0:
        fold_late(table, block, moment, inputs, -1)
        return True
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    length = get(block, LENGTH)
    place = rank(rows, stride, length, moment) - 1
    while place >= 0 and get(rows, place * stride) == moment:
        if row_equals(table, block, place, inputs):
            take_out(root, table, block, place, inputs)
            return True
        place -= 1
    return False


@njit
def row_equals(table, block, place, inputs):
    """Whether a row was made from these inputs."""
    stride = get(table, STRIDE)
    cells = rows_of(table, block) + (place * stride + 1) * 8
    for column in range(get(table, COLUMNS)):
        kind = kind_of(table, column)
        held = get(cells, column)
        wanted = get(inputs, column)
        if kind <= MATCH:
            before = get(cells, column - stride) if place > 0 else get(block, BASE + column)
            held -= before
        elif kind == MEMBER:
            held &= -2
            wanted &= -2
        if held != wanted:
            return False
    return True


@njit
def take_out(root, table, block, place, inputs):
    """Remove the row at a place and repair what depended on it."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    length = get(block, LENGTH)
    start = place
    for column in range(get(table, COLUMNS)):
        cell = rows + (place * stride + 1 + column) * 8
        kind = kind_of(table, column)
        word = get(inputs, column)
        if kind <= MATCH and word != 0:
            for later in range(1, length - place):
                put(cell, later * stride, get(cell, later * stride) - word)
        elif kind == MEMBER and get(cell, 0) & 1:
            start = min(start, hand_back(root, table, block, column, place))
    row = rows + place * stride * 8
    move(row, row + stride * 8, (length - place - 1) * stride * 8)
    put(block, LENGTH, length - 1)
    put(table, ROWS, get(table, ROWS) - 1)
    trees_rebuild(table, block, start)


@njit
def hand_back(root, table, block, column, place):
    """Mark the row before as its member's latest; returns where that is."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    member = get(rows, place * stride + 1 + column) & -2
    moment = NEVER
    row = place - 1
    while row >= 0 and get(rows, row * stride + 1 + column) & -2 != member:
        row -= 1
    if row >= 0:
        put(rows, row * stride + 1 + column, member | 1)
        moment = get(rows, row * stride)
    index = get(block, BASE + column)
    if index != 0:
        put(block, BASE + column, index_set(root, index, member, moment))
    return row if row >= 0 else place


@njit
def evict(root, table, block, horizon):
    """Drop the rows at or before the horizon, keeping what reads over all time need of them."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    length = get(block, LENGTH)
    if length == 0 or get(rows, 0) > horizon:
        return 0
    gone = rank(rows, stride, length, horizon)
    kept = 0
    if get(table, FOREVER) != 0:
        kept = keep_members(table, block, gone)
    else:
        fold_evicted(table, block, gone)
    dropped = gone - kept
    if dropped == 0:
        return 0
    row = rows + kept * stride * 8
    move(row, rows + gone * stride * 8, (length - gone) * stride * 8)
    put(block, LENGTH, length - dropped)
    put(table, ROWS, get(table, ROWS) - dropped)
    trees_rebuild(table, block, 0)
    hints = block + get(table, HINTS) * 8
    for cut in range(get(table, CUTS)):
        put_half(hints, cut, max(0, get_half(hints, cut) - dropped))
    for column in range(get(table, COLUMNS)):
        if kind_of(table, column) == MEMBER and get(block, BASE + column) != 0:
            index_rebuild(root, table, block, column)
    return dropped


@njit
def fold_evicted(table, block, gone):
    """Carry the rows that go into the base."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    put(block, BASE_COUNT, get(block, BASE_COUNT) + gone)
    put(block, BASE_FIRST, min(get(block, BASE_FIRST), get(rows, 0)))
    put(block, BASE_LAST, max(get(block, BASE_LAST), get(rows, (gone - 1) * stride)))
    for column in range(get(table, COLUMNS)):
        kind = kind_of(table, column)
        cell = rows + (1 + column) * 8
        if kind <= MATCH:
            put(block, BASE + column, get(cell, (gone - 1) * stride))
        elif kind < MEMBER:
            best = get(block, BASE + column)
            for row in range(gone):
                best = max(best, get(cell, row * stride))
            put(block, BASE + column, best)


@njit
def keep_members(table, block, gone):
    """Move each member's last row before the horizon to the front; returns how many there are."""
    stride = get(table, STRIDE)
    rows = rows_of(table, block)
    bound = get(table, FOREVER)
    size = 16
    while size < gone * 2:
        size *= 2
    seen = allocate(size * 8)
    if seen == 0:
        raise MemoryError
    fill(seen, 0, size * 8)
    target = gone
    for row in range(gone - 1, -1, -1):
        member = get(rows, row * stride + 1) & -2
        slot = scatter(member, size - 1)
        while get(seen, slot) not in (0, member):
            slot = (slot + 1) & (size - 1)
        if member != 0 and get(seen, slot) == 0 and (bound < 0 or gone - target < bound):
            put(seen, slot, member)
            target -= 1
            move(rows + target * stride * 8, rows + row * stride * 8, stride * 8)
    release(seen)
    move(rows, rows + target * stride * 8, (gone - target) * stride * 8)
    return gone - target
