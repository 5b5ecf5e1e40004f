"""Indicators as data: what is counted, where, over what, and whose limits it meets."""

import datetime as dt
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

Period = Literal["day", "month"]
Kind = Literal["leading", "lagging"]
METADATA_MARK: Final = "::"


class IndicatorRefused(ValueError):
    """No such indicator, breakdown or dialect; the message says what there is."""


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What facts are about: the table, under which columns it may be broken down."""

    table: str
    columns: tuple[str, ...]
    metadata: str = ""
    metadata_key: str = ""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A relation with one row a fact; `moment` is when it counts, `sql` is in DuckDB's dialect."""

    about: str
    subject: str
    moment: str
    sql: str


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A count of facts, of different values among them, or a sum.

    Attributes:
        source: which facts.
        where: a condition on them.
        distinct: count the different values of this column.
        sum: add up this column.
        lag: periods by which it counts later than it happened.
    """

    source: str
    where: str = ""
    distinct: str = ""
    sum: str = ""
    lag: int = 0


class Indicator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number by day or month.

    Attributes:
        title: what it says.
        kind: leading, seen at once; or lagging, known only after what became of payments.
        numerator: measures that are added up.
        denominator: measures that the sum is divided by; none for a plain number.
        period: day or month.
        window: periods summed over, the one itself included.
        scale: 100 for a percentage.
    """

    title: str
    kind: Kind
    numerator: tuple[Measure, ...]
    denominator: tuple[Measure, ...] = ()
    period: Period = "day"
    window: int = 1
    scale: int = 1

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Those above and below the line."""
        return (*self.numerator, *self.denominator)


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A limit of an indicator: `least` is met at the value, `above` only beyond it."""

    indicator: str
    least: float | None = None
    above: float | None = None

    def is_met(self, value: float | None) -> bool:
        """Whether a value is at or over the limit; what is unknown is not."""
        if value is None:
            return False
        if self.least is not None:
            return value >= self.least
        return self.above is not None and value > self.above


class Programme(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """A monitoring programme: who meets all its criteria is in it."""

    name: str
    criteria: tuple[Criterion, ...]
    since: dt.date = dt.date.min
    before: dt.date = dt.date.max


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that `indicators.toml` says."""

    subjects: dict[str, Subject]
    sources: dict[str, Source]
    indicators: dict[str, Indicator]

    def indicator(self, name: str) -> Indicator:
        """The one of that name.

        Raises:
            IndicatorRefused: there is none.
        """
        found = self.indicators.get(name)
        if found is None:
            known = ", ".join(self.indicators)
            raise IndicatorRefused(f"no indicator `{name}`: there are {known}")
        return found

    def subject_of(self, indicator: Indicator) -> Subject:
        """What all its facts are about."""
        return self.subjects[self.sources[indicator.numerator[0].source].subject]


@cache
def declared() -> Declared:
    """The indicators that come with Sekisho.

    >>> declared().indicator("visa_ratio_percent").period
    'month'
    """
    return msgspec.convert(_table("indicators.toml"), Declared)


@cache
def programmes() -> tuple[Programme, ...]:
    """The limits of others, with the days between which they hold."""
    told: Mapping[str, Any] = _table("thresholds.toml")
    return msgspec.convert(told["programmes"], tuple[Programme, ...])


def _table(name: str) -> dict[str, Any]:
    text = files("sekisho.insight").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)
