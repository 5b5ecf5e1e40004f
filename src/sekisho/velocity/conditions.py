"""Conditions of counters: checked against the catalogue, never on what may change later."""

from collections.abc import Callable, Container, Mapping
from typing import Final

from sekisho.language import (
    Catalogue,
    Condition,
    check_condition,
    compile_condition,
    fields_of,
    format_condition,
    lists_of,
)
from sekisho.velocity.families import family_names
from sekisho.velocity.spec import CounterRefused

Record = Mapping[str, str | float | int | bool]
Test = Callable[[Record], bool]
NO_LISTS: Final[dict[str, Container[str]]] = {}


def checked_condition(text: str, catalogue: Catalogue, place: str) -> Condition:
    """The tree of a counter's condition.

    Raises:
        CounterRefused: the text is no condition, or reads a list or a counter, whose answer at
            another time would be another.
    """
    checked = check_condition(text, catalogue, None)
    if checked.condition is None:
        first = checked.errors[0]
        raise CounterRefused(f"`{place}`: {first.message}", place, first.hint or "")
    if lists_of(checked.condition):
        message = "a counter's condition cannot read a list, because lists change: compare values"
        raise CounterRefused(message, place)
    counters = sorted(family_names().intersection(fields_of(checked.condition)))
    if counters:
        message = f"a counter's condition cannot read another counter (`{counters[0]}`)"
        raise CounterRefused(message, place)
    return checked.condition


def canonical(text: str, catalogue: Catalogue, place: str) -> str:
    """A condition in its canonical spelling, so that equal conditions are counted once."""
    return format_condition(checked_condition(text, catalogue, place)) if text.strip() else ""


def compiled(text: str, catalogue: Catalogue) -> Test:
    """A function that tells whether a record surely fulfils a condition."""
    function = compile_condition(checked_condition(text, catalogue, "where"))

    def test(record: Record) -> bool:
        return function(record, NO_LISTS)

    return test
