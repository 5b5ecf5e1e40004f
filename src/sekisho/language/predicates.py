"""Two-valued predicates: what a condition becomes when asked "surely true?"."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from sekisho.language.tree import Op

Folding = Literal["", "casefold", "upper"]


@dataclass(frozen=True, slots=True)
class NumberConst:
    """A finite number written in the rule."""

    value: float


@dataclass(frozen=True, slots=True)
class NumberField:
    """A number in the record; `from_text` when it has to be read out of a text value."""

    field: str
    from_text: bool


@dataclass(frozen=True, slots=True)
class Calculation:
    """Two numbers joined by `+`, `-`, `*` or `/`; without value when the result is not finite."""

    op: str
    left: "NumberTerm"
    right: "NumberTerm"


NumberTerm = NumberConst | NumberField | Calculation


@dataclass(frozen=True, slots=True)
class TextConst:
    """A text written in the rule, folded as its comparison asks."""

    value: str


@dataclass(frozen=True, slots=True)
class TextField:
    """A text in the record; `folding` names what is still to be done to it before comparing."""

    field: str
    folding: Folding = ""


TextTerm = TextConst | TextField


@dataclass(frozen=True, slots=True)
class NumbersCompare:
    """Both numbers are there and `left op right`."""

    op: Op = dataclasses.field(hash=False)  # hashing an enum member is slow
    left: NumberTerm
    right: NumberTerm


@dataclass(frozen=True, slots=True)
class NumberAmong:
    """The number is there and is (or, unless `wanted`, is not) one of the values."""

    term: NumberField
    values: tuple[float, ...]
    wanted: bool


@dataclass(frozen=True, slots=True)
class TextsCompare:
    """Both texts are there and `left op right` holds (or fails, unless `wanted`).

    `op` is one of EQ, INCLUDES and LIKE.
    """

    op: Op = dataclasses.field(hash=False)
    left: TextTerm
    right: TextTerm
    wanted: bool


@dataclass(frozen=True, slots=True)
class TextAmong:
    """The text is there and is (or is not) one of the values."""

    term: TextField
    values: tuple[str, ...]
    wanted: bool


@dataclass(frozen=True, slots=True)
class TextListed:
    """The text and the list are there and the list holds (or does not hold) the text."""

    term: TextField
    alias: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Present:
    """The value is there (or is not). `number` says how the record keeps it."""

    field: str
    number: bool
    wanted: bool


@dataclass(frozen=True, slots=True)
class FlagSet:
    """The boolean is true (or, unless `wanted`, false or missing)."""

    field: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts: always."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; without parts: never."""

    parts: tuple["Predicate", ...]


Leaf = NumbersCompare | NumberAmong | TextsCompare | TextAmong | TextListed | Present | FlagSet
Predicate = Leaf | AllOf | AnyOf

# INVARIANT: these two are the only empty ones, so identity tells them.
ALWAYS = AllOf(())
NEVER = AnyOf(())


def all_of(parts: list[Predicate]) -> Predicate:
    """The conjunction, flat."""
    flat: list[Predicate] = []
    for part in parts:
        if isinstance(part, AllOf):
            flat.extend(part.parts)
        elif part is NEVER:
            return NEVER
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else (AllOf(tuple(flat)) if flat else ALWAYS)


def any_of(parts: list[Predicate]) -> Predicate:
    """The disjunction, flat."""
    flat: list[Predicate] = []
    for part in parts:
        if isinstance(part, AnyOf):
            flat.extend(part.parts)
        elif part is ALWAYS:
            return ALWAYS
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else (AnyOf(tuple(flat)) if flat else NEVER)


def fields_read(predicate: Predicate) -> frozenset[str]:
    """The fields that a predicate looks at."""
    match predicate:
        case AllOf() | AnyOf():
            return frozenset[str]().union(*map(fields_read, predicate.parts))
        case FlagSet() | Present():
            return frozenset({predicate.field})
        case NumbersCompare():
            return _number_fields(predicate.left) | _number_fields(predicate.right)
        case TextsCompare():
            terms = (predicate.left, predicate.right)
            return frozenset(term.field for term in terms if isinstance(term, TextField))
        case NumberAmong() | TextAmong() | TextListed():
            return frozenset({predicate.term.field})


def _number_fields(term: NumberTerm) -> frozenset[str]:
    match term:
        case NumberConst():
            return frozenset()
        case Calculation():
            return _number_fields(term.left) | _number_fields(term.right)
        case NumberField():
            return frozenset({term.field})
