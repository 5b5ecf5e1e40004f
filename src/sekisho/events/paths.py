"""Every field a message may have, as a dotted path with the kind of value it takes."""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Final

from msgspec import inspect

from sekisho.events import messages

SCOPES: Final = ("metadata", "customer_metadata", "destination_metadata", "account_metadata")
"""Objects whose keys are the caller's own."""
OPEN: Final = (*SCOPES, "attributes")
"""Objects whose keys no message declares."""


class Value(StrEnum):
    """What a field takes."""

    TEXT = "text"
    FLAG = "true or false"
    WHOLE = "a whole number"
    MOMENT = "a time"


@cache
def paths_of(kind: type[messages.Message]) -> dict[str, Value]:
    """The paths of one message, those of open objects left out.

    >>> paths_of(messages.Payment)["card.country"].value
    'text'
    """
    return {path: _value(field.type) for path, field in _leaves(kind)}


@cache
def all_paths() -> dict[str, Value]:
    """The paths of all messages together."""
    return {
        path: value for kind in messages.MESSAGES.values() for path, value in paths_of(kind).items()
    }


@cache
def choices_of(kind: type[messages.Message]) -> dict[str, frozenset[str]]:
    """The values of those fields that take one of a few.

    >>> sorted(choices_of(messages.Label)["label"])
    ['fraud', 'legitimate']
    """
    return {
        path: frozenset(str(value) for value in part.values)
        for path, field in _leaves(kind)
        for part in _parts(field.type)
        if isinstance(part, inspect.LiteralType)
    }


@cache
def required_of(kind: type[messages.Message]) -> frozenset[str]:
    """The fields without which there is no such event, or no such object in it."""
    return frozenset(path for path, field in _leaves(kind) if field.required)


def _leaves(kind: type[messages.Message]) -> Iterator[tuple[str, inspect.Field]]:
    """Every field that holds a value, with its path."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        if field.name in OPEN:
            continue
        structs = [part for part in _parts(field.type) if isinstance(part, inspect.StructType)]
        for inner in (inner for struct in structs for inner in struct.fields):
            yield f"{field.name}.{inner.name}", inner
        if len(structs) < len(_parts(field.type)):
            yield field.name, field


def _parts(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    parts = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return tuple(part for part in parts if not isinstance(part, inspect.NoneType))


def _value(kind: inspect.Type) -> Value:
    parts = {type(part) for part in _parts(kind)} - {inspect.StructType}
    if inspect.DateTimeType in parts:
        return Value.MOMENT
    if inspect.BoolType in parts:
        return Value.FLAG
    return Value.WHOLE if inspect.IntType in parts else Value.TEXT
