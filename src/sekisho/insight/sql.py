"""An indicator as SQL: one query, from its declaration, in the dialect of a warehouse.

Nothing is used that only some engines have: windows and lags are written as additions to later
periods, found by equality, so that days without facts do no harm and no RANGE frame is needed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlglot
from sqlglot import exp

from sekisho.insight.model import (
    METADATA_MARK,
    Declared,
    Indicator,
    IndicatorRefused,
    Measure,
    Source,
    Subject,
    declared,
)

DIALECTS: Final = ("duckdb", "snowflake", "redshift", "trino", "clickhouse", "spark")
"""Dialects whose output is kept in golden files; DuckDB's and Spark's are executed and compared."""
EVERYTHING: Final = "all"
"""The segment when nothing is broken down."""
NOTHING: Final = "none"
"""The segment of facts that have no value to be broken down by."""
_READ: Final = "duckdb"
_DIGITS: Final = range(10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of an indicator: periods that begin between two days, broken down by a column.

    Attributes:
        by: a column, metadata as `::key::`; empty for none.
        since: periods from this day on.
        before: periods before this day.
    """

    by: str = ""
    since: dt.date | None = None
    before: dt.date | None = None


def indicator_sql(name: str, dialect: str, wanted: Wanted | None = None) -> str:
    """A query with a row for each period and segment.

    Its columns are `period` (a date), `segment`, `numerator`, `denominator` (one for an indicator
    that is a plain number) and `value` (a double, null where nothing is divided by).

    Raises:
        IndicatorRefused: no such indicator, dialect or breakdown.
    """
    if dialect not in DIALECTS:
        raise IndicatorRefused(f"no SQL dialect `{dialect}`: use one of {', '.join(DIALECTS)}")
    indicator = declared().indicator(name)
    query = _Writer(declared(), indicator, wanted or Wanted()).query()
    return query.sql(dialect=dialect, pretty=True)


def _parsed(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read=_READ)


