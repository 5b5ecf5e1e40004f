"""`sekisho indicators`: what the history says about payments, and the SQL that asks it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho.entrypoints.backtesting import fold_history
from sekisho.entrypoints.cli.console import OUT, emit_json, fail, progress, table
from sekisho.entrypoints.cli.parity import AsJson, Data
from sekisho.entrypoints.foundation import history_of
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.settings import read_settings
from sekisho.history import Archive
from sekisho.insight import (
    DIALECTS,
    Figure,
    IndicatorRefused,
    Standing,
    Wanted,
    all_indicators,
    ask_indicators,
    declared,
    indicator_sql,
    standings,
)
from sekisho.kit.clock import iso


def indicators_command(
    name: Annotated[str, typer.Argument(help="an indicator; all of them when left out")] = "",
    data: Data = None,
    from_: Annotated[
        str, typer.Option("--from", help="days and months that begin on this date or later")
    ] = "",
    to: Annotated[str, typer.Option("--to", help="and before this one")] = "",
    by: Annotated[
        str, typer.Option(help="break down by a column, such as card_brand, or by ::metadata::")
    ] = "",
    sql: Annotated[
        str, typer.Option(help=f"write the query instead: one of {', '.join(DIALECTS)}")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Compute dispute, fraud, decline and return rates from the history of a data directory."""
    try:
        wanted = Wanted(by, _day(from_, "--from"), _day(to, "--to"))
        names = [name] if name else _all_for(by)
        declared().indicator(names[0])
        if sql:
            typer.echo("\n\n".join(_query(one, sql, wanted) for one in names))
            return
        figures, as_of_us = _asked(data, names, wanted)
    except IndicatorRefused as refused:
        fail(str(refused))
    standing = [] if name or by else standings(figures)
    if as_json:
        emit_json(_told(figures, standing, as_of_us))
    elif name:
        _show_one(name, figures[name])
    else:
        _show_all(figures, standing)
    if not as_json:
        OUT.print(f"[dim]as of {iso(as_of_us)}; figures of what is lagging still grow[/]")


def _day(text: str, option: str) -> date | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} `{text}` is no date", "write 2026-01-31")
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _all_for(by: str) -> list[str]:
    """Every indicator that can be broken down like this; all of them refuse what none can."""
    if not by:
        return all_indicators()
    able: list[str] = []
    for name in all_indicators():
        try:
            indicator_sql(name, DIALECTS[0], Wanted(by))
        except IndicatorRefused:
            continue
        able.append(name)
    return able or all_indicators()


def _query(name: str, dialect: str, wanted: Wanted) -> str:
    query = indicator_sql(name, dialect, wanted)
    return f"-- {name}: {declared().indicator(name).title}\n{query};"


def _asked(
    data: Path | None, names: Sequence[str], wanted: Wanted
) -> tuple[dict[str, list[Figure]], int]:
    """Fold the log, then ask; also the time up to which history tells."""
    from sekisho.entrypoints.wiring import open_node  # noqa: PLC0415 — brings the web framework along

    settings = read_settings(data=data)
    if not settings.data.exists():
        fail(f"there is no data directory {settings.data}", "name it with --data")
    node = open_node(settings)
    with progress() as bar:
        task = bar.add_task("reading the log", total=None)
        try:
            fold_history(node, lambda rows: bar.update(task, completed=rows))
        finally:
            node.close()
    archive = Archive(history_of(settings.data))
    figures = ask_indicators(archive, rates_of(settings), names, wanted)
    return figures, max(one.last_us for one in archive.segments)


def _told(
    figures: Mapping[str, Sequence[Figure]], standing: Sequence[Standing], as_of_us: int
) -> dict[str, Any]:
    return {
        "object": "indicators",
        "as_of": iso(as_of_us),
        "indicators": {
            name: {
                "title": declared().indicator(name).title,
                "kind": declared().indicator(name).kind,
                "period": declared().indicator(name).period,
                "figures": [one._asdict() for one in rows],
            }
            for name, rows in figures.items()
        },
        "programmes": [
            {
                "name": one.programme.name,
                "period": one.period,
                "is_reached": one.is_reached,
                "criteria": [
                    {
                        "indicator": criterion.indicator,
                        "least": criterion.least,
                        "above": criterion.above,
                        "value": value,
                    }
                    for criterion, value in one.values
                ],
            }
            for one in standing
        ],
    }


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4f}"


def _show_one(name: str, rows: Sequence[Figure]) -> None:
    OUT.print(f"[bold]{name}[/]: {declared().indicator(name).title}")
    shown = table(declared().indicator(name).period, "segment", "numerator", "denominator", "value")
    for one in rows:
        figures = (_number(one.numerator), _number(one.denominator), _number(one.value))
        shown.add_row(str(one.period), one.segment, *figures)
    OUT.print(shown)


def _show_all(figures: Mapping[str, Sequence[Figure]], standing: Sequence[Standing]) -> None:
    """The newest period of each indicator, and of each programme."""
    shown = table("indicator", "kind", "period", "segment", "value")
    for name, rows in figures.items():
        last = max((one.period for one in rows), default=None)
        for one in rows:
            if one.period == last:
                kind = declared().indicator(name).kind
                shown.add_row(name, kind, str(last), one.segment, _number(one.value))
    OUT.print(shown)
    if not standing:
        return
    limits = table("programme", "period", "reached", "values")
    for one in standing:
        values = ", ".join(f"{c.indicator} {_number(value)}" for c, value in one.values)
        reached = "[red]yes[/]" if one.is_reached else "no"
        limits.add_row(one.programme.name, str(one.period), reached, values)
    OUT.print(limits)
