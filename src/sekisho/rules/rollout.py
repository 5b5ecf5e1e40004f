"""Rules on trial: in shadow, or for a share of customers, cards or whatever a key names."""

from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec

from sekisho.events import Record

WHOLE: Final = 100
_KEY_BYTES: Final = 64
_PLACES: Final = 1 << 64


class Mode(StrEnum):
    """Whether a rule that matches has a say."""

    LIVE = "live"
    SHADOW = "shadow"
    """Matches are recorded apart and change nothing."""


class Rollout(msgspec.Struct, frozen=True):
    """The share of a key's values for which a rule is in force.

    Attributes:
        percent: from 0 to 100.
        by: the attribute whose values are divided, such as `customer`.
    """

    percent: float
    by: str

    def problem(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if not 0 <= self.percent <= WHOLE:
            return f"a roll-out is from 0 to 100 percent, not {self.percent:g}"
        return ""


class HoldoutPlan(msgspec.Struct, frozen=True):
    """How many would-be blocks pass, so that the precision of Block rules can be measured.

    Attributes:
        share: probability that an eligible block passes, above 0 and at most 0.2.
        per_payment: most that one payment which passes may be worth, minor units of `currency`.
        per_day: most that all of them of a day (UTC) may be worth, minor units.
        currency: payments in other currencies are never held out.
    """

    share: float
    per_payment: int
    per_day: int
    currency: str

    def problem(self) -> str:
        """What is wrong with it; empty when nothing is."""
        if not 0 < self.share <= MOST_SHARE:
            return f"a holdout lets a share above 0 and at most {MOST_SHARE} pass"
        if not 0 < self.per_payment <= self.per_day:
            return "a holdout needs `per_payment` above 0 and `per_day` not below it"
        return ""


MOST_SHARE: Final = 0.2
"""Beyond a fifth it is no sample any more but a hole."""


def is_rolled_out(rule_id: str, rollout: Rollout, record: Record) -> bool:
    """Whether an event is among those a rule is in force for; one without the key is not.

    A value has one place among all, drawn from the rule's id and the value; a larger percentage
    keeps every place that a smaller one had.

    >>> users = [{"customer": f"cus_{n}"} for n in range(1000)]
    >>> few = {u["customer"] for u in users if is_rolled_out("r", Rollout(10, "customer"), u)}
    >>> more = {u["customer"] for u in users if is_rolled_out("r", Rollout(20, "customer"), u)}
    >>> few < more, 70 < len(few) < 130
    (True, True)
    >>> is_rolled_out("r", Rollout(100, "customer"), {})
    False
    """
    value = record.get(rollout.by)
    if value is None:
        return False
    key = blake2b(rule_id.encode(), digest_size=_KEY_BYTES).digest()
    place = blake2b(str(value).encode(), digest_size=8, key=key).digest()
    return int.from_bytes(place, "little") * WHOLE < rollout.percent * _PLACES
