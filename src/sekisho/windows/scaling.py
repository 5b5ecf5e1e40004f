# pyright: basic
# compiled by numba: plain integers and floats throughout
"""From whole multiples of 1/10,000 to the nearest float, and back."""

import numpy as np
from numba import njit

from sekisho.windows.plan import FIXED_POINT, VALUE_LIMIT

EXACT = 2**53  # whole numbers up to here are floats without rounding
UNIT = float(FIXED_POINT)


@njit
def scaled(total):
    """The float nearest to total / 10,000."""
    if -EXACT <= total <= EXACT:
        return total / UNIT
    whole = total // FIXED_POINT
    return whole + (total - whole * FIXED_POINT) / UNIT


@njit
def fixed_word(value):
    """A value that is present as a whole number of 1/10,000, half to even, within its limit."""
    return int(np.rint(min(max(value, -VALUE_LIMIT), VALUE_LIMIT) * UNIT))
