# pyright: basic
# numba's decorators are untyped
"""The one loop of rules over codes: many rows through a table."""

from typing import Any

from numba import njit, types

_WORDS = types.Array(types.uint64, 1, "C")
_CODES = types.Array(types.uint8, 1, "C", readonly=True)
_TABLE = types.Array(types.uint64, 1, "C", readonly=True)


@njit(types.void(_WORDS, _CODES, _TABLE), cache=True)
def keep_cases(masks: Any, codes: Any, table: Any) -> None:
    """Leave in each row's mask the cases that its code leaves."""
    for row in range(len(masks)):
        masks[row] &= table[codes[row]]
