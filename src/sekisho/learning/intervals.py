"""How sure a share is that was counted on few events."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054
"""Half-width of 95 % of the normal distribution, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with the interval that holds the true one in 95 of 100 such samples."""

    count: int
    of: int

    def as_dict(self) -> dict[str, object]:
        """As JSON has it; without any events there is no value, and anything is possible."""
        low, high = wilson(self.count, self.of)
        value = self.count / self.of if self.of else None
        return {"value": value, "low": low, "high": high, "count": self.count, "of": self.of}


def wilson(count: int, of: int) -> tuple[float, float]:
    """The score interval of a share, 95 %.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22 (1927).

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if of == 0:
        return 0.0, 1.0
    share, square = count / of, Z * Z / of
    middle = (share + square / 2) / (1 + square)
    half = Z * sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
