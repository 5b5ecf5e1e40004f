"""A candidate rule set against the one in force, over the same payments."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from sekisho.decisions import Outcome
from sekisho.kit.clock import iso
from sekisho.language import Rule, check_rule, lint_set
from sekisho.learning import shown
from sekisho.learning.costs import TALLIED, Costs, Tally, money_of
from sekisho.learning.judging import Judge, at_position, in_order, outcome_of
from sekisho.learning.overlaps import overlaps
from sekisho.learning.past import Past
from sekisho.learning.reading import Reading, Told, read_past
from sekisho.rules import StoredRule

SIDES: Final = ("live", "candidate")
SET_LINTS_MAX: Final = 400
"""Rules up to which every pair is compared for what they logically imply."""


def backtest_ruleset(
    past: Past, candidate: Sequence[StoredRule], costs: Costs, *, told: Told = lambda _: None
) -> dict[str, Any]:
    """Which decisions differ, through which rules, and what that is worth.

    Args:
        past: where to read; its live rules are the other side.
        candidate: rules of the candidate set, built-in ones included.
        costs: what outcomes cost.
        told: progress.

    Raises:
        BacktestRefused: the period is empty.
    """
    settled = past.settled()
    sets = in_order(past.live), in_order(candidate)
    judge = Judge(past, sets)
    fields = frozenset[str]().union(*(one.fields for one in sets[1]))
    reading = read_past(settled, judge, shown=fields, told=told)
    matched = reading.matched.with_columns(
        judge.credited(0).alias(SIDES[0]), judge.credited(1).alias(SIDES[1])
    )
    cells = matched.group_by(SIDES).agg(*shown.tallies()).sort(SIDES)
    rows = [_cell(row, sets) for row in cells.iter_rows(named=True)]
    now, then = (_by_outcome(rows, side) for side in SIDES)
    before, after = money_of(now, costs), money_of(then, costs)
    untouched = reading.events - matched.height
    return {
        "object": "backtest",
        "kind": "ruleset",
        "currency": past.currency,
        "period": shown.period(settled, reading),
        "as_of": iso(settled.as_of_us),
        "unmatched": untouched,
        "matrix": _matrix(rows, untouched),
        "flips": _flips(rows),
        "rules": [_rule_told(at, sets[1], judge, matched) for at in range(len(sets[1]))],
        "overlaps": overlaps(matched, sets[1], judge, 1),
        "dead": _dead(past, sets[1], judge, matched, reading),
        "redundant": _redundant(sets[1], judge, matched),
        "money": {
            "live": before.as_dict(),
            "candidate": after.as_dict(),
            "saved": before.total - after.total,
        },
        "outcomes": {
            "live": _outcomes(now, untouched),
            "candidate": _outcomes(then, untouched),
        },
        "label_maturity": shown.maturity(matched, reading.delays, settled),
        "attribute_coverage": reading.coverage,
        "counters_computed": list(reading.computed),
        "as_of_now": shown.as_of_now(past, (*sets[0], *sets[1]), reading),
    }


def _cell(row: dict[str, Any], sets: tuple[tuple[StoredRule, ...], ...]) -> dict[str, Any]:
    """Sums over the payments that one rule of each set is credited with."""
    told: dict[str, Any] = {name: row[name] for name in TALLIED}
    for side, rules in zip(SIDES, sets, strict=True):
        rule = at_position(rules, row[side])
        told[side] = outcome_of(rule)
        told[f"{side}_rule"] = None if rule is None else rule.id
    return told


def _by_outcome(rows: Sequence[dict[str, Any]], side: str) -> dict[Outcome, Tally]:
    told: dict[Outcome, Tally] = {}
    for row in rows:
        told.setdefault(row[side], Tally()).add(row)
    return told


def _outcomes(tallies: dict[Outcome, Tally], untouched: int) -> dict[str, int]:
    """Events by outcome; those that no rule matches are allowed."""
    counts = {outcome.value: tallies[outcome].count for outcome in Outcome if outcome in tallies}
    allow = Outcome.ALLOW.value
    return {**counts, allow: counts.get(allow, 0) + untouched}


_PARTS: Final = ("count", "amount", "fraud", "fraud_amount", "legitimate", "legitimate_amount")


def _matrix(rows: Sequence[dict[str, Any]], untouched: int) -> list[dict[str, Any]]:
    """Sums by the outcome of each side; events without a match are allowed by both."""
    sums: dict[tuple[Outcome, Outcome], dict[str, int]] = {}
    for row in rows:
        cell = sums.setdefault((row["live"], row["candidate"]), dict.fromkeys(_PARTS, 0))
        for name in _PARTS:
            cell[name] += row[name]
    told = [{"live": a.value, "candidate": b.value, **cell} for (a, b), cell in sums.items()]
    both = [one for one in told if one["live"] == one["candidate"] == Outcome.ALLOW.value]
    if both:
        both[0]["unmatched"] = untouched
    elif untouched:
        allow = Outcome.ALLOW.value
        told.append(
            {"live": allow, "candidate": allow, **dict.fromkeys(_PARTS, 0), "unmatched": untouched}
        )
    return told


def _flips(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where the outcome differs, with the rule that decides on each side; most events first."""
    told = [
        {
            "live": row["live"].value,
            "candidate": row["candidate"].value,
            "because": {"live_rule": row["live_rule"], "candidate_rule": row["candidate_rule"]},
            **{name: row[name] for name in _PARTS},
        }
        for row in rows
        if row["live"] is not row["candidate"]
    ]
    return sorted(told, key=lambda one: -one["count"])


