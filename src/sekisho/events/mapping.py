"""MAP.toml: which column of a history fills which field of an event."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from sekisho.events.catalogue import default_catalogue
from sekisho.events.fields import PARTS
from sekisho.events.loose import Loose, is_object
from sekisho.events.messages import MESSAGES
from sekisho.events.paths import OPEN, SCOPES, all_paths, paths_of
from sekisho.kit.money import EXPONENTS

SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
TIME_UNITS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Microseconds per unit of a time given as a whole number."""

_DURATION: Final = re.compile(r"(\d{1,6})([smhdw])")
_OPTIONS: Final = {
    "amount": {"unit", "currency"},
    "label": {"known_after", "known_at"},
    "occurred_at": {"unit"},
    "customer_created_at": {"unit"},
}
_HINDSIGHT: Final = "label"

Constant = str | bool | int | float


class MapError(ValueError):
    """The map cannot be used; the message names the entry and what to write instead."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of one field comes from: a column, or the same constant for every row.

    Attributes:
        path: the field, such as `card.country` or `metadata.CustomerType`.
        column: name of the column; empty when a constant is given.
        unit: of an amount `minor` or `major`; of a time `s`, `ms` or `us`; else empty.
        currency: of an amount: a currency, or the name of a column of currencies.
        known_after_us: of a label: how long after the event it is known.
        known_at: of a label: the column that says when it is known.
        values: what the column's texts mean; a text that is not among them is missing.
    """

    path: str
    column: str = ""
    constant: Constant | None = None
    unit: str = ""
    currency: str = ""
    known_after_us: int = 0
    known_at: str = ""
    values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class EventMap:
    """The fields of an event type, each with its source."""

    sources: Mapping[str, Source]

    @property
    def type(self) -> Source:
        """What says of which type a row is."""
        return self.sources["type"]


def load_map(path: Path) -> EventMap:
    """Read a MAP.toml.

    Raises:
        MapError: it is not TOML, or an entry is not understood.
        OSError: it cannot be read.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        message = f"`{path.name}` is not TOML: {problem}"
        raise MapError(message) from problem
    return parse_map(table)


def parse_map(table: Mapping[str, Loose]) -> EventMap:
    """Understand the table of a MAP.toml.

    Raises:
        MapError: an entry is not understood, or `type`, `id` or `occurred_at` is missing.

    >>> parse_map({"type": "payment", "id": "n", "occurred_at": "t"}).sources["id"].column
    'n'
    """
    entries = dict(_entries(table))
    if "type" not in entries:
        message = 'say which events these are: `type = "payment"`, or a column of types'
        raise MapError(message)
    kind = _constant_type(entries["type"])
    sources = {"type": _type_source(entries.pop("type"))}
    for path, entry in entries.items():
        known = _known(path, kind)
        sources[known] = _source(known, entry)
    for path in ("id", "occurred_at"):
        if path not in sources and not (
            path == "id" and kind and "about" in paths_of(MESSAGES[kind])
        ):
            message = f'`{path}` is missing; name its column: `{path} = "…"`'
            raise MapError(message)
    return EventMap(sources)


def duration_us(text: Loose) -> int:
    """Microseconds of a duration such as `7d` or `90s`.

    Raises:
        MapError: it is not a number with s, m, h, d or w.

    >>> duration_us("7d")
    604800000000
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        message = f"`{text}` is not a duration such as `7d`, `36h` or `90s`"
        raise MapError(message)
    return int(match.group(1)) * SECONDS[match.group(2)] * 1_000_000


def _entries(table: Mapping[str, Loose]) -> Iterator[tuple[str, Loose]]:
    """Each field's path with its entry, the tables of objects flattened."""
    for key, entry in table.items():
        has_fields = key in PARTS or key in OPEN
        if has_fields and is_object(entry) and not {"column", "value"} & entry.keys():
            for name, inner in entry.items():
                yield f"{key}.{name}", inner
        elif key in OPEN:
            message = f'`{key}` is a table: `[{key}]` and then `Name = "column"`'
            raise MapError(message)
        else:
            yield key, entry


