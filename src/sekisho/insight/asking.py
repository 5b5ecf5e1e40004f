"""Indicators asked of the history of a data directory."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sekisho.events import ExchangeRates
from sekisho.history import Archive
from sekisho.insight.model import Criterion, IndicatorRefused, Programme, declared, programmes
from sekisho.insight.sql import Wanted, indicator_sql
from sekisho.insight.tables import table_statements


class Figure(NamedTuple):
    """An indicator in a period and segment; `value` is None where nothing is divided by."""

    period: dt.date
    segment: str
    numerator: float
    denominator: float
    value: float | None


class Standing(NamedTuple):
    """Where somebody stands in a programme: its criteria with their values in one period."""

    programme: Programme
    period: dt.date
    values: tuple[tuple[Criterion, float | None], ...]

    @property
    def is_reached(self) -> bool:
        """Whether every criterion is met."""
        return all(one.is_met(value) for one, value in self.values)


def ask_indicators(
    archive: Archive, rates: ExchangeRates, names: Iterable[str], wanted: Wanted
) -> dict[str, list[Figure]]:
    """The figures of each, by period and segment.

    Memory is DuckDB's to bound: it spills to disk beyond most of the machine's memory.

    Raises:
        IndicatorRefused: no history, no such indicator or breakdown, or DuckDB is not installed.
        HistoryDamaged: a segment is missing.
    """
    if not archive.segments:
        raise IndicatorRefused("there is no history yet: decide events, or run sekisho import")
    queries = {name: indicator_sql(name, "duckdb", wanted) for name in names}
    with _duckdb().connect() as connection:
        for statement in table_statements(archive, rates):
            connection.execute(statement)
        return {
            name: [Figure(*row) for row in connection.execute(query).fetchall()]
            for name, query in queries.items()
        }


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 — an extra: only who asks needs it
    except ImportError as error:
        raise IndicatorRefused(
            "indicators are computed by DuckDB, which is not installed: pip install 'sekisho[lake]'"
            " (--sql works without)"
        ) from error
    return duckdb


def standings(figures: Mapping[str, Sequence[Figure]]) -> list[Standing]:
    """Where the newest period of each programme's indicators stands, without breakdown.

    A month that is still under way counts as far as it has come.
    """
    found: list[Standing] = []
    for programme in programmes():
        series = [figures.get(one.indicator, ()) for one in programme.criteria]
        periods = [one.period for rows in series for one in rows]
        if not periods:
            continue
        last = max(periods)
        if not programme.since <= last < programme.before:
            continue
        at_last = [{one.period: one.value for one in rows}.get(last) for rows in series]
        found.append(
            Standing(programme, last, tuple(zip(programme.criteria, at_last, strict=True)))
        )
    return found


def all_indicators() -> list[str]:
    """The name of every indicator, in the order of their declaration."""
    return list(declared().indicators)
