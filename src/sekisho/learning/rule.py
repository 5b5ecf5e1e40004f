"""What one rule would have done beside those in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import polars as pl

from sekisho.decisions import Outcome
from sekisho.kit.clock import iso
from sekisho.language import Action, Diagnostic, check_rule
from sekisho.learning import shown
from sekisho.learning.costs import Costs, Tally, money_of
from sekisho.learning.intervals import Share
from sekisho.learning.judging import Judge, at_position, in_order, outcome_of, outranks
from sekisho.learning.money import REPORTED
from sekisho.learning.past import BacktestRefused, Past
from sekisho.learning.reading import LIVE, Reading, Told, read_past
from sekisho.rules import NOT_DECIDING, StoredRule, store_rule

SAMPLES: Final = 10
"""Matching events shown."""
IN_HISTORY: Final = "blocked_in_history"
"""Stands for whatever blocked an event of which no rule in force says so."""
CANDIDATE: Final = "candidate"


class RuleRefused(BacktestRefused):
    """The rule has errors."""

    def __init__(self, text: str, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.text = text
        self.diagnostics = tuple(diagnostics)


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule ready to be tried, with what the lints say."""

    rule: StoredRule
    warnings: tuple[Diagnostic, ...]


def ask(past: Past, text: str, list_types: Mapping[str, str]) -> Asked:
    """Check a rule.

    Raises:
        RuleRefused: it has errors.
        BacktestRefused: it is about disputes or accounts.
    """
    checked = check_rule(text, past.catalogue, list_types)
    if checked.rule is None or checked.errors:
        raise RuleRefused(text, checked.errors)
    if checked.rule.action in NOT_DECIDING:
        name = checked.rule.action.value
        raise BacktestRefused(f"`{name}` rules decide no payment: there is nothing to try them on")
    newest = max((one.created_us for one in past.live), default=0)
    rule = store_rule(checked.rule, past.catalogue, CANDIDATE, newest + 1)
    return Asked(rule, checked.warnings)


def backtest_rule(
    past: Past,
    asked: Asked,
    costs: Costs,
    *,
    instead_of: str = "",
    told: Told = lambda _: None,
) -> dict[str, Any]:
    """The result object of the contract, section 15, and money.

    Args:
        past: where to read.
        asked: the rule.
        costs: what outcomes cost.
        instead_of: id of a rule in force that this one is to replace.
        told: progress.

    Raises:
        BacktestRefused: the period is empty, or no such rule is in force.
    """
    settled = past.settled()
    live = in_order(_without(past.live, instead_of))
    rule = asked.rule
    candidate, in_force = Judge(past, ((rule,),)), Judge(past, (live,))
    reading = read_past(settled, candidate, in_force, shown=rule.fields, told=told)
    matched = beside_live(reading.matched, rule, live, in_force)
    more = matched.filter("changed")
    fraud = int(matched["fraud"].sum())
    precision = Share(fraud, fraud + int(matched["legitimate"].sum()))
    result: dict[str, Any] = {
        "object": "backtest",
        "kind": "rule",
        "rule": rule.rule.text,
        "action": rule.action.value,
        "warnings": [one.as_dict() for one in asked.warnings],
        "currency": past.currency,
        "period": shown.period(settled, reading),
        "as_of": iso(settled.as_of_us),
        "matched": shown.volume(matched),
        "by_category": _categories(matched, rule),
        "incremental": {**shown.volume(more), "by_category": _categories(more, rule)},
        "already_covered_by": _covered(matched, rule, live, in_force),
        "would_unblock": shown.volume(more.filter("stopped_by_us"))
        if rule.action is Action.ALLOW
        else None,
        "precision": precision.as_dict(),
        "recall": Share(fraud, reading.fraud.height).as_dict(),
        "label_maturity": shown.maturity(matched, reading.delays, settled),
        "money": _money(more, rule, live, costs),
        "attribute_coverage": reading.coverage,
        "counters_computed": list(reading.computed),
        "as_of_now": shown.as_of_now(past, (rule, *live), reading),
        "by_day": shown.by_day(matched),
        "samples": _samples(matched, rule),
    }
    if not matched.height:
        result["no_match_because"] = why_no_match(asked.warnings, reading)
    return result


def why_no_match(warnings: Sequence[Diagnostic], reading: Reading) -> list[str]:
    """What is known of why a rule matched nothing."""
    reasons = [one.message for one in warnings if one.kind == "contradiction"]
    absent = sorted(name for name, share in reading.coverage.items() if share == 0)
    reasons += [f"no event of the period has `{name}`" for name in absent]
    return reasons or ["no event of the period is like this"]


