"""The precision of blocking rules as a holdout estimates it, against worlds of known truth."""

import random

import polars as pl
import pytest

from sekisho.decisions import decide
from sekisho.events import Event, default_catalogue
from sekisho.flow import Assessment, Holdout
from sekisho.kit.clock import MICROSECONDS
from sekisho.language import Catalogue
from sekisho.learning import precision_by_rule, weighted_precision
from sekisho.rules import DraftRule, Hit, HoldoutPlan, assemble
from sekisho.scoring import Risk

DAY_US = 86_400 * MICROSECONDS
PLAN = HoldoutPlan(0.1, 20_000, 400_000, "usd")


def block() -> Hit:
    catalogue: Catalogue = default_catalogue()
    (rule,) = assemble([DraftRule("Block if :amount_in_usd: > 1")], catalogue, {}, lambda: "rule_a")
    return Hit(rule, rule.action)


HIT = block()


def judged(holdout: Holdout, number: str, amount: int, now_us: int) -> Assessment:
    event = Event(number, "payment", now_us, {}, frozenset(), "", b"")
    made = Assessment(decide([HIT]), Risk(50, "normal"), ())
    return holdout.judge(PLAN, event, {"amount": amount, "currency": "usd"}, made, now_us)


def world(seed: int, events: int, precision: float) -> tuple[pl.DataFrame, list[str]]:
    """Blocks of a rule whose precision is known, drawn by the product's own holdout."""
    chance = random.Random(seed)
    holdout = Holdout(seed.to_bytes(8, "little"))
    rows: list[dict[str, object]] = []
    fraud: list[str] = []
    for number in range(events):
        name, at_us = f"e{seed}_{number}", number * DAY_US // 100
        made = judged(holdout, name, chance.randrange(500, 15_000), at_us)
        assert made.holdout is not None
        passed = made.holdout.passed
        rows.append({
            "event": name,
            "at_us": at_us,
            "decided": "allow" if passed else "block",
            "rule": None if passed else "rule_a",
            "holdout_rule": "rule_a",
            "holdout_probability": made.holdout.probability,
            "holdout_passed": passed,
        })  # fmt: skip
        if chance.random() < precision:
            fraud.append(name)
    return pl.DataFrame(rows), fraud


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.95])
def test_interval_covers_the_true_precision_as_often_as_it_says(precision: float) -> None:
    worlds = 200
    covered = 0
    for seed in range(worlds):
        events, fraud = world(seed, 1_500, precision)
        found = precision_by_rule(events, fraud)["rule_a"]
        assert found.blocks == 1_500
        covered += found.low <= precision <= found.high
    assert 0.90 <= covered / worlds <= 0.99, covered


def test_unequal_probabilities_are_weighted_back() -> None:
    chance = random.Random(4)
    drawn: list[tuple[float, bool]] = []
    fraud = 0
    for number in range(40_000):
        risky = number % 2 == 0
        is_fraud = chance.random() < (0.9 if risky else 0.3)
        fraud += is_fraud
        probability = 0.02 if risky else 0.2
        if chance.random() < probability:
            drawn.append((probability, is_fraud))
    found = weighted_precision(drawn, 40_000, 40_000)
    plain = sum(is_fraud for _, is_fraud in drawn) / len(drawn)
    assert found.low <= fraud / 40_000 <= found.high
    assert not found.low <= plain <= found.high


def test_caps_of_payment_and_day_are_never_exceeded() -> None:
    holdout, chance = Holdout(b"key"), random.Random(1)
    plan_day: dict[int, int] = {}
    for number in range(20_000):
        now_us, amount = number * DAY_US // 4_000, chance.randrange(1, 40_000)
        made = judged(holdout, f"e{number}", amount, now_us)
        assert made.holdout is not None
        if made.holdout.passed:
            assert amount <= PLAN.per_payment
            plan_day[now_us // DAY_US] = plan_day.get(now_us // DAY_US, 0) + amount
        elif amount > PLAN.per_payment:
            assert made.holdout.probability == 0
    assert len(plan_day) == 5
    assert all(0.9 * PLAN.per_day < spent <= PLAN.per_day for spent in plan_day.values())


def test_the_same_event_is_drawn_the_same_and_by_secret() -> None:
    def passed(key: bytes) -> list[str]:
        holdout = Holdout(key)
        names = [f"e{number}" for number in range(300)]
        made = {one: judged(holdout, one, 10, 5) for one in names}
        return [one for one in names if (held := made[one].holdout) and held.passed]

    assert passed(b"one") == passed(b"one") != passed(b"other")
