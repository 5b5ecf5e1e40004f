"""One function per message type that fills a record: written out from the tables, for speed.

A loop over the tables costs three times as much as the straight lines it stands for; the lines are
made from names in our own source only, never from anything a caller sends. Who knows which
attributes will be read gets a function that leaves out what only fills the others; everything that
may refuse a value stays.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import fields

from sekisho.events import messages
from sekisho.events.catalogue import default_catalogue
from sekisho.events.context import KIND_OF, Kind
from sekisho.events.draft import Draft
from sekisho.events.fields import ALWAYS, PARTS, PUT, RENAMED, WHOLE
from sekisho.kit.countries import COUNTRY_CODES

Fill = Callable[[Draft, Any], None]
Wanted = frozenset[str] | None
"""Attributes that will be read; None when it is not known."""

_UNREAD_COUNTRY: Final = """\
    if value and value not in COUNTRY_CODES:
        draft.put_country({attribute!r}, value, {place!r})"""
_ONLY_FILLS: Final = {
    "name": "cardholder_name",
    "cardholder_name": "cardholder_name",
    "customer_created_at": "customer_created_at",
    "card.brand": "card_brand",
    "card.funding": "card_funding",
    "payment_method_type": "payment_method_type",
    "digital_wallet": "digital_wallet",
}
"""Fields whose function refuses nothing, with the one attribute it fills."""

_COPY: Final = {
    Kind.FOLDED: "record[{attribute!r}] = value.casefold()",
    Kind.STATE: "record[{attribute!r}] = value.upper()",
    Kind.COUNTRY: "record[{attribute!r}] = value\n"
    "    elif value: draft.put_country({attribute!r}, value, {place!r})",
    Kind.EXACT: "record[{attribute!r}] = value",
    Kind.NUMBER: "record[{attribute!r}] = value",
    Kind.FLAG: "record[{attribute!r}] = value",
}
_WHEN: Final = {
    Kind.COUNTRY: "value in COUNTRY_CODES",
    Kind.NUMBER: "value is not None",
    Kind.FLAG: "value is not None",
}


def source_of(struct: type, field: str = "", prefix: str = "", wanted: Wanted = None) -> str:
    """The text of the function that fills a record from one struct."""
    lines = ["def fill(draft, message):", "    record = draft.record"]
    treated: list[str] = []
    for item in fields(struct):
        place = f"{field}.{item.name}" if field else item.name
        if place in PUT:
            if _is_read(_ONLY_FILLS.get(place), wanted):
                treated.append(item.name)
            continue
        attribute = attribute_of(struct, item.name, prefix)
        if place in PARTS:
            lines += _part(item.name, attribute, wanted)
        elif attribute:
            lines += _copy(item.name, attribute, place, is_read=_is_read(attribute, wanted))
    lines += [line for name in PUT for line in _treatment(name, field, treated)]
    return "\n".join(lines)


def compile_fill(
    struct: type,
    field: str = "",
    prefix: str = "",
    wanted: Wanted = None,
    parts: Mapping[str, Fill] | None = None,
) -> Fill:
    """The function itself; `parts` are the functions of the objects in the message."""
    scope: dict[str, Any] = {"COUNTRY_CODES": COUNTRY_CODES}
    scope |= {f"put_{name.replace('.', '_')}": function for name, function in PUT.items()}
    scope |= {f"fill_{name}": fill for name, fill in (parts or {}).items()}
    scope |= {f"whole_{name}": function for name, function in WHOLE.items()}
    exec(source_of(struct, field, prefix, wanted), scope)  # noqa: S102 — made from our own tables
    return scope["fill"]


def _is_read(attribute: str | None, wanted: Wanted) -> bool:
    return wanted is None or attribute is None or attribute in wanted


def _copy(name: str, attribute: str, place: str, *, is_read: bool) -> Iterator[str]:
    kind = Kind(KIND_OF[default_catalogue()[attribute].type])
    if is_read:
        yield f"    value = message.{name}"
        copy = _COPY[kind].format(attribute=attribute, place=place)
        yield f"    if {_WHEN.get(kind, 'value')}: {copy}"
    elif kind is Kind.COUNTRY:
        yield f"    value = message.{name}"
        yield _UNREAD_COUNTRY.format(attribute=attribute, place=place)


def _part(name: str, attribute: str, wanted: Wanted) -> Iterator[str]:
    yield f"    value = message.{name}"
    if attribute and name not in WHOLE:
        yield f"    if type(value) is str:\n        if value: record[{attribute!r}] = value"
        yield f"    elif value is not None: fill_{name}(draft, value)"
        return
    yield "    if value is not None:"
    yield f"        fill_{name}(draft, value)"
    if name in WHOLE and _is_read(name, wanted):
        yield f"        whole = whole_{name}(value)"
        yield f"        if whole: record[{name!r}] = whole"


def _treatment(place: str, field: str, treated: list[str]) -> Iterator[str]:
    name = place.removeprefix(f"{field}.")
    if name not in treated or place != (f"{field}.{name}" if field else name):
        return
    yield f"    value = message.{name}"
    call = f"put_{place.replace('.', '_')}(draft, message, value)"
    yield f"    {call}" if place in ALWAYS else f"    if value is not None and value != '': {call}"


def attribute_of(struct: type, name: str, prefix: str) -> str:
    """The attribute a field becomes by its name; empty when there is none."""
    for base in struct.__mro__:
        if name in RENAMED.get(base, {}):
            return RENAMED[base][name]
    catalogue = default_catalogue()
    return next((known for known in (prefix + name, name) if known in catalogue), "")


@lru_cache(maxsize=64)
def fills_for(wanted: Wanted) -> Mapping[type, Fill]:
    """What fills a record, by message class."""
    parts = {
        name: compile_fill(part, name, prefix, wanted) for name, (part, prefix) in PARTS.items()
    }
    return {
        kind: compile_fill(kind, wanted=wanted, parts=parts) for kind in messages.MESSAGES.values()
    }
