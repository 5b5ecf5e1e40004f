"""Profiles and parameters as they were known at each event of a history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from sekisho.collect import AGE, DEFAULT, HOUR_US, TableSpec
from sekisho.events import IDENTITY_KEYS
from sekisho.language import Type

ID: Final = "id"
KNOWN_US: Final = "known_us"
RECORDED_US: Final = "recorded_us"
_MOMENT: Final = "\0moment"
_ROW: Final = "\0known row"
_SINCE: Final = "\0since"
_DTYPES: Final[Mapping[Type, Any]] = {Type.NUMERIC: pl.Float64, Type.BOOLEAN: pl.Boolean}


@dataclass(frozen=True, slots=True)
class Versions:
    """Every version of one table.

    Attributes:
        spec: what is declared.
        frame: `id`, `known_us`, and a column for each attribute under its whole name; a row without
            values says that the profile is gone. In the order of `known_us`.
    """

    spec: TableSpec
    frame: pl.DataFrame

    @property
    def names(self) -> list[str]:
        """The attributes it gives, under their whole names."""
        return [one.name for one in self.spec.specs()]


def versions_of(spec: TableSpec, rows: Iterable[tuple[str, int, Mapping[str, Any]]]) -> Versions:
    """Versions from `(id, known_us, attributes by short name)`, in the order of the log."""
    schema: dict[str, Any] = {ID: pl.String, KNOWN_US: pl.Int64}
    for name, kind in spec.attributes.items():
        schema[f"{spec.entity}.{name}"] = _DTYPES.get(kind, pl.String)
    told = [
        (entity_id, known_us, *(values.get(name) for name in spec.attributes))
        for entity_id, known_us, values in rows
    ]
    frame = pl.DataFrame(told, schema=schema, orient="row", strict=False)
    return Versions(spec, frame.sort(KNOWN_US, maintain_order=True))


def columns_for(tables: Iterable[Versions], fields: Iterable[str]) -> set[str]:
    """What must be read of events to tell what was known about them."""
    wanted = set(fields)
    keys = {IDENTITY_KEYS[one.spec.entity] for one in tables if wanted & set(one.names)}
    return {*keys, RECORDED_US} if keys else set()


def with_known(
    frame: pl.DataFrame, tables: Iterable[Versions], fields: Iterable[str]
) -> pl.DataFrame:
    """Events with what was known when each was decided, or happened where it was imported.

    What stands in the history already wins.
    """
    wanted = set(fields)
    for table in tables:
        names = [name for name in table.names if name in wanted]
        if names:
            frame = _with_table(frame, table, names)
    return frame


def _with_table(frame: pl.DataFrame, table: Versions, names: list[str]) -> pl.DataFrame:
    spec, key = table.spec, IDENTITY_KEYS[table.spec.entity]
    happened = pl.col("at_us")
    known_from = pl.coalesce(RECORDED_US, happened) if RECORDED_US in frame.columns else happened
    named = pl.col(key).cast(pl.String) if key in frame.columns else pl.lit(None, pl.String)
    asked = frame.select(named.alias(ID), known_from.alias(_MOMENT)).with_row_index(_ROW)
    asked = asked.sort(_MOMENT, maintain_order=True)
    found = _as_of(asked, table.frame, by=True)
    if spec.is_parameter:
        defaults = table.frame.filter(pl.col(ID) == DEFAULT).drop(ID)
        default = _as_of(asked, defaults, by=False)
        found = found.with_columns(
            pl.coalesce(pl.col(name), default[name]).alias(name) for name in names
        )
    else:
        age = (pl.col(_MOMENT) - pl.col(_SINCE)) / HOUR_US
        values = [f"{spec.entity}.{name}" for name in spec.attributes]
        is_there = pl.any_horizontal(pl.col(name).is_not_null() for name in values)
        found = found.with_columns(pl.when(is_there).then(age).alias(f"{spec.entity}.{AGE}"))
    found = found.sort(_ROW)
    return frame.with_columns(
        pl.coalesce(pl.col(name).cast(found[name].dtype), found[name]).alias(name)
        if name in frame.columns
        else found[name]
        for name in names
    )


def _as_of(asked: pl.DataFrame, versions: pl.DataFrame, *, by: bool) -> pl.DataFrame:
    """The version in force at each moment, with the moment from which it was known."""
    right = versions.with_columns(pl.col(KNOWN_US).alias(_SINCE))
    return asked.join_asof(
        right,
        left_on=_MOMENT,
        right_on=KNOWN_US,
        by=ID if by else None,
        strategy="backward",
        check_sortedness=False,
    )
