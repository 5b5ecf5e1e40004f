"""`sekisho rules metrics` and `sekisho rules summary`: what rules did, from the log."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from sekisho.durable.lock import DirectoryLock
from sekisho.entrypoints.cli.console import OUT, emit_json, fail, table
from sekisho.entrypoints.cli.parity import Data, From, To, period
from sekisho.entrypoints.foundation import database_of
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.rule_figures import (
    context_of,
    days_told,
    folded,
    matches_told,
    rules_with_edits,
    summary,
)
from sekisho.entrypoints.settings import read_settings
from sekisho.kit.clock import SystemClock
from sekisho.learning import RuleAsked, compare_beside, matches_of, rule_metrics
from sekisho.ledger import LogReader
from sekisho.rules import sqlite as tables

AsJson = Annotated[bool, typer.Option("--json", help="exact JSON for scripts")]
Write = Callable[[pl.DataFrame, Path], None]


def metrics_command(
    rule: Annotated[str, typer.Argument(help="a rule's id; every rule when left out")] = "",
    data: Data = None,
    from_: From = "",
    to: To = "",
    matches: Annotated[
        Path | None, typer.Option(help="write the events the rule matched (.csv or .parquet)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what rules did: matches, money, false positives, what came after, and hints.

    For a data directory at rest; of a running server, ask GET /v1/rules/{id}/metrics.
    """
    wanted, now_us = period(from_, to), SystemClock().now_us()
    rules, records = _open(data)
    chosen = [one for one in rules if not rule or one.id == rule]
    if not chosen:
        fail(f"no rule `{rule}` was ever published", "see: sekisho rules metrics")
    if matches is not None:
        if not rule:
            fail("--matches writes the events of one rule", "name the rule")
        _writer(matches)(matches_told(matches_of(rule, records, wanted, now_us)), matches)
    found = [days_told(one) for one in rule_metrics(chosen, records, wanted, now_us)]
    if as_json:
        emit_json(found[0] if rule else found)
        return
    for one in found:
        _show(one)


def summary_command(data: Data = None, to: To = "", as_json: AsJson = False) -> None:
    """Show the last week of every rule beside the week before, with what to think about."""
    until_us = period("", to)[1] if to else SystemClock().now_us()
    rules, records = _open(data)
    lines = summary(rules, records, until_us)
    if as_json:
        emit_json(lines)
        return
    shown = table("rule", "matched", "week before", "fraud", "hints")
    for one in lines:
        hints = "; ".join(f"{hint['observed']}: {hint['advice']}" for hint in one["hints"])
        figures = ("matched", "matched_week_before", "fraud_among_matched")
        shown.add_row(one["rule"], *(f"{one[name]:,}" for name in figures), hints)
    OUT.print(shown)


def shadow_command(
    data: Data = None,
    version: Annotated[
        str, typer.Option(help="of a set in shadow; the one recorded last when left out")
    ] = "",
    from_: From = "",
    to: To = "",
    as_json: AsJson = False,
) -> None:
    """Compare a rule set in shadow with the live one: decisions that differ, in number and money.

    For a data directory at rest; of a running server, ask GET /v1/rulesets/shadow/metrics.
    """
    _, records = _open(data)
    found = compare_beside(records, period(from_, to), SystemClock().now_us(), version)
    if found["version"] is None or not found["decisions"]["count"]:
        fail(
            f"no decision was recorded beside {version or 'a rule set in shadow'}",
            "put a draft in shadow: POST /v1/rulesets/draft/shadow",
        )
    if as_json:
        emit_json(days_told(found))
        return
    OUT.print(f"[bold]{found['version']}[/]: {_text(found['decisions'])} decided beside it")
    OUT.print(f"  agreed: {_text(found['agreed'])}")
    shown = table("live", "in shadow", "decisions", "fraud", "credited in shadow")
    for one in found["flips"]:
        rules = ", ".join(
            f"{rule['rule'] or 'no rule'} ({rule['count']:,})" for rule in one["rules"]
        )
        shown.add_row(one["live"], one["shadow"], _text(one), _text(one["fraud"]), rules)
    OUT.print(shown if found["flips"] else "  no decision differs")


def _open(data: Path | None) -> tuple[list[RuleAsked], pl.LazyFrame]:
    """The rules and the history of a directory that nobody else writes to."""
    settings = read_settings(data=data)
    log = LogReader(database_of(settings.data))
    lock = DirectoryLock(settings.data)
    try:
        rules = rules_with_edits(tables.all_published(log.connection))
        return rules, folded(settings.data, log, context_of(log, rates_of(settings)))
    finally:
        lock.release()
        log.close()


def _writer(file: Path) -> Write:
    writers: dict[str, Write] = {
        ".csv": lambda frame, path: frame.write_csv(path),
        ".parquet": lambda frame, path: frame.write_parquet(path),
    }
    if file.suffix not in writers:
        fail(f"{file}: not a kind of file that can be written", "use .csv or .parquet")
    return writers[file.suffix]


def _show(one: dict[str, Any]) -> None:
    OUT.print(f"\n[bold]{one['rule']}[/]")
    OUT.print(f"  {one['predicate']}", markup=False, emoji=False)
    for name, value in one.items():
        if name in {"object", "rule", "predicate", "days", "hints"}:
            continue
        OUT.print(f"  {name.replace('_', ' ')}: {_text(value)}", markup=False)
    for day in one["days"]:
        marks = "".join(f"  ◆ {edit['what']} ({edit['version']})" for edit in day["edits"])
        bar = "█" * min(40, day["matched"])
        OUT.print(f"  {day['day']} {day['matched']:>7,} {bar}{marks}", markup=False)
    for hint in one["hints"]:
        OUT.print(f"  [yellow]hint[/] {hint['observed']}: {hint['advice']}")


def _text(value: Any) -> str:
    match value:
        case {"count": int(count), "volume": volume}:
            money = ", ".join(f"{amount:,} {code} (minor)" for code, amount in volume.items())
            return f"{count:,}" + (f", {money}" if money else "")
        case {"estimate": float(estimate), "low": low, "high": high, "passed": passed}:
            return f"precision {estimate:.1%} ({low:.1%} to {high:.1%}), {passed} let pass"
        case None:
            return "not known"
        case float():
            return f"{value:.3g}"
        case _:
            return str(value)
