"""A history's columns as fields of events: types made right, units applied, one column a field."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

import polars as pl

from sekisho.events.context import Kind, ReceiveContext
from sekisho.events.fields import metadata_text
from sekisho.events.mapping import TIME_UNITS, EventMap, MapError, Source
from sekisho.events.paths import Value, all_paths
from sekisho.kit.clock import to_us
from sekisho.kit.money import EXPONENTS, to_minor

ROW: Final = "row"
KNOWN_AT: Final = "label_known_at_us"
LABEL: Final = "label"

_USUAL_TIME: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:[0-5]\d:[0-5]\d(\.\d{1,6})?Z?$"
_COUNTED_TIME: Final = re.compile(r"\d{9,16}(\.\d{1,6})?")
_YES: Final = frozenset({"true", "t", "yes", "y", "1", "fraud"})
_NO: Final = frozenset({"false", "f", "no", "n", "0", "legitimate"})
_KINDS: Final[dict[Any, str]] = {
    pl.Int64: "a whole number, or a time",
    pl.Float64: "a number",
    pl.Boolean: "true or false",
}
_UNREADABLE: Final = "\0"  # a text that the door refuses, so that the row is rejected with a reason


def fields_from_frame(
    frame: pl.DataFrame, event_map: EventMap, context: ReceiveContext
) -> pl.DataFrame:
    """One column a field, named by its path: text, Boolean, whole numbers and times in µs.

    A label that is not a field of the row's event stands in `label` and `label_known_at_us`.

    Raises:
        MapError: a column is not in the frame, or holds what the field cannot take.
    """
    for source in event_map.sources.values():
        _check_columns(source, frame)
    fields = {path: _field(source, frame, context) for path, source in event_map.sources.items()}
    amount = event_map.sources.get("amount")
    if amount and amount.currency and "currency" not in fields:
        fields["currency"] = _text(_currency(amount, frame))
    hindsight = event_map.sources.get(LABEL)
    if hindsight:
        fields[KNOWN_AT] = _known_at(hindsight, fields, frame)
    return pl.DataFrame({path: series.alias(path) for path, series in fields.items()})


def unreadable(
    frame: pl.DataFrame, fields: pl.DataFrame, event_map: EventMap
) -> list[tuple[int, str, str, str]]:
    """What stands in a column and is not what the field holds: row, place, code and message."""
    found: list[tuple[int, str, str, str]] = []
    for path, source in event_map.sources.items():
        made = fields[path]
        if not source.column or source.values is not None or made.dtype == pl.String:
            continue
        raw = frame[source.column]
        lost = raw.is_not_null() & made.is_null()
        if raw.dtype == pl.String:
            lost &= (raw.str.strip_chars() != "").fill_null(value=False)
        elif raw.dtype.is_float():
            lost &= raw.is_not_nan()
        if path == "amount" and source.unit != "major" and raw.dtype.is_float():
            lost |= (raw != raw.floor()).fill_null(value=False)
        for row in lost.arg_true().to_list():
            message = f"`{raw[row]}` in column `{source.column}` is not {_KINDS[made.dtype]}"
            found.append((row, path, "unreadable", message))
    return found


def by_unique(series: pl.Series, function: Callable[[Any], Any], dtype: Any) -> pl.Series:
    """The function's value for each row, worked out once for each different value."""
    ascii_only = _ASCII_ONLY.get(function)
    if ascii_only is not None and is_ascii(series):
        return ascii_only(series)
    unique = series.drop_nulls().unique()
    values = pl.Series([function(value) for value in unique.to_list()], dtype=dtype)
    if not len(unique):
        return pl.Series(series.name, [None] * len(series), dtype=dtype)
    return series.replace_strict(unique, values, default=None, return_dtype=dtype)


_ASCII_ONLY: Final[dict[Callable[[Any], Any], Callable[[pl.Series], pl.Series]]] = {
    str.casefold: lambda series: series.str.to_lowercase(),
    str.lower: lambda series: series.str.to_lowercase(),
    str.upper: lambda series: series.str.to_uppercase(),
}
"""Functions that are one pass over the column where all its text is ASCII."""


def is_ascii(series: pl.Series) -> bool:
    """Whether a column of text has ASCII characters alone."""
    return series.str.len_bytes().sum() == series.str.len_chars().sum()


def _check_columns(source: Source, frame: pl.DataFrame) -> None:
    columns = [source.column, source.known_at]
    if source.path == "amount" and source.currency not in EXPONENTS:
        columns.append(source.currency)
    for column in columns:
        if column and column not in frame.columns:
            near = get_close_matches(column, frame.columns, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(frame.columns)}"
            message = f"`{source.path}`: the data has no column `{column}`, {hint}"
            raise MapError(message)


def _raw(source: Source, frame: pl.DataFrame) -> pl.Series:
    if source.column:
        return frame[source.column]
    return pl.Series([source.constant] * frame.height)


