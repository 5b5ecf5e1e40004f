"""Conditions in the rule language that decide whether an action is wanted."""

from collections.abc import Callable, Container, Mapping
from functools import lru_cache

from sekisho.events import Record
from sekisho.language import Catalogue, Condition, check_condition, fields_of, interpret, lists_of
from sekisho.rules import ListBook

REMEMBERED = 256
"""Conditions of chains kept in memory as trees."""


class ConditionRefused(ValueError):
    """The condition cannot be read; the message says where and why."""


class Conditions:
    """Reads conditions against the attributes and lists of an installation.

    Args:
        catalogue: the attributes known now.
        book: the lists.
    """

    def __init__(self, catalogue: Callable[[], Catalogue], book: ListBook) -> None:
        self._catalogue = catalogue
        self._book = book
        self._read = lru_cache(REMEMBERED)(self.read)

    def read(self, text: str) -> Condition:
        """The tree of a condition.

        Raises:
            ConditionRefused: it has an error.
        """
        checked = check_condition(text, self._catalogue(), self._book.types)
        if checked.condition is None:
            first = checked.errors[0]
            hint = f" ({first.hint})" if first.hint else ""
            raise ConditionRefused(f"`{text}`, column {first.column}: {first.message}{hint}")
        return checked.condition

    def holds(self, text: str, record: Record) -> bool:
        """Whether a condition is surely true for a record; unknown counts as no.

        Raises:
            ConditionRefused: it has an error.
        """
        return interpret(self._read(text), record, self.lists) is True

    @property
    def lists(self) -> Mapping[str, Container[str]]:
        """The lists in force."""
        return self._book.values


def reads(condition: Condition) -> frozenset[str]:
    """Attributes that a condition reads."""
    return fields_of(condition)


def looks_into(condition: Condition) -> frozenset[str]:
    """Lists that a condition looks into."""
    return lists_of(condition)
