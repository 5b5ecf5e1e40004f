"""One rule under many thresholds: fraud caught, good customers lost, and money."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import polars as pl

from sekisho.decisions import Outcome
from sekisho.kit.clock import iso
from sekisho.learning import shown
from sekisho.learning.costs import Costs, Tally, money_of
from sekisho.learning.intervals import Share
from sekisho.learning.judging import Judge, at_position, in_order, outcome_of
from sekisho.learning.past import BacktestRefused, Past
from sekisho.learning.reading import Told, read_past
from sekisho.learning.rule import ask, beside_live
from sekisho.rules import StoredRule

MAX_POINTS: Final = 200
"""Thresholds tried at once: a curve of more would not look different."""
_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")


def variants(text: str) -> list[tuple[str, str]]:
    """The values of the one place in braces, each with the rule it makes.

    `{50..95..5}` counts from 50 to 95 in steps of 5, `{50..95}` in steps of 1, `{10, 20, 50}` is a
    list of values.

    Raises:
        BacktestRefused: no place or several, or values that cannot be read.

    >>> variants("Block if :risk_score: > {70..80..5}")[1]
    ('75', 'Block if :risk_score: > 75')
    """
    outside = _QUOTED.sub(lambda found: " " * len(found[0]), text)
    holes = list(_HOLE.finditer(outside))
    if len(holes) != 1:
        raise BacktestRefused(
            "a sweep has one place in braces, such as `Block if :risk_score: > {50..95..5}`,"
            f" this one has {len(holes)}"
        )
    hole = holes[0]
    values = _values(hole[1].strip())
    return [(value, text[: hole.start()] + value + text[hole.end() :]) for value in values]


def _values(inside: str) -> list[str]:
    try:
        if ".." not in inside:
            values = [str(Decimal(one.strip())) for one in inside.split(",")]
        else:
            values = _steps([Decimal(one.strip()) for one in inside.split("..")])
    except InvalidOperation:
        values = []
    if not values or len(values) > MAX_POINTS:
        raise BacktestRefused(
            f"`{{{inside}}}` is no sweep of 1 to {MAX_POINTS} values:"
            " write {first..last..step} or {one, another}"
        )
    return values


def _steps(ends: list[Decimal]) -> list[str]:
    first, last = ends[0], ends[1]
    step = ends[2] if len(ends) > 2 else Decimal(1)  # noqa: PLR2004 — first, last, step
    if not step or (last - first) / step < 0 or len(ends) > 3:  # noqa: PLR2004 — the same
        return []
    count = int((last - first) / step) + 1
    return [f"{first + step * at:f}" for at in range(min(count, MAX_POINTS + 1))]


def backtest_sweep(
    past: Past,
    text: str,
    list_types: Mapping[str, str],
    costs: Costs,
    *,
    told: Told = lambda _: None,
) -> dict[str, Any]:
    """A curve over thresholds, with the point that costs least.

    Each point counts what changes beside the rules in force.

    Raises:
        BacktestRefused: the sweep or a rule of it cannot be read, or the period is empty.
    """
    settled = past.settled()
    tried = [(value, ask(past, one, list_types).rule) for value, one in variants(text)]
    live = in_order(past.live)
    judge = Judge(past, tuple((rule,) for _, rule in tried))
    in_force = Judge(past, (live,))
    reading = read_past(settled, judge, in_force, shown=tried[0][1].fields, told=told)
    matched = beside_live(reading.matched, tried[0][1], live, in_force)
    fraud = reading.fraud.height
    points = [
        _point(value, rule, matched.filter(pl.col(judge.column_of(at, 0))), live, (fraud, costs))
        for at, (value, rule) in enumerate(tried)
    ]
    best = max(range(len(points)), key=lambda at: points[at]["saved"])
    return {
        "object": "backtest",
        "kind": "sweep",
        "sweep": text,
        "currency": past.currency,
        "period": shown.period(settled, reading),
        "as_of": iso(settled.as_of_us),
        "points": points,
        "best": points[best],
        "worth_it": points[best]["saved"] > 0,
        "label_maturity": shown.maturity(matched, reading.delays, settled),
        "attribute_coverage": reading.coverage,
        "counters_computed": list(reading.computed),
        "as_of_now": shown.as_of_now(past, (tried[0][1], *live), reading),
    }


def _point(
    value: str,
    rule: StoredRule,
    hits: pl.DataFrame,
    live: tuple[StoredRule, ...],
    known: tuple[int, Costs],
) -> dict[str, Any]:
    """One threshold; `known` is how much fraud there is in all, and what decisions cost."""
    all_fraud, costs = known
    more, then = hits.filter("changed"), Tally()
    now: dict[Outcome, Tally] = {}
    for row in more.group_by("live").agg(*shown.tallies()).iter_rows(named=True):
        now.setdefault(outcome_of(at_position(live, row["live"])), Tally()).add(row)
        then.add(row)
    after = money_of({outcome_of(rule): then}, costs)
    fraud, good = int(hits["fraud"].sum()), int(hits["legitimate"].sum())
    return {
        "value": float(value),
        "rule": rule.rule.text,
        "matched": shown.volume(hits),
        "incremental": shown.volume(more),
        "fraud_caught": {"count": then.fraud, "amount": then.fraud_amount},
        "good_hit": {"count": then.legitimate, "amount": then.legitimate_amount},
        "precision": Share(fraud, fraud + good).as_dict(),
        "recall": Share(fraud, all_fraud).as_dict(),
        "saved": money_of(now, costs).total - after.total,
    }
