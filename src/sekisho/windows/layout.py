"""Where each word lies: the root of a store, the descriptor of a table, the block of a key."""

from enum import IntEnum
from typing import Final

# Root: one array owned by Python; the rest is reached from it by address.
TABLES: Final = 0
INPUT: Final = 1
OTHER_INPUT: Final = 2
OUTPUT: Final = 3
POSITIONS: Final = 4
EVICTION_NOW: Final = 5
BYTES: Final = 6
ABSENT: Final = 7  # how many answers of the last read are missing
UNMATCHED: Final = 8  # removals that found no row
CONDITION_WORDS: Final = 9
FIELDS: Final = 10
SWEEP_TABLE: Final = 11
DESCRIPTORS: Final = 12  # address of the first descriptor
MANY: Final = 13  # how many events lie one behind the other, for ADD_MANY
EVENT_BYTES: Final = 14
ROOT_WORDS: Final = 16

# Descriptor of a table.
SLOTS: Final = 0  # address of the key slots: pairs of (key, block)
MASK: Final = 1
USED: Final = 2
ROWS: Final = 3
TYPES: Final = 4
CONDITION: Final = 5
KEY_COUNT: Final = 6
KEY_FIELDS: Final = 7  # four words
COLUMNS: Final = 11
COLUMN_LIST: Final = 12  # address of pairs (kind, source)
RETENTION: Final = 13
CUTS: Final = 14
CUT_LIST: Final = 15
READS: Final = 16
READ_LIST: Final = 17
HEAD: Final = 18  # words before the first row of a block
STRIDE: Final = 19  # words of a row
FOREVER: Final = 20  # bound on members kept for ever: 0 none, -1 all
KEEP_KEYS: Final = 21
SWEEP_SLOT: Final = 22
KEY: Final = 23  # key and slot of the event in hand
SLOT: Final = 24
CURRENT: Final = 25  # whether any read includes the current event
ACTIVE: Final = 26
TREES: Final = 27  # whether any column keeps a tree
HINTS: Final = 28  # words from a block to the places where its cuts fell last
DESCRIPTOR_WORDS: Final = 29

# A read in a table's list.
R_AGGREGATE: Final = 0
R_LOW: Final = 1  # index of the cut where the window opens, -1 for all time
R_HIGH: Final = 2
R_COLUMN: Final = 3
R_SECOND: Final = 4
R_CURRENT: Final = 5
R_CAP: Final = 6
R_UNIT: Final = 7
R_OUTPUT: Final = 8
READ_WORDS: Final = 9

# Block of a key. For each column follow a base word (total or extreme of what was evicted; for
# members the address of their index) and, if the table keeps trees, the address of its tree; then
# a half-word for each cut: where it fell at the last read, which is near where it falls next.
LENGTH: Final = 0
CAPACITY: Final = 1
BASE_COUNT: Final = 2
BASE_FIRST: Final = 3
BASE_LAST: Final = 4
BASE: Final = 5

NONE: Final = -(2**63)
"""An absent value."""
NEVER: Final = -(2**62)
"""A time before all others."""
FIRST_SLOTS: Final = 64
FIRST_CAPACITY: Final = 2
TREE_FROM: Final = 64  # shorter blocks are scanned
INDEX_FROM: Final = 64
MAX_CUTS: Final = 64  # different window edges in one table
MAX_COLUMNS: Final = 32


class Operation(IntEnum):
    """What one call of the kernel does with the event at hand."""

    READ = 0
    ADD = 1
    REMOVE = 2
    REVISE = 3
    SWEEP = 4
    CLEAR = 5
    READ_ADD = 6
    ADD_MANY = 7