class _Writer:
    """Writes one indicator."""

    def __init__(self, everything: Declared, indicator: Indicator, wanted: Wanted) -> None:
        self._everything = everything
        self._indicator = indicator
        self._wanted = wanted

    def query(self) -> exp.Select:
        """The whole: facts, sums by period, the periods there are, and the division."""
        indicator = self._indicator
        parts: list[tuple[str, exp.Expr]] = [
            (f"{name}_facts", self._facts(self._everything.sources[name]))
            for name in self._sources()
        ]
        parts.append(("periods", self._periods()))
        if indicator.window > 1:
            parts += [("digits", _digits()), ("shifts", _shifts(indicator.window))]
        parts.append(("numerators", self._sums(indicator.numerator)))
        if indicator.denominator:
            parts.append(("denominators", self._sums(indicator.denominator)))
        query = self._divided()
        for name, part in parts:
            query = query.with_(name, as_=part)
        return query

    def _sources(self) -> list[str]:
        return list(dict.fromkeys(measure.source for measure in self._indicator.measures))

    def _facts(self, source: Source) -> exp.Select:
        """Facts with the period and the segment in which they count."""
        facts = _parsed(source.sql)
        assert isinstance(facts, exp.Select), "a source is a select"
        unit = self._indicator.period
        period = _parsed(f"cast(date_trunc('{unit}', {source.moment}) as date) as period")
        subject = self._everything.subjects[source.subject]
        segment, joined = self._segment(source.subject, subject)
        if joined is not None:
            facts = facts.join(joined)
        return facts.select(period, exp.alias_(segment, "segment"))

    def _segment(self, alias: str, subject: Subject) -> tuple[exp.Expr, exp.Join | None]:
        by = self._wanted.by
        if not by:
            return exp.Literal.string(EVERYTHING), None
        if by.startswith(METADATA_MARK) and subject.metadata:
            key = exp.Literal.string(by.strip(":"))
            on = _parsed(f"breakdown.{subject.metadata_key} = {alias}.id")
            here = exp.EQ(this=_parsed("breakdown.key"), expression=key)
            joined = exp.Join(
                this=exp.alias_(exp.to_table(subject.metadata), "breakdown", table=True),
                side="LEFT",
                on=exp.and_(on, here),
            )
            return _or_none(_parsed("breakdown.value")), joined
        if by not in subject.columns:
            more = ", or metadata as `::key::`" if subject.metadata else ""
            known = ", ".join(subject.columns)
            raise IndicatorRefused(
                f"{subject.table} cannot be broken down by `{by}`: use {known}{more}"
            )
        return _or_none(exp.cast(exp.column(by, table=alias), "varchar")), None

    def _periods(self) -> exp.Expr:
        """Every period and segment with facts of any kind."""
        every = [exp.select("period", "segment").from_(f"{name}_facts") for name in self._sources()]
        return every[0].distinct() if len(every) == 1 else exp.union(*every, distinct=True)

    def _sums(self, measures: Sequence[Measure]) -> exp.Select:
        """The sum of some measures, by the period in which it counts."""
        every: list[exp.Query] = [self._measured(measure) for measure in measures]
        moved = every[0] if len(every) == 1 else exp.union(*every, distinct=False)
        summed = exp.select("period", "segment", _parsed("sum(amount) as amount"))
        return summed.from_(moved.subquery("counted")).group_by("period", "segment")

    def _measured(self, measure: Measure) -> exp.Select:
        counted = (
            exp.select("period", "segment", _parsed(f"{_aggregate(measure)} as amount"))
            .from_(f"{measure.source}_facts")
            .group_by("period", "segment")
        )
        if measure.where:
            counted = counted.where(_parsed(measure.where))
        window = self._indicator.window
        if window == 1 and not measure.lag:
            return counted
        by = exp.column("shift") if window > 1 else exp.Literal.number(measure.lag)
        period = exp.alias_(self._later(exp.column("period"), by), "period")
        moved = exp.select(period, "segment", "amount").from_(counted.subquery("own"))
        return moved.join("shifts", join_type="cross") if window > 1 else moved

    def _later(self, period: exp.Expr, by: exp.Expr) -> exp.Expr:
        unit = exp.var(self._indicator.period.upper())
        return exp.cast(exp.DateAdd(this=period, expression=by, unit=unit), "date")

    def _divided(self) -> exp.Select:
        above = _parsed("coalesce(numerators.amount, 0)")
        divides = bool(self._indicator.denominator)
        below = _parsed("coalesce(denominators.amount, 0)" if divides else "1")
        share = _parsed(f"cast({self._indicator.scale} as double)")
        value: exp.Expr = exp.cast(above.copy(), "double")
        if divides:
            part = exp.Nullif(this=below.copy(), expression=exp.Literal.number(0))
            value = exp.Div(
                this=exp.Mul(this=share, expression=value), expression=exp.cast(part, "double")
            )
        query = exp.select(
            "periods.period",
            "periods.segment",
            exp.alias_(above, "numerator"),
            exp.alias_(below, "denominator"),
            exp.alias_(value, "value"),
        ).from_("periods")
        for name in ("numerators", "denominators")[: 1 + divides]:
            on = f"{name}.period = periods.period and {name}.segment = periods.segment"
            query = query.join(name, on=_parsed(on), join_type="left")
        for sign, day in ((">=", self._wanted.since), ("<", self._wanted.before)):
            if day is not None:
                query = query.where(_parsed(f"periods.period {sign} cast('{day}' as date)"))
        return query.order_by("periods.period", "periods.segment")


def _aggregate(measure: Measure) -> str:
    if measure.distinct:
        return f"count(distinct {measure.distinct})"
    return f"sum({measure.sum})" if measure.sum else "count(*)"


def _or_none(value: exp.Expr) -> exp.Expr:
    known = exp.Nullif(this=value, expression=exp.Literal.string(""))
    return exp.Coalesce(this=known, expressions=[exp.Literal.string(NOTHING)])


def _digits() -> exp.Query:
    every: list[exp.Query] = [exp.select(_parsed(f"{digit} as digit")) for digit in _DIGITS]
    return exp.union(*every, distinct=False)


def _shifts(count: int) -> exp.Select:
    """The numbers from 0 on, below a hundred."""
    assert count <= len(_DIGITS) ** 2, "a window has at most a hundred periods"
    number = "tens.digit * 10 + ones.digit"
    return (
        exp.select(_parsed(f"{number} as shift"))
        .from_("digits as tens")
        .join("digits as ones", join_type="cross")
        .where(_parsed(f"{number} < {count}"))
    )