def _constant_type(entry: Loose) -> str:
    if is_object(entry):
        entry = entry.get("value", "")
    return entry if isinstance(entry, str) and entry in MESSAGES else ""


def _type_source(entry: Loose) -> Source:
    kind = _constant_type(entry)
    if kind:
        return Source("type", constant=kind)
    if is_object(entry) and isinstance(entry.get("column"), str):
        return Source("type", column=entry["column"])
    near = get_close_matches(str(entry), MESSAGES, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"one of {', '.join(sorted(MESSAGES))}"
    message = f'`{entry}` is not an event type, {hint} (a column of types: {{ column = "…" }})'
    raise MapError(message)


def _known(path: str, kind: str) -> str:
    """The path as events know it; an attribute's name alone means `attributes.NAME`."""
    known = paths_of(MESSAGES[kind]) if kind else all_paths()
    scope, _, name = path.partition(".")
    if path in known or (scope in SCOPES and name) or path == _HINDSIGHT:
        return path
    if path in default_catalogue():
        return f"attributes.{path}"
    if scope == "attributes" and name:
        return path
    near = get_close_matches(path, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "data of your own goes into `[metadata]`"
    message = (
        f"events of type `{kind}` have no field `{path}`, {hint}"
        if kind
        else f"no event has a field `{path}`, {hint}"
    )
    raise MapError(message)


def _source(path: str, entry: Loose) -> Source:
    if isinstance(entry, str):
        return Source(path, column=entry)
    if isinstance(entry, bool | int | float):
        return Source(path, constant=entry)
    if not is_object(entry):
        message = f"`{path}` takes a column's name or a table with `column` or `value`"
        raise MapError(message)
    allowed = {"column", "value", "values"} | _OPTIONS.get(path, set())
    for option in entry:
        if option not in allowed:
            near = get_close_matches(option, allowed, n=1)
            hint = (
                f"did you mean `{near[0]}`?" if near else f"it takes {', '.join(sorted(allowed))}"
            )
            message = f"`{path}` has no option `{option}`, {hint}"
            raise MapError(message)
    if ("column" in entry) == ("value" in entry):
        message = f"`{path}` needs either `column` or `value`"
        raise MapError(message)
    return _with_options(path, entry)


def _with_options(path: str, entry: Mapping[str, Loose]) -> Source:
    column, constant = entry.get("column", ""), entry.get("value")
    if not isinstance(column, str) or not isinstance(constant, str | bool | int | float | None):
        message = f"`{path}` takes `column` as text, `value` as text, number, true or false"
        raise MapError(message)
    unit = entry.get("unit", "")
    units = {"minor", "major"} if path == "amount" else set(TIME_UNITS)
    if unit and unit not in units:
        message = f"`{unit}` is not a unit of `{path}`; it takes {', '.join(sorted(units))}"
        raise MapError(message)
    currency = entry.get("currency", "")
    if unit == "major" and not currency:
        message = '`amount` in major units needs `currency`, such as `currency = "eur"`'
        raise MapError(message)
    return Source(
        path,
        column,
        constant,
        unit,
        currency.lower() if currency.lower() in EXPONENTS else currency,
        duration_us(entry["known_after"]) if "known_after" in entry else 0,
        entry.get("known_at", ""),
        _meanings(path, entry.get("values")),
    )


def _meanings(path: str, values: Loose) -> Mapping[str, str] | None:
    if values is None:
        return None
    if is_object(values) and all(isinstance(one, str) for one in values.values()):
        return {text: str(meaning) for text, meaning in values.items()}
    message = f'`{path}` takes `values` as a table of texts: values = {{ theirs = "ours" }}'
    raise MapError(message)
