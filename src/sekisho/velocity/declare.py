"""Declarations of counters as data: read strictly, refused with the place and a better text."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Final, cast

from sekisho.language import Catalogue, Type
from sekisho.velocity.conditions import checked_condition
from sekisho.velocity.durations import parse_lag, parse_window
from sekisho.velocity.families import family_names
from sekisho.velocity.planner import TYPE_BITS
from sekisho.velocity.spec import SECOND_US, UNITS, Aggregate, CounterRefused, CounterSpec

NAME_LENGTH: Final = 100
KEY_FIELDS: Final = 4
CAP_LIMIT: Final = 1_000_000_000
FIELDS: Final = (
    "aggregate",
    "of",
    "by",
    "where",
    "window",
    "lag",
    "value",
    "include_current",
    "cap",
    "unit",
)
AGGREGATES: Final = {
    **{one.value: one for one in Aggregate if one is not Aggregate.UNSEEN},
    "average": Aggregate.AVG,
    "mean": Aggregate.AVG,
    "count_distinct": Aggregate.DISTINCT,
    "time_since_first": Aggregate.FIRST,
    "time_since_last": Aggregate.LAST,
}
NUMERIC: Final = (Type.NUMERIC, Type.BOUNDED, Type.METADATA)
TAKES_NUMBER: Final = (Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX)
TAKES_NOTHING: Final = (Aggregate.COUNT, Aggregate.FIRST, Aggregate.LAST)
TIMERS: Final = (Aggregate.FIRST, Aggregate.LAST)
COUNTS: Final = (Aggregate.COUNT, Aggregate.DISTINCT)
LABEL_IS_FRAUD: Final = ":label: = 'fraud'"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_METADATA: Final = re.compile(r"::(?:(?:customer|destination|account):)?[^:\n]+::")


def parse_counter(
    name: str, declaration: Mapping[str, object], catalogue: Catalogue
) -> CounterSpec:
    """A counter from its declaration.

    Raises:
        CounterRefused: the declaration is wrong; the error names the field and a better text.
    """
    _check_name(name, catalogue)
    for field in declaration:
        if field not in FIELDS:
            raise _unknown(f"a counter has no field `{field}`", field, field, FIELDS)
    given = {field: value for field, value in declaration.items() if value is not None}
    aggregate = _aggregate(given)
    value, matching = _value(aggregate, given, catalogue)
    where = _text(given, "where")
    if where:
        checked_condition(where, catalogue, "where")
    return CounterSpec(
        name,
        aggregate,
        of=_event_types(given),
        by=_key(given, catalogue),
        where=where,
        window_us=parse_window(_needed(given, "window")),
        lag_us=parse_lag(given.get("lag", "0s")),
        value=value,
        matching=matching,
        include_current=_flag(given, "include_current"),
        cap=_cap(aggregate, given),
        unit_us=_unit(aggregate, given),
    )


def parse_counters(text: str, catalogue: Catalogue) -> tuple[CounterSpec, ...]:
    """Counters from TOML: tables `[counters.NAME]`, `[NAME]`, or `[[counter]]` with a `name`.

    Raises:
        CounterRefused: not TOML, or a declaration is wrong.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CounterRefused(f"not TOML: {error}") from error
    specs: dict[str, CounterSpec] = {}
    for name, declaration in _declarations(document):
        if name in specs:
            raise CounterRefused(f"the counter `{name}` is declared twice", name)
        if not isinstance(declaration, Mapping):
            raise CounterRefused(f"`{name}` must be a table of fields", name)
        try:
            fields = cast("Mapping[str, object]", declaration)
            specs[name] = parse_counter(name, fields, catalogue)
        except CounterRefused as refused:
            place = f"{name}.{refused.place}" if refused.place else name
            raise CounterRefused(f"counter `{name}`: {refused}", place, refused.hint) from refused
    return tuple(specs.values())


def _declarations(document: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    for name, content in document.items():
        if name == "counters" and isinstance(content, Mapping):
            yield from cast("Mapping[str, object]", content).items()
        elif name in ("counter", "counters") and isinstance(content, list):
            for one in cast("list[object]", content):
                if not isinstance(one, Mapping) or "name" not in one:
                    raise CounterRefused(f"every `[[{name}]]` needs a `name`", name)
                fields = dict(cast("Mapping[str, object]", one))
                yield str(fields.pop("name")), fields
        else:
            yield name, content


def _check_name(name: str, catalogue: Catalogue) -> None:
    if not _NAME.fullmatch(name) or len(name) > NAME_LENGTH:
        better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:NAME_LENGTH]
        message = f"`{name}` is no name for a counter: small letters, digits and `_`"
        raise CounterRefused(message, "name", better)
    if name in catalogue or name in family_names():
        raise CounterRefused(f"`{name}` is an attribute already: choose another name", "name")


def _unknown(message: str, place: str, text: str, known: Iterable[str]) -> CounterRefused:
    choices = list(known)
    near = difflib.get_close_matches(text, choices, 1)
    advice = f", did you mean `{near[0]}`?" if near else f": use one of {', '.join(choices)}"
    return CounterRefused(message + advice, place, near[0] if near else "")


