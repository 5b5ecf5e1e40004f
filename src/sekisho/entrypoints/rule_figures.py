"""Rules with their edits, and the history that their metrics are computed from."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from sekisho.decisions import ACTION_CODES
from sekisho.entrypoints import control
from sekisho.entrypoints.declared import counter_attribute
from sekisho.entrypoints.foundation import history_of
from sekisho.events import ExchangeRates, ReceiveContext, default_catalogue
from sekisho.history import Archive, fold_log
from sekisho.kit.clock import iso
from sekisho.language import check_rule
from sekisho.learning import Edit, RuleAsked, rule_metrics
from sekisho.ledger import Ledger, LogReader
from sekisho.rules import BUILTIN_RULES
from sekisho.rules.sqlite import KeptRule, Published
from sekisho.velocity import parse_counter

EVER_US: Final = 1 << 62
WEEK_US: Final = 7 * 86_400_000_000
Period = tuple[int, int]


def folded(data: Path, log: Ledger | LogReader, context: ReceiveContext) -> pl.LazyFrame:
    """The history of a log, brought up to its end; outcomes included."""
    archive = Archive(history_of(data))
    fold_log(log, archive, context)
    return archive.scan(0, EVER_US, source="log")


def context_of(log: LogReader, rates: ExchangeRates) -> ReceiveContext:
    """What reads a log's events, its declared counters among the attributes."""
    catalogue = default_catalogue()
    specs = [
        parse_counter(name, told, default_catalogue())
        for name, told in control.all_counters(log.connection)
    ]
    return ReceiveContext(catalogue.extended(counter_attribute(one) for one in specs), rates, ())


def rules_with_edits(published: Iterable[Published]) -> list[RuleAsked]:
    """Every rule there ever was, as it is or last was, the built-in ones first.

    Args:
        published: versions, the newest first, as they are kept.
    """
    last: dict[str, KeptRule] = {}
    edits: dict[str, list[Edit]] = {}
    here: dict[str, KeptRule] = {}
    for version in reversed(list(published)):
        now = {one.id: one for one in version.rules}
        for rule_id in now.keys() | here.keys():
            what = _what_changed(here.get(rule_id), now.get(rule_id))
            if what:
                edit = Edit(version.published_us, version.version, what)
                edits.setdefault(rule_id, []).append(edit)
        last |= now
        here = now
    builtin = [
        replace(_asked(KeptRule(one, text), ()), builtin=True)
        for one, text in BUILTIN_RULES.items()
    ]
    return builtin + [_asked(one, edits[one.id]) for one in last.values()]


def days_told(metrics: dict[str, Any]) -> dict[str, Any]:
    """Metrics as the API tells them: days as dates."""
    days = [
        {"day": iso(one["day_us"])[:10], **{k: v for k, v in one.items() if k != "day_us"}}
        for one in metrics["days"]
    ]
    return {**metrics, "days": days}


def matches_told(matches: pl.DataFrame) -> pl.DataFrame:
    """Matches as people read them: moments as moments."""
    moments = [name for name in matches.columns if name.endswith("_us")]
    shown = [
        pl.from_epoch(name, time_unit="us").dt.replace_time_zone("UTC").alias(name[:-3])
        for name in moments
    ]
    return matches.with_columns(shown).drop(moments)


def summary(
    rules: Sequence[RuleAsked], records: pl.LazyFrame, until_us: int
) -> list[dict[str, Any]]:
    """The week before a moment beside the week before that, a line for each rule that is there."""
    rules = [one for one in rules if not (one.edits and one.edits[-1].what == "removed")]
    week = rule_metrics(rules, records, (until_us - WEEK_US, until_us), until_us)
    before = rule_metrics(rules, records, (until_us - 2 * WEEK_US, until_us - WEEK_US), until_us)
    return [
        {
            "rule": now["rule"],
            "action": now["action"],
            "predicate": now["predicate"],
            "mode": now["mode"],
            "matched": now["matched"]["count"],
            "matched_week_before": then["matched"]["count"],
            "fraud_among_matched": now["fraud_among_matched"]["count"],
            "estimated_false_positive_rate": now.get("estimated_false_positive_rate"),
            "edits": sum(len(day["edits"]) for day in _days_within(now, until_us)),
            "hints": now["hints"],
        }
        for now, then in zip(week, before, strict=True)
    ]


def _days_within(metrics: dict[str, Any], until_us: int) -> list[dict[str, Any]]:
    return [one for one in metrics["days"] if until_us - WEEK_US <= one["day_us"] < until_us]


def _what_changed(before: KeptRule | None, after: KeptRule | None) -> str:
    if before is None or after is None:
        return "added" if after else "removed" if before else ""
    names = ("predicate", "mode", "rollout", "on_failure")
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    return f"changed: {', '.join(changed)}" if changed else ""


def _asked(kept: KeptRule, edits: Sequence[Edit]) -> RuleAsked:
    rule = check_rule(kept.predicate, default_catalogue(), None, lint=False).rule
    # Rules that read declared counters do not check here: their action is their first words.
    action = ACTION_CODES[rule.action] if rule else _first_words(kept.predicate)
    return RuleAsked(kept.id, action, kept.predicate, kept.mode or "live", edits)


def _first_words(predicate: str) -> str:
    verb = predicate.lower().partition(" if ")[0].strip()
    return verb.replace(" ", "_")
