"""What a leaf of a condition demands of a record, and whether several demands can hold together."""

import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from sekisho.language.literals import like
from sekisho.language.tree import Op

Order = Literal["<", "=", ">"]
Side = Literal["text", "number"]
_SAME: frozenset[Order] = frozenset({"="})
_ANY_ORDER: frozenset[Order] = frozenset({"<", "=", ">"})


@dataclass(frozen=True, slots=True)
class Present:
    """The record holds the field."""

    field: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The record does not hold the field."""

    field: str


@dataclass(frozen=True, slots=True)
class NotNumeric:
    """The metadata field is there, but no number."""

    field: str


@dataclass(frozen=True, slots=True)
class NumberTest:
    """The field's number passes, or with `holds` False fails, `op` against one of the values."""

    field: str
    op: Op
    values: frozenset[float]
    holds: bool

    def passes(self, number: float) -> bool:
        """Whether a number meets the demand."""
        return any(_COMPARE[self.op](number, value) for value in self.values) is self.holds


@dataclass(frozen=True, slots=True)
class TextTest:
    """The same for the field's folded text."""

    field: str
    op: Op
    values: frozenset[str]
    holds: bool

    def passes(self, text: str) -> bool:
        """Whether a text meets the demand."""
        return any(_matches(text, self.op, value) for value in self.values) is self.holds


@dataclass(frozen=True, slots=True)
class FlagTest:
    """The boolean has this value."""

    field: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """Two operands are in one of these orders; texts know only `=` and unequal (`<` and `>`)."""

    left: str
    right: str
    side: Side
    orders: frozenset[Order]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A test that is compared with itself only, such as membership in a named list."""

    key: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Undefined:
    """The opaque test or relation with this key has no answer, though nothing is missing."""

    key: str


Constraint = (
    Present
    | Missing
    | NotNumeric
    | NumberTest
    | TextTest
    | FlagTest
    | Relation
    | Opaque
    | Undefined
)


_OnOneField = Present | Missing | NotNumeric | NumberTest | TextTest | FlagTest


def can_hold_together(demands: Collection[Constraint]) -> bool:
    """Whether some record could meet all demands; False only when it is certain that none can."""
    fields = {demand.field for demand in demands if isinstance(demand, _OnOneField)}
    if len(fields) == len(demands):
        return True  # demands on different fields can always be met
    groups: dict[type[Constraint], list[Constraint]] = {}
    for demand in demands:
        groups.setdefault(type(demand), []).append(demand)
    return (
        (Missing not in groups or _none_missing_is_needed(demands))
        and (FlagTest not in groups or _flags_agree(groups[FlagTest]))
        and _opaques_agree(demands)
        and (Relation not in groups or _relations_agree(groups[Relation]))
        and (NumberTest not in groups or _numbers_agree(demands))
        and (TextTest not in groups or _texts_agree(groups[TextTest]))
    )


def relation_key(relation: Relation) -> str:
    """What an Undefined calls the relation."""
    return f"{relation.side}:{relation.left}~{relation.right}"


def _none_missing_is_needed(demands: Collection[Constraint]) -> bool:
    missing = {demand.field for demand in demands if isinstance(demand, Missing)}
    return not any(field in missing for demand in demands for field in _needed(demand))


def _needed(demand: Constraint) -> tuple[str, ...]:
    """The fields that a demand needs to be there; flags are never missing."""
    if isinstance(demand, Present | NotNumeric | NumberTest | TextTest):
        return (demand.field,)
    return ()


def _flags_agree(demands: list[Constraint]) -> bool:
    flags = {demand for demand in demands if isinstance(demand, FlagTest)}
    return len(flags) == len({flag.field for flag in flags})


def _opaques_agree(demands: Collection[Constraint]) -> bool:
    answered = {demand for demand in demands if isinstance(demand, Opaque)}
    keys = {demand.key for demand in answered}
    keys_of_relations = {relation_key(item) for item in demands if isinstance(item, Relation)}
    undefined = {demand.key for demand in demands if isinstance(demand, Undefined)}
    return len(answered) == len(keys) and not undefined & (keys | keys_of_relations)


def _relations_agree(demands: list[Constraint]) -> bool:
    left_over: dict[str, frozenset[Order]] = {}
    for demand in demands:
        if isinstance(demand, Relation):
            key = relation_key(demand)
            at_first = _SAME if demand.left == demand.right else _ANY_ORDER
            left_over[key] = left_over.get(key, at_first) & demand.orders
    return all(left_over.values())


def _numbers_agree(demands: Collection[Constraint]) -> bool:
    by_field: dict[str, list[NumberTest]] = {}
    for demand in demands:
        if isinstance(demand, NumberTest):
            by_field.setdefault(demand.field, []).append(demand)
    if any(isinstance(demand, NotNumeric) and demand.field in by_field for demand in demands):
        return False
    return all(_some_number_passes(tests) for tests in by_field.values())


def _some_number_passes(tests: list[NumberTest]) -> bool:
    """Tries every named number, one between each two neighbours, and one beyond either end."""
    named = sorted({value for test in tests for value in test.values})
    between = [low / 2 + high / 2 for low, high in pairwise(named)]
    beyond = [named[0] - max(1.0, abs(named[0])), named[-1] + max(1.0, abs(named[-1]))]
    return any(all(test.passes(number) for test in tests) for number in (*named, *between, *beyond))


def _texts_agree(demands: list[Constraint]) -> bool:
    by_field: dict[str, list[TextTest]] = {}
    for demand in demands:
        if isinstance(demand, TextTest):
            by_field.setdefault(demand.field, []).append(demand)
    return all(_some_text_passes(tests) for tests in by_field.values())


def _some_text_passes(tests: list[TextTest]) -> bool:
    """Tries the named texts if one must be equal; otherwise only looks for opposite demands."""
    for test in tests:
        if test.op is Op.EQ and test.holds:
            return any(all(other.passes(text) for other in tests) for text in test.values)
    sure = {(test.op, value) for test in tests if test.holds for value in test.values}
    refused = {(test.op, value) for test in tests if not test.holds for value in test.values}
    return not sure & refused


_COMPARE: dict[Op, Callable[[float, float], bool]] = {
    Op.EQ: operator.eq,
    Op.LT: operator.lt,
    Op.GT: operator.gt,
    Op.LE: operator.le,
    Op.GE: operator.ge,
}


def _matches(text: str, op: Op, value: str) -> bool:
    if op is Op.INCLUDES:
        return value in text
    return like(text, tuple(value.split("%"))) if op is Op.LIKE else text == value