def _needed(given: Mapping[str, object], field: str) -> object:
    if field not in given:
        raise CounterRefused(f"a counter needs `{field}`", field)
    return given[field]


def _text(given: Mapping[str, object], field: str) -> str:
    value = given.get(field, "")
    if not isinstance(value, str):
        raise CounterRefused(f"`{field}` must be a text, not `{value}`", field)
    return value.strip()


def _texts(given: Mapping[str, object], field: str) -> tuple[str, ...]:
    value = _needed(given, field)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not values:
        raise CounterRefused(f"`{field}` must be a text or a list of texts", field)
    texts = cast("list[object]", values)
    if not all(isinstance(one, str) for one in texts):
        raise CounterRefused(f"`{field}` must hold texts only", field)
    names = tuple(cast("list[str]", texts))
    if len(set(names)) < len(names):
        raise CounterRefused(f"`{field}` names something twice", field)
    return names


def _flag(given: Mapping[str, object], field: str) -> bool:
    value = given.get(field, False)
    if not isinstance(value, bool):
        raise CounterRefused(f"`{field}` must be true or false, not `{value}`", field)
    return value


def _aggregate(given: Mapping[str, object]) -> Aggregate:
    text = _needed(given, "aggregate")
    if not isinstance(text, str) or text not in AGGREGATES:
        raise _unknown(f"no aggregate `{text}`", "aggregate", str(text), AGGREGATES)
    return AGGREGATES[text]


def _event_types(given: Mapping[str, object]) -> tuple[str, ...]:
    names = _texts(given, "of")
    for name in names:
        if name not in TYPE_BITS:
            raise _unknown(f"no event type `{name}`", "of", name, TYPE_BITS)
    return names


def _key(given: Mapping[str, object], catalogue: Catalogue) -> tuple[str, ...]:
    names = tuple(_attribute(name, catalogue, "by") for name in _texts(given, "by"))
    if len(names) > KEY_FIELDS:
        raise CounterRefused(f"a key has at most {KEY_FIELDS} attributes", "by")
    if len(set(names)) < len(names):
        raise CounterRefused("`by` names something twice", "by")
    return names


def _attribute(text: str, catalogue: Catalogue, place: str) -> str:
    """A record's field from its name with or without colons."""
    if _METADATA.fullmatch(text):
        return text
    name = text.strip(":")
    if name not in catalogue:
        raise _unknown(f"unknown attribute `:{name}:`", place, name, catalogue)
    if name in family_names():
        raise CounterRefused(f"`:{name}:` is a counter: a counter cannot count another", place)
    return catalogue[name].alias_of or name


def _value(
    aggregate: Aggregate, given: Mapping[str, object], catalogue: Catalogue
) -> tuple[str, str]:
    text = _text(given, "value")
    if aggregate in TAKES_NOTHING:
        if text:
            raise CounterRefused(f"`{aggregate}` takes no `value`", "value")
        return "", ""
    if not text:
        raise CounterRefused(f"`{aggregate}` needs a `value`", "value")
    if aggregate is Aggregate.RATIO:
        return _share(text, catalogue)
    name = _attribute(text, catalogue, "value")
    if aggregate in TAKES_NUMBER and _type(name, catalogue) not in NUMERIC:
        message = f"`{aggregate}` needs a number: `:{name}:` is {_type(name, catalogue)}"
        raise CounterRefused(message, "value")
    return name, ""


def _share(text: str, catalogue: Catalogue) -> tuple[str, str]:
    """What a ratio shares out: a number, or the events that fulfil a condition."""
    name = text if _METADATA.fullmatch(text) else text.strip(":")
    if name == "label":
        return "", LABEL_IS_FRAUD
    if name in catalogue or _METADATA.fullmatch(name):
        name = _attribute(name, catalogue, "value")
        kind = _type(name, catalogue)
        if kind is Type.BOOLEAN:
            return "", f":{name}:"
        if kind in NUMERIC:
            return name, ""
        message = f"`ratio` needs a number, a boolean or a condition: `:{name}:` is {kind}"
        raise CounterRefused(message, "value", f":{name}: = '…'")
    checked_condition(text, catalogue, "value")
    return "", text


def _type(name: str, catalogue: Catalogue) -> Type:
    return catalogue[name].type if name in catalogue else Type.METADATA


def _cap(aggregate: Aggregate, given: Mapping[str, object]) -> int:
    cap = given.get("cap", 0)
    if isinstance(cap, bool) or not isinstance(cap, int) or not 0 <= cap <= CAP_LIMIT:
        raise CounterRefused(f"`cap` must be a whole number from 1, not `{cap}`", "cap")
    if cap and aggregate not in COUNTS:
        raise CounterRefused(f"`{aggregate}` takes no `cap`", "cap")
    return cap


def _unit(aggregate: Aggregate, given: Mapping[str, object]) -> int:
    unit = given.get("unit")
    if unit is None:
        return SECOND_US
    if aggregate not in TIMERS:
        raise CounterRefused(f"`{aggregate}` takes no `unit`", "unit")
    if not isinstance(unit, str) or unit not in UNITS:
        raise _unknown(f"no unit `{unit}`", "unit", str(unit), UNITS)
    return UNITS[unit]