def _field(source: Source, frame: pl.DataFrame, context: ReceiveContext) -> pl.Series:
    raw, path = _raw(source, frame), source.path
    if source.values is not None:
        raw = by_unique(_text(raw), source.values.get, pl.String)
    if path.startswith("attributes."):
        return _attribute(raw, path.removeprefix("attributes."), context)
    if path == LABEL:
        return by_unique(_text(raw), _label, pl.String)
    if path == "amount":
        return _amount(raw, source, frame)
    value = all_paths().get(path, Value.TEXT)
    if value is Value.MOMENT:
        return moments(raw, source.unit)
    return by_unique(_text(raw), _flag, pl.Boolean) if value is Value.FLAG else _text(raw)


def _attribute(raw: pl.Series, name: str, context: ReceiveContext) -> pl.Series:
    kind = context.givable.get(name)
    if kind is None:
        near = get_close_matches(name, context.givable, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "free data goes into `[metadata]`"
        message = f"`attributes.{name}` cannot be given: it is counted here or unknown, {hint}"
        raise MapError(message)
    if kind == Kind.FLAG:
        return by_unique(_text(raw), _flag, pl.Boolean)
    if kind == Kind.NUMBER:
        numbers = raw.cast(pl.Float64, strict=False)
        return numbers.set(numbers.is_nan() | numbers.is_infinite(), None)
    return _text(raw)


def _text(raw: pl.Series) -> pl.Series:
    """Text as a payload would give it; whole floats lose their `.0`, empty text is missing."""
    if raw.dtype.is_float():
        return by_unique(raw.set(raw.is_nan(), None), metadata_text, pl.String)
    if raw.dtype == pl.Boolean:
        return by_unique(raw, metadata_text, pl.String)
    text = raw.cast(pl.String)
    return text.set(text == "", None)


def _flag(text: str) -> bool | None:
    folded = text.strip().casefold()
    return True if folded in _YES else False if folded in _NO else None


def _label(text: str) -> str:
    flag = _flag(text)
    return _UNREADABLE if flag is None else "fraud" if flag else "legitimate"


def _amount(raw: pl.Series, source: Source, frame: pl.DataFrame) -> pl.Series:
    if source.unit != "major":
        whole = raw.cast(pl.Int64, strict=False)
        if raw.dtype != pl.String:
            return whole
        number = raw.cast(pl.Float64, strict=False)  # a whole number may be written as 2500.0
        return whole.fill_null(number.set(number != number.floor(), None).cast(pl.Int64))
    currency = _currency(source, frame)
    if source.currency in EXPONENTS:
        return by_unique(raw, lambda value: _minor(value, source.currency), pl.Int64)
    pairs = zip(raw.to_list(), currency.to_list(), strict=True)
    return pl.Series([_minor(value, str(code).lower()) for value, code in pairs], dtype=pl.Int64)


def _currency(source: Source, frame: pl.DataFrame) -> pl.Series:
    if source.currency in EXPONENTS:
        return pl.Series([source.currency] * frame.height, dtype=pl.String)
    return frame[source.currency]


def _minor(value: Any, currency: str) -> int | None:
    if value is None or currency not in EXPONENTS:
        return None
    try:
        return to_minor(value, currency)
    except ValueError:
        return -1  # refused at the door as out of range


def moments(raw: pl.Series, unit: str = "") -> pl.Series:
    """Times in whole microseconds since 1970; a naive time is UTC, a number counts seconds.

    Raises:
        MapError: the column holds no times.
    """
    if raw.dtype == pl.Date:
        raw = raw.cast(pl.Datetime("us"))
    if isinstance(raw.dtype, pl.Datetime):
        return raw.cast(pl.Datetime("us", raw.dtype.time_zone)).to_physical()
    if raw.dtype == pl.String:
        return _written_moments(raw, TIME_UNITS[unit or "s"])
    if raw.dtype.is_numeric():
        scale = TIME_UNITS[unit or "s"]
        whole = raw * scale if raw.dtype.is_float() else raw.cast(pl.Int64) * scale
        return whole.round().cast(pl.Int64, strict=False) if raw.dtype.is_float() else whole
    message = f"column `{raw.name}` of type {raw.dtype} holds no times"
    raise MapError(message)


def _written_moments(raw: pl.Series, scale: int) -> pl.Series:
    """Times from text; the usual spellings in one go, the others one by one."""
    text = raw.str.strip_chars()
    usual = text.set(~text.str.contains(_USUAL_TIME).fill_null(value=False), None)
    plain = usual.str.strip_suffix("Z").str.replace("T", " ", literal=True)
    at_us = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    found = at_us.to_physical()
    others = text.set(found.is_not_null(), None)
    if others.null_count() == len(others):
        return found.alias(raw.name)
    return found.fill_null(by_unique(others, lambda one: _moment(one, scale), pl.Int64))


def _moment(text: str, scale: int) -> int | None:
    if _COUNTED_TIME.fullmatch(text):
        return int(Decimal(text) * scale)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _known_at(source: Source, fields: dict[str, pl.Series], frame: pl.DataFrame) -> pl.Series:
    """When each label is known: at a column's time, or a while after the event."""
    label = fields[LABEL]
    if source.known_at:
        known = moments(frame[source.known_at])
    elif "occurred_at" in fields:
        known = fields["occurred_at"] + source.known_after_us
    else:
        known = pl.Series([None] * len(label), dtype=pl.Int64)
    return known.set(label.is_null(), None)
