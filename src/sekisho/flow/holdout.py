"""Holdout: a small, drawn share of would-be blocks passes, under a cap of money."""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from sekisho.decisions import Decision, Outcome, decide
from sekisho.events import Event, Record
from sekisho.flow.assess import Assessment, HeldOut
from sekisho.language import Action
from sekisho.ledger import OutboxRow
from sekisho.rules import Hit, HoldoutPlan

DAY_US: Final = 86_400_000_000
KIND: Final = "holdout.passed"
"""Outbox rows that say what a payment which passed was worth; read back at a start."""


class Passed(msgspec.Struct, frozen=True):
    """What a payment that passed takes of its day's cap."""

    day: int
    amount: int


class Holdout:
    """Draws which would-be blocks pass, and keeps what those of each day are worth.

    A payment passes by its id and the installation's secret, so nobody can choose an id that does.

    Args:
        key: drawn from the installation's secret.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._spent: dict[int, int] = {}

    def restore(self, rows: Iterable[OutboxRow], now_us: int) -> None:
        """Take in what passed today, from the newest row of the outbox on."""
        today = now_us // DAY_US
        for row in rows:
            one = msgspec.json.decode(row.payload, type=Passed)
            if one.day < today:
                return
            self.spend(one.day, one.amount)

    def spend(self, day: int, amount: int) -> None:
        """Count what passed on a day (or, below zero, what came to nothing)."""
        self._spent[day] = self._spent.get(day, 0) + amount

    def spent(self, day: int) -> int:
        """What passed on a day, in minor units."""
        return self._spent.get(day, 0)

    def judge(
        self, plan: HoldoutPlan, event: Event, record: Record, made: Assessment, now_us: int
    ) -> Assessment:
        """The assessment as it stands, or with the block let pass; marked if it could have been."""
        amount = _amount_of(event, record, plan)
        decision = made.decision
        if amount is None or not is_eligible(decision):
            return made
        assert decision.credited is not None, "a block has a rule"
        day = now_us // DAY_US
        fits = amount <= plan.per_payment and self.spent(day) + amount <= plan.per_day
        probability = plan.share if fits else 0.0
        passed = self._draw(event.id) < probability
        held = HeldOut(probability, passed, decision.credited.rule.id)
        if not passed:
            return msgspec.structs.replace(made, holdout=held)
        self.spend(day, amount)
        return msgspec.structs.replace(made, decision=_without_block(decision), holdout=held)

    def _draw(self, event_id: str) -> float:
        """A number from 0 to 1 that belongs to an event."""
        digest = hmac.new(self._key, event_id.encode(), sha256).digest()
        return int.from_bytes(digest[:8], "little") / 2**64


def is_eligible(decision: Decision) -> bool:
    """Whether a block may pass at all: never one that looks into a list, never one by policy.

    Lists of known fraud are lists, so no rule that reads any list is ever held out.
    """
    if decision.outcome is not Outcome.BLOCK:
        return False
    blocks = [hit for hit in decision.hits if hit.action is Action.BLOCK]
    return not any(hit.rule.lists or hit.by_policy is not None for hit in blocks)


def passed_row(event: Event, amount: int, decision_id: str, now_us: int) -> OutboxRow:
    """What a start reads back of a payment that passed."""
    payload = msgspec.json.encode(Passed(now_us // DAY_US, amount))
    return OutboxRow(
        id=f"hold_{decision_id.removeprefix('dec_')}",
        kind=KIND,
        payload=payload,
        ordering_key=event.id,
        due_at_us=now_us,
        is_note=True,
    )


def _without_block(decision: Decision) -> Decision:
    """The next lower class decides; the block stays among the hits."""
    rest: list[Hit] = [hit for hit in decision.hits if hit.action is not Action.BLOCK]
    return msgspec.structs.replace(decide(rest), hits=decision.hits)


def _amount_of(event: Event, record: Record, plan: HoldoutPlan) -> int | None:
    """What a payment is worth in the plan's currency; None for anything else."""
    amount = record.get("amount")
    if event.type != "payment" or record.get("currency") != plan.currency:
        return None
    return int(amount) if isinstance(amount, int | float) and amount > 0 else None
