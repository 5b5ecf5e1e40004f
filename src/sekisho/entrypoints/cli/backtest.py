"""`sekisho backtest`: a rule, a rule set or a threshold on history."""

import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho.entrypoints.backtesting import Kind, Question, fold_history, job_of, run_job
from sekisho.entrypoints.cli.backtest_shown import show_rule, show_ruleset, show_sweep
from sekisho.entrypoints.cli.console import ERR, emit_json, fail, progress
from sekisho.entrypoints.cli.rules import read_rules
from sekisho.entrypoints.settings import read_settings
from sekisho.kit.clock import to_us
from sekisho.language import render
from sekisho.learning import (
    BacktestRefused,
    RuleRefused,
    curve_svg,
    days_svg,
    parse_costs,
    verdict_table,
)
from sekisho.rules import RulesRefused
from sekisho.velocity import CounterRefused


def backtest_command(
    rule: Annotated[str | None, typer.Argument(help="a rule, such as 'Block if …'")] = None,
    data: Annotated[Path | None, typer.Option(help="data directory; default: sekisho-data")] = None,
    rule_option: Annotated[str | None, typer.Option("--rule", help="the rule, by name")] = None,
    ruleset: Annotated[
        Path | None, typer.Option(help="a whole candidate set, against the one in force")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(help="a rule with {50..95..5} or {10, 20} in place of a number")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", help="events from this date or time on; default: six months back"),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="events before it; default: the end of history")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="outcomes known by it; default: the end of history")
    ] = None,
    currency: Annotated[str, typer.Option(help="of amounts")] = "usd",
    costs: Annotated[Path | None, typer.Option(help="what decisions cost (TOML)")] = None,
    counters: Annotated[
        Path | None, typer.Option(help="declared counters that are not in force (TOML)")
    ] = None,
    instead_of: Annotated[
        str, typer.Option(help="id of the rule in force that this one replaces")
    ] = "",
    svg: Annotated[Path | None, typer.Option(help="write a chart")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="write the verdict of a rule set, to paste elsewhere")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="exact JSON for scripts")] = False,
) -> None:
    """Try a rule, a rule set or a threshold on the history of a data directory."""
    kind, texts = _asked(rule or rule_option, ruleset, sweep)
    moments = (_moment(from_, "--from"), _moment(to, "--to"), _moment(as_of, "--as-of"))
    try:
        told = _costs(costs)
        question = Question(kind, texts, *moments, currency.lower(), told, instead_of)
        result = _answered(data, question, counters)
    except RuleRefused as refused:
        ERR.print(render(refused.text, refused.diagnostics, color=False), markup=False)
        fail("the rule has errors")
    except RulesRefused as refused:
        first = refused.problems[0]
        ERR.print(render(first.predicate, first.diagnostics, color=False), markup=False)
        fail(f"{len(refused.problems)} rules have errors", "run: sekisho rules check")
    except (BacktestRefused, CounterRefused, ValueError) as refused:
        fail(str(refused))
    _written(result, svg, markdown)
    if as_json:
        emit_json(result)
    else:
        {"rule": show_rule, "ruleset": show_ruleset, "sweep": show_sweep}[kind](result)


def _asked(
    rule: str | None, ruleset: Path | None, sweep: str | None
) -> tuple[Kind, tuple[str, ...]]:
    if sum(one is not None for one in (rule, ruleset, sweep)) != 1:
        fail("give one of a rule, --ruleset or --sweep", 'sekisho backtest "Block if …" --data DIR')
    if ruleset is not None:
        return "ruleset", tuple(read_rules(ruleset))
    if sweep is not None:
        return "sweep", (sweep,)
    return "rule", (rule or "",)


def _answered(data: Path | None, question: Question, counters: Path | None) -> dict[str, Any]:
    """Fold the log, then ask."""
    from sekisho.entrypoints.wiring import open_node  # noqa: PLC0415 — brings the web framework along

    settings = read_settings(data=data)
    if not settings.data.exists():
        fail(f"there is no data directory {settings.data}", "name it with --data")
    more = _declarations(counters) if counters else None
    node = open_node(settings)
    with progress() as bar:
        task = bar.add_task("reading the log", total=None)
        try:
            fold_history(node, lambda rows: bar.update(task, completed=rows))
            job = job_of(node, question, more)
        finally:
            node.close()
        bar.update(task, description="backtesting", completed=0)
        return run_job(job, lambda rows: bar.update(task, completed=rows))


def _declarations(file: Path) -> dict[str, dict[str, Any]]:
    """Declared counters as a table by name; what is wrong with one is told when it is read."""
    try:
        document = tomllib.loads(file.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fail(f"{file} cannot be read: {error}")
    found: dict[str, dict[str, Any]] = {}
    for name, content in document.items():
        if name == "counters" and isinstance(content, dict):
            found |= content
        elif isinstance(content, dict):
            found[name] = content
        else:
            fail(f"{file}: `{name}` is no table", "write [NAME] or [counters.NAME]")
    return found


def _costs(file: Path | None) -> dict[str, float]:
    return asdict(parse_costs(file.read_text(encoding="utf-8"))) if file else {}


def _moment(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} `{text}` is no date or time", "write 2026-01-31 or 2026-01-31T12:00:00Z")
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _written(result: dict[str, Any], svg: Path | None, markdown: Path | None) -> None:
    """Write the files that were asked for."""
    if svg is not None:
        draw = {"rule": days_svg, "sweep": curve_svg}.get(result["kind"])
        if draw is None:
            fail("a rule set has no chart", "use --markdown for its verdict")
        svg.write_text(draw(result), encoding="utf-8")
    if markdown is not None:
        if result["kind"] != "ruleset":
            fail("only a rule set has a verdict table", "give --ruleset")
        markdown.write_text(verdict_table(result), encoding="utf-8")
