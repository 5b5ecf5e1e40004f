"""Risk levels: which band a score falls into."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec


class Level(StrEnum):
    """Bands of the risk score, as `:risk_level:` spells them."""

    NORMAL = "normal"
    ELEVATED = "elevated"
    HIGHEST = "highest"
    NOT_ASSESSED = "not_assessed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Lowest scores of the two upper bands."""

    elevated: float = 65
    highest: float = 75

    def level(self, score: float) -> Level:
        """The band of a score.

        >>> Thresholds().level(65), Thresholds().level(74.9), Thresholds().level(75)
        (<Level.ELEVATED: 'elevated'>, <Level.ELEVATED: 'elevated'>, <Level.HIGHEST: 'highest'>)
        """
        if score >= self.highest:
            return Level.HIGHEST
        return Level.ELEVATED if score >= self.elevated else Level.NORMAL


DEFAULT_THRESHOLDS: Final = Thresholds()


class Risk(msgspec.Struct, frozen=True, gc=False):
    """A score with its band and the reasons for it, strongest first."""

    score: float | None
    level: str
    reasons: tuple[tuple[str, int], ...] = ()
    """Reason code and points."""