def _without(rules: Sequence[StoredRule], rule_id: str) -> list[StoredRule]:
    kept = [rule for rule in rules if rule.id != rule_id]
    if rule_id and len(kept) == len(rules):
        known = ", ".join(rule.id for rule in rules)
        raise BacktestRefused(f"no rule `{rule_id}` is in force: there are {known}")
    return kept


def beside_live(
    matched: pl.DataFrame, rule: StoredRule, live: tuple[StoredRule, ...], judge: Judge
) -> pl.DataFrame:
    """Adds `live` (who is credited without the rule), `stopped_by_us` and `changed`.

    A Block rule changes nothing where the payment was or would be blocked, or allowed by a rule.
    The milder actions act only on payments that went through.
    """
    credited = judge.credited(0, LIVE) if live and matched.height else pl.lit(None, pl.UInt16)
    frame = matched.with_columns(live=credited)
    wins = [at for at, one in enumerate(live) if not outranks(rule, one)]
    kept = pl.col("live").is_in(wins).fill_null(value=False)
    stops = [at for at, one in enumerate(live) if outcome_of(one) is Outcome.BLOCK]
    by_us = pl.col("blocked") | pl.col("live").is_in(stops).fill_null(value=False)
    match rule.action:
        case Action.ALLOW:
            allowed = pl.col("live").is_in(wins).fill_null(value=False)
            interfering = pl.col("live").is_not_null() & ~allowed
            changed = interfering | pl.col("blocked")
        case Action.BLOCK:
            changed = ~kept & ~pl.col("blocked")
        case _:
            changed = ~kept & ~pl.col("blocked") & ~pl.col("declined")
    return frame.with_columns(stopped_by_us=by_us, changed=changed)


def _categories(frame: pl.DataFrame, rule: StoredRule) -> dict[str, Any]:
    told: dict[str, Any] = dict(shown.categories(frame))
    if rule.action is Action.ALLOW:
        told[shown.OVERRIDES] = shown.volume(frame.filter("stopped_by_us"))
    return told


def _covered(
    matched: pl.DataFrame, rule: StoredRule, live: tuple[StoredRule, ...], judge: Judge
) -> list[dict[str, Any]]:
    """Rules in force that already do as much to events this one matches, and how many."""
    strong = [(at, one) for at, one in enumerate(live) if not outranks(rule, one)]
    columns = [f"{LIVE}{judge.column_of(0, at)}" for at, _ in strong]
    if not matched.height:
        return []
    told = [
        {"rule": one.id, "predicate": one.rule.text, "count": int(matched[column].sum())}
        for column, (_, one) in zip(columns, strong, strict=True)
    ]
    if rule.action is not Action.ALLOW:
        known = reduce(pl.Expr.or_, [pl.col(one) for one in columns], pl.lit(value=False))
        past = matched.filter(pl.col("blocked") & ~known)
        names = past.select(pl.col("rule").cast(pl.String).fill_null(IN_HISTORY))
        counted = names.to_series().value_counts(sort=True)
        told += [{"rule": n, "predicate": None, "count": c} for n, c in counted.iter_rows()]
    found = [one for one in told if one["count"]]
    return sorted(found, key=lambda one: -one["count"])


def _money(
    more: pl.DataFrame, rule: StoredRule, live: tuple[StoredRule, ...], costs: Costs
) -> dict[str, Any]:
    """What the events that change cost now and would cost with the rule."""
    now: dict[Outcome, Tally] = {}
    then = Tally()
    for row in more.group_by("live").agg(*shown.tallies()).iter_rows(named=True):
        outcome = outcome_of(at_position(live, row["live"]))
        now.setdefault(outcome, Tally()).add(row)
        then.add(row)
    before, after = money_of(now, costs), money_of({outcome_of(rule): then}, costs)
    return {
        "now": before.as_dict(),
        "with_rule": after.as_dict(),
        "saved": before.total - after.total,
    }


def _samples(matched: pl.DataFrame, rule: StoredRule) -> list[dict[str, Any]]:
    """Some matching events, newest first, with the values that the rule read."""
    names = [name for name in sorted(rule.fields) if name in matched.columns]
    newest = matched.sort("at_us", descending=True).head(SAMPLES) if matched.height else matched
    return [
        {
            "event": row["event"],
            "type": row["type"],
            "occurred_at": iso(row["at_us"]),
            "amount": row[REPORTED],
            "category": row["category"],
            "fraud": row["fraud"],
            "attributes": {name: row[name] for name in names if row[name] is not None},
        }
        for row in newest.iter_rows(named=True)
    ]
