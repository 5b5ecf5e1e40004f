"""What decisions cost: fraud that passes, good customers turned away, reviewers' time."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from sekisho.decisions import Outcome
from sekisho.learning.past import BacktestRefused


@dataclass(frozen=True, slots=True)
class Costs:
    """What a person says things cost; amounts in minor units of the reporting currency.

    Attributes:
        dispute_fee: what the bank asks for each dispute.
        margin: share of a good payment's amount that is earned with it.
        share_of_blocked_good_lost: of good buyers who are blocked, those who do not come back.
        share_of_fraud_found_in_review: of fraud that is looked at, what reviewers stop.
        review_minutes: for one review.
        minute_cost: of a reviewer.
        share_of_fraud_stopped_by_challenge: of fraud asked to authenticate, what ends there.
        share_of_good_lost_in_challenge: of good buyers asked to authenticate, those who give up.
    """

    dispute_fee: float = 1500
    margin: float = 0.3
    share_of_blocked_good_lost: float = 0.7
    share_of_fraud_found_in_review: float = 0.8
    review_minutes: float = 5
    minute_cost: float = 75
    share_of_fraud_stopped_by_challenge: float = 0.9
    share_of_good_lost_in_challenge: float = 0.05


LARGEST: Final = 1e12
"""The largest cost there may be, in minor units."""
_SHARES: Final = frozenset(one.name for one in fields(Costs) if one.name.startswith("share_")) | {
    "margin"
}


@dataclass(slots=True)
class Tally:
    """Payments that got one outcome, by what is known of them; amounts in minor units.

    Payments that were blocked or declined when they happened have no fate and cost nothing here.
    """

    count: int = 0
    amount: int = 0
    went_through: int = 0
    fraud: int = 0
    fraud_amount: int = 0
    disputes: int = 0
    legitimate: int = 0
    legitimate_amount: int = 0

    def add(self, row: Mapping[str, int]) -> None:
        """Take in a row of sums with these names."""
        for name in TALLIED:
            setattr(self, name, getattr(self, name) + int(row[name]))


TALLIED: Final = tuple(one.name for one in fields(Tally))


@dataclass(frozen=True, slots=True)
class Money:
    """What a set of decisions costs, in minor units."""

    fraud_lost: int
    dispute_fees: int
    good_revenue_lost: int
    review_cost: int
    review_minutes: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.fraud_lost + self.dispute_fees + self.good_revenue_lost + self.review_cost

    def as_dict(self) -> dict[str, int]:
        """As JSON has it."""
        return {**{one.name: getattr(self, one.name) for one in fields(self)}, "total": self.total}


def money_of(tallies: Mapping[Outcome, Tally], costs: Costs) -> Money:
    """What these outcomes cost.

    >>> costs = Costs(dispute_fee=1500, margin=0.5, share_of_blocked_good_lost=1)
    >>> one = Tally(2, 300, 2, fraud=1, fraud_amount=100, disputes=1, legitimate=1,
    ...             legitimate_amount=200)
    >>> money_of({Outcome.ALLOW: one}, costs).total, money_of({Outcome.BLOCK: one}, costs).total
    (1600, 100)
    """
    fraud = fees = good = minutes = 0.0
    for outcome, one in tallies.items():
        stopped, lost, spent = _effect(outcome, costs)
        fraud += one.fraud_amount * (1 - stopped)
        fees += one.disputes * costs.dispute_fee * (1 - stopped)
        good += one.legitimate_amount * lost * costs.margin
        minutes += one.went_through * spent
    cost = minutes * costs.minute_cost
    return Money(round(fraud), round(fees), round(good), round(cost), round(minutes))


def _effect(outcome: Outcome, costs: Costs) -> tuple[float, float, float]:
    """Share of fraud stopped, share of good buyers lost, minutes of review for each payment."""
    match outcome:
        case Outcome.ALLOW:
            return 0, 0, 0
        case Outcome.BLOCK:
            return 1, costs.share_of_blocked_good_lost, 0
        case Outcome.HOLD | Outcome.REVIEW:
            return costs.share_of_fraud_found_in_review, 0, costs.review_minutes
        case Outcome.CHALLENGE | Outcome.REQUEST_3DS:
            stopped = costs.share_of_fraud_stopped_by_challenge
            return stopped, costs.share_of_good_lost_in_challenge, 0


def parse_costs(text: str) -> Costs:
    """Costs from TOML, at the top level or in a table `[costs]`; what is not named has its default.

    Raises:
        BacktestRefused: not TOML, an unknown name, or a value out of range.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BacktestRefused(f"the costs are not TOML: {error}") from error
    table: object = document.get("costs", document)
    if not isinstance(table, dict):
        raise BacktestRefused("`costs` must be a table: write [costs]")
    return costs_of(table)  # pyright: ignore[reportUnknownArgumentType] — keys of TOML are texts


def costs_of(given: Mapping[str, object]) -> Costs:
    """Costs by name.

    Raises:
        BacktestRefused: an unknown name, or a value out of range.
    """
    known = [one.name for one in fields(Costs)]
    for name, value in given.items():
        if name not in known:
            raise BacktestRefused(f"no cost `{name}`: there are {', '.join(known)}")
        most = 1.0 if name in _SHARES else LARGEST
        match value:
            case bool():
                is_fine = False
            case int() | float():
                is_fine = 0 <= value <= most
            case _:
                is_fine = False
        if not is_fine:
            limit = "a share from 0 to 1" if name in _SHARES else "a number from 0 on"
            raise BacktestRefused(f"the cost `{name}` must be {limit}, not `{value}`")
    return Costs(**given)  # pyright: ignore[reportArgumentType] — checked just above
