# pyright: basic
# compiled by numba: plain integers throughout
"""Different members in a window: each member's latest row is marked in its lowest bit."""

from numba import njit

from sekisho.windows.layout import BASE, BYTES, HEAD, LENGTH, NEVER, STRIDE
from sekisho.windows.memory import allocate, fill, get, put, release

INDEX_HEAD = 2  # mask, used; then pairs (member, time of its latest row)
SMALL_WINDOW = 24


@njit(inline="always")
def scatter(member, mask):
    """Where the search for a member starts."""
    return ((member * -7046029254386353131) >> 20) & mask


@njit
def rank(rows, stride, length, moment):
    """How many of the first `length` rows have a time at or before a moment; near the end first."""
    if length == 0 or get(rows, (length - 1) * stride) <= moment:
        return length
    high = length - 1
    step = 1
    low = high - 1
    while low >= 0 and get(rows, low * stride) > moment:
        high = low
        step <<= 1
        low = high - step
    low = max(low, -1)
    while high - low > 1:
        middle = (low + high) >> 1
        if get(rows, middle * stride) > moment:
            high = middle
        else:
            low = middle
    return high


@njit
def seek(rows, stride, length, hint, moment):
    """The same as `rank`, but near a hint first."""
    low = min(hint, length)
    if low == length or get(rows, low * stride) > moment:
        if low == 0 or get(rows, (low - 1) * stride) <= moment:
            return low
        return rank(rows, stride, low, moment)
    step = 1
    high = low + 1
    while high < length and get(rows, high * stride) <= moment:
        low = high
        step <<= 1
        high = low + step
    high = min(high, length)
    while high - low > 1:
        middle = (low + high) >> 1
        if get(rows, middle * stride) > moment:
            high = middle
        else:
            low = middle
    return high


@njit
def index_find(index, member):
    """The slot of a member in a block's index, or of the gap where it would go."""
    mask = get(index, 0)
    slot = scatter(member, mask)
    while True:
        held = get(index, INDEX_HEAD + slot * 2)
        if held in (member, 0):
            return slot
        slot = (slot + 1) & mask


@njit
def index_new(root, size):
    """An empty index of `size` slots."""
    words = INDEX_HEAD + size * 2
    index = allocate(words * 8)
    if index == 0:
        raise MemoryError
    fill(index, 0, words * 8)
    put(index, 0, size - 1)
    put(root, BYTES, get(root, BYTES) + words * 8 + 16)
    return index


@njit
def index_free(root, index):
    """Give an index back."""
    if index != 0:
        words = INDEX_HEAD + (get(index, 0) + 1) * 2
        put(root, BYTES, get(root, BYTES) - words * 8 - 16)
        release(index)


@njit
def index_set(root, index, member, moment):
    """Note a member's latest time; returns the index, which may have grown."""
    slot = index_find(index, member)
    if get(index, INDEX_HEAD + slot * 2) == 0:
        used = get(index, 1) + 1
        put(index, 1, used)
        put(index, INDEX_HEAD + slot * 2, member)
        put(index, INDEX_HEAD + slot * 2 + 1, moment)
        if used * 4 > (get(index, 0) + 1) * 3:
            return _index_grown(root, index)
        return index
    put(index, INDEX_HEAD + slot * 2 + 1, moment)
    return index


@njit
def _index_grown(root, index):
    size = get(index, 0) + 1
    larger = index_new(root, size * 2)
    for slot in range(size):
        member = get(index, INDEX_HEAD + slot * 2)
        moment = get(index, INDEX_HEAD + slot * 2 + 1)
        if member != 0 and moment != NEVER:
            target = index_find(larger, member)
            put(larger, INDEX_HEAD + target * 2, member)
            put(larger, INDEX_HEAD + target * 2 + 1, moment)
            put(larger, 1, get(larger, 1) + 1)
    index_free(root, index)
    return larger


@njit
def index_rebuild(root, table, block, column):
    """Make the index of a block anew from its marked rows."""
    index_free(root, get(block, BASE + column))
    index = index_new(root, 64)
    stride = get(table, STRIDE)
    rows = block + get(table, HEAD) * 8
    for row in range(get(block, LENGTH)):
        word = get(rows, row * stride + 1 + column)
        if word & 1:
            index = index_set(root, index, word & -2, get(rows, row * stride))
    put(block, BASE + column, index)


@njit
def find_latest(table, block, column, member):
    """The row that is a member's latest, or -1."""
    stride = get(table, STRIDE)
    rows = block + get(table, HEAD) * 8
    row = get(block, LENGTH) - 1
    index = get(block, BASE + column)
    if index != 0:
        slot = index_find(index, member)
        moment = get(index, INDEX_HEAD + slot * 2 + 1)
        if get(index, INDEX_HEAD + slot * 2) == 0 or moment == NEVER:
            return -1
        row = rank(rows, stride, row + 1, moment) - 1
    while row >= 0 and get(rows, row * stride + 1 + column) != member | 1:
        row -= 1
    return row


@njit
def different(table, block, column, low, high):
    """Different members among rows low to high, when later rows exist: marks do not help here."""
    stride = get(table, STRIDE)
    rows = block + get(table, HEAD) * 8 + (1 + column) * 8
    count = 0
    if high - low <= SMALL_WINDOW:
        for row in range(low, high):
            member = get(rows, row * stride) & -2
            fresh = member != 0
            for earlier in range(low, row):
                fresh = fresh and get(rows, earlier * stride) & -2 != member
            count += fresh
        return count
    return _different_hashed(rows, stride, low, high)


@njit
def _different_hashed(rows, stride, low, high):
    size = 64
    while size < (high - low) * 2:
        size *= 2
    seen = allocate(size * 8)
    if seen == 0:
        raise MemoryError
    fill(seen, 0, size * 8)
    count = 0
    for row in range(low, high):
        member = get(rows, row * stride) & -2
        if member != 0:
            slot = scatter(member, size - 1)
            while get(seen, slot) not in (0, member):
                slot = (slot + 1) & (size - 1)
            count += get(seen, slot) == 0
            put(seen, slot, member)
    release(seen)
    return count


@njit
def occurs(table, block, column, member, low, high):
    """Whether a member is among rows low to high."""
    stride = get(table, STRIDE)
    latest = find_latest(table, block, column, member)
    if latest < low:
        return False
    if latest < high:
        return True
    rows = block + get(table, HEAD) * 8 + (1 + column) * 8
    for row in range(high - 1, low - 1, -1):
        if get(rows, row * stride) & -2 == member:
            return True
    return False