def _rule_told(
    at: int, rules: tuple[StoredRule, ...], judge: Judge, matched: pl.DataFrame
) -> dict[str, Any]:
    """How often a rule matches, decides, and is the only one to match."""
    column = judge.column_of(1, at)
    others = [judge.column_of(1, other) for other in range(len(rules)) if other != at]
    mine = matched.filter(pl.col(column))
    alone = mine.filter(~pl.any_horizontal(others)) if others else mine
    credited = mine.filter(pl.col("candidate") == at)
    return {
        "rule": rules[at].id,
        "predicate": rules[at].rule.text,
        "hits": mine.height,
        "credited": credited.height,
        "outranked": mine.height - credited.height,
        "unique": alone.height,
        "amount": shown.volume(mine)["amount"],
        "fraud": int(mine["fraud"].sum()),
        "legitimate": int(mine["legitimate"].sum()),
    }


def _dead(
    past: Past,
    rules: tuple[StoredRule, ...],
    judge: Judge,
    matched: pl.DataFrame,
    reading: Reading,
) -> list[dict[str, Any]]:
    """Rules that match nothing, with what is known of why; built-in ones wait for their lists."""
    told: list[dict[str, Any]] = []
    for at, one in enumerate(rules):
        if one.builtin or matched[judge.column_of(1, at)].any():
            continue
        warnings = check_rule(one.rule.text, past.catalogue, None).warnings
        reasons = [finding.message for finding in warnings if finding.kind == "contradiction"]
        empty = [alias for alias in sorted(one.lists) if not past.lists.get(alias)]
        reasons += [f"the list `@{alias}` is empty" for alias in empty]
        absent = [name for name in sorted(one.fields) if not reading.coverage.get(name)]
        reasons += [f"no event of the period has `{name}`" for name in absent]
        told.append({"rule": one.id, "predicate": one.rule.text, "because": reasons})
    return told


def _redundant(
    rules: tuple[StoredRule, ...], judge: Judge, matched: pl.DataFrame
) -> list[dict[str, Any]]:
    """Rules that another makes superfluous: certainly, by logic, or in all of this period."""
    named: list[tuple[str, Rule]] = [(one.id, one.rule) for one in rules]
    found = lint_set(named) if len(named) <= SET_LINTS_MAX else []
    told: list[dict[str, Any]] = [
        {"rule": one.rule, "certain": True, "because": one.message} for one in found
    ]
    known = {one["rule"] for one in told}
    for at, one in enumerate(rules):
        hits = matched[judge.column_of(1, at)]
        decides = (matched["candidate"] == at).any()
        if one.id in known or not hits.any() or decides:
            continue
        because = "wherever this rule matched in the period, other rules decided"
        told.append({"rule": one.id, "certain": False, "because": because})
    return told
