"""From a checked condition to the two-valued predicates that say when it is true, or false.

A condition is true, false or unknown, but a rule only asks whether it is true. Pushing every
negation inwards asks each leaf one of two questions, "surely true?" or "surely false?", whose
answers are plain booleans: unknown answers no to both. So generated code needs no third value.
"""

from math import isfinite
from typing import assert_never

from sekisho.language.fold import fold
from sekisho.language.literals import read_number
from sekisho.language.predicates import (
    ALWAYS,
    NEVER,
    Calculation,
    FlagSet,
    Folding,
    NumberAmong,
    NumberConst,
    NumberField,
    NumbersCompare,
    NumberTerm,
    Predicate,
    Present,
    TextAmong,
    TextConst,
    TextField,
    TextListed,
    TextsCompare,
    TextTerm,
    all_of,
    any_of,
)
from sekisho.language.tree import (
    And,
    Arithmetic,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    InList,
    IsMissing,
    Metadata,
    Not,
    Number,
    Op,
    Operand,
    Or,
    Text,
    Type,
)

NUMERIC_TYPES = frozenset({Type.NUMERIC, Type.BOUNDED})
_OPPOSITE = {
    Op.LT: Op.GE,
    Op.GE: Op.LT,
    Op.GT: Op.LE,
    Op.LE: Op.GT,
    Op.EQ: Op.NE,
    Op.NE: Op.EQ,
}
_FOLDED_AS: dict[Type, Folding] = {
    Type.STRING_CI: "casefold",
    Type.COUNTRY: "upper",
    Type.STATE: "upper",
}


def lower(condition: Condition, *, wanted: bool = True) -> Predicate:
    """What holds when the condition is surely true (or surely false, unless `wanted`)."""
    match condition:
        case Compare():
            if compares_numbers(condition):
                return _lower_numbers(condition, wanted=wanted)
            return _lower_texts(condition, wanted=wanted)
        case Not():
            return lower(condition.operand, wanted=not wanted)
        case And() | Or():
            parts = [lower(part, wanted=wanted) for part in condition.parts]
            return all_of(parts) if isinstance(condition, And) is wanted else any_of(parts)
        case Flag():
            return FlagSet(condition.attribute.name, wanted)
        case IsMissing():
            return _lower_missing(condition.operand, wanted=wanted)
        case InItems():
            return _lower_items(condition, wanted=wanted)
        case InList():
            term = TextField(field_of(condition.operand))
            return TextListed(term, condition.alias, wanted)
    assert_never(condition)


def field_of(operand: Attribute | Metadata) -> str:
    """The key under which a record keeps the operand."""
    return operand.field if isinstance(operand, Metadata) else operand.name


def is_number(operand: Operand) -> bool:
    """Whether the operand is a number by itself, without being read out of a text."""
    if isinstance(operand, Attribute):
        return operand.type in NUMERIC_TYPES
    return isinstance(operand, Number | Arithmetic)


def compares_numbers(compare: Compare) -> bool:
    """Whether both sides are read as numbers: an ordering, or equality with a number on a side."""
    op = compare.op  # identity, for looking an enum member up in a set is slow
    if op is Op.EQ or op is Op.NE:
        return is_number(compare.left) or is_number(compare.right)
    return op is not Op.INCLUDES and op is not Op.LIKE


def text_folding(left: Operand, right: Operand) -> Folding:
    """How both sides of a text comparison are folded."""
    types = {operand.type for operand in (left, right) if isinstance(operand, Attribute)}
    if Type.STRING_CI in types:
        return "casefold"
    return "upper" if types & {Type.COUNTRY, Type.STATE} else ""


def text_term(operand: Operand, folding: Folding) -> TextTerm:
    """A side of a text comparison, with the folding it still needs."""
    match operand:
        case Text(value=value) | Number(source=value):
            return TextConst(folded(value, folding))
        case Metadata():
            return TextField(operand.field, folding)
        case Attribute():
            done = _FOLDED_AS.get(operand.type, "") == folding
            return TextField(operand.name, "" if done else folding)
        case Arithmetic():
            msg = "arithmetic has no text; check the rule before compiling it"
            raise TypeError(msg)
    assert_never(operand)


def folded(value: str, folding: Folding) -> str:
    """The text after folding."""
    if folding == "casefold":
        return value.casefold()
    return value.upper() if folding == "upper" else value


def number_term(operand: Operand) -> NumberTerm | None:
    """A side of a numeric comparison; None when it can have no value at all."""
    match operand:
        case Attribute():
            return NumberField(operand.name, from_text=operand.type not in NUMERIC_TYPES)
        case Number():
            return NumberConst(operand.value) if isfinite(operand.value) else None
        case Text():
            value = read_number(operand.value)
            return None if value is None else NumberConst(value)
        case Metadata():
            return NumberField(operand.field, from_text=True)
        case Arithmetic():
            left, right = number_term(operand.left), number_term(operand.right)
            if left is None or right is None:
                return None
            return Calculation(operand.op, left, right)
    assert_never(operand)


def _lower_missing(operand: Attribute | Metadata, *, wanted: bool) -> Predicate:
    if isinstance(operand, Attribute) and operand.type is Type.BOOLEAN:
        return NEVER if wanted else ALWAYS
    return Present(field_of(operand), is_number(operand), not wanted)


def _lower_items(condition: InItems, *, wanted: bool) -> Predicate:
    """`x in (a, b)` is `x = a or x = b`; a metadata key reads number items as numbers."""
    operand = condition.operand
    of_type = operand.type if isinstance(operand, Attribute) else Type.METADATA
    numeric = of_type in NUMERIC_TYPES
    texts: set[str] = set()
    numbers: set[float] = set()
    parts: list[Predicate] = []
    for item in condition.items:
        if isinstance(item, Text) and not numeric:
            texts.add(fold(of_type, item.value))
        elif isinstance(term := number_term(item), NumberConst):
            numbers.add(term.value)
        else:
            parts.append(NEVER)  # an item without value: unknown, neither surely in nor surely out
    if texts:
        parts.append(TextAmong(TextField(field_of(operand)), tuple(sorted(texts)), wanted))
    if numbers:
        term = NumberField(field_of(operand), from_text=not numeric)
        parts.append(NumberAmong(term, tuple(sorted(numbers)), wanted))
    return any_of(parts) if wanted else all_of(parts)


def _lower_numbers(compare: Compare, *, wanted: bool) -> Predicate:
    left, right = number_term(compare.left), number_term(compare.right)
    if left is None or right is None:
        return NEVER
    op = compare.op if wanted else _OPPOSITE[compare.op]
    return NumbersCompare(op, left, right)


def _lower_texts(compare: Compare, *, wanted: bool) -> Predicate:
    folding = text_folding(compare.left, compare.right)
    left, right = text_term(compare.left, folding), text_term(compare.right, folding)
    op = Op.EQ if compare.op is Op.NE else compare.op
    return TextsCompare(op, left, right, wanted is not (compare.op is Op.NE))
