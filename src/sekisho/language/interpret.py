"""The meaning of a condition, written to be read: the oracle every engine is held to.

Slow on purpose. It shares no code with the compilers but the tree, `fold` and `read_number`.
"""

from collections.abc import Container, Iterable, Mapping
from math import isfinite
from typing import assert_never

from sekisho.language.fold import fold
from sekisho.language.literals import read_number
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

Record = Mapping[str, str | float | int | bool]
Lists = Mapping[str, Container[str]]


def interpret(condition: Condition, record: Record, lists: Lists) -> bool | None:
    """Whether the condition is true for the record; None means unknown (Kleene's third value).

    Args:
        condition: a checked condition.
        record: the folded record of the event; a missing value is an absent key.
        lists: the folded items of each list by alias; tests on an absent alias are unknown.
    """
    match condition:
        case And():
            return _all(interpret(part, record, lists) for part in condition.parts)
        case Or():
            return _any(interpret(part, record, lists) for part in condition.parts)
        case Not():
            return _negated(interpret(condition.operand, record, lists))
        case Flag():
            return bool(record.get(condition.attribute.name, False))
        case IsMissing():
            return _is_missing(condition.operand, record)
        case InItems():
            operand, span = condition.operand, condition.span
            equalities = [Compare(Op.EQ, operand, item, span) for item in condition.items]
            return _any(interpret(equality, record, lists) for equality in equalities)
        case InList():
            value = text_of(condition.operand, record)
            if value is None or condition.alias not in lists:
                return None
            return value in lists[condition.alias]
        case Compare():
            return _compare(condition, record)
    assert_never(condition)


def _all(parts: Iterable[bool | None]) -> bool | None:
    unknown = False
    for part in parts:
        if part is False:
            return False
        unknown = unknown or part is None
    return None if unknown else True


def _any(parts: Iterable[bool | None]) -> bool | None:
    unknown = False
    for part in parts:
        if part is True:
            return True
        unknown = unknown or part is None
    return None if unknown else False


def _negated(value: bool | None) -> bool | None:  # noqa: FBT001 — a truth value is the subject
    return None if value is None else not value


def _is_missing(operand: Attribute | Metadata, record: Record) -> bool:
    if isinstance(operand, Metadata):
        return operand.field not in record
    return operand.type is not Type.BOOLEAN and operand.name not in record


def _compare(compare: Compare, record: Record) -> bool | None:
    sides = (compare.left, compare.right)
    if compare.op in (Op.LT, Op.LE, Op.GT, Op.GE) or (
        compare.op in (Op.EQ, Op.NE) and any(_is_numeric(side) for side in sides)
    ):
        left, right = (number_of(side, record) for side in sides)
        return (
            None if left is None or right is None else _holds_for_numbers(compare.op, left, right)
        )
    types = [side.type for side in sides if isinstance(side, Attribute)]
    first, second = (text_of(side, record) for side in sides)
    if first is None or second is None:
        return None
    for shared in (Type.STRING_CI, Type.COUNTRY, Type.STATE):
        if shared in types:
            return _holds_for_texts(compare.op, fold(shared, first), fold(shared, second))
    return _holds_for_texts(compare.op, first, second)


def _is_numeric(operand: Operand) -> bool:
    if isinstance(operand, Attribute):
        return operand.type in (Type.NUMERIC, Type.BOUNDED)
    return isinstance(operand, Number | Arithmetic)


def text_of(operand: Operand, record: Record) -> str | None:
    """The text an operand stands for, None when it is missing."""
    match operand:
        case Text():
            return operand.value
        case Number():
            return operand.source
        case Metadata():
            value = record.get(operand.field)
        case Attribute():
            value = record.get(operand.name)
        case Arithmetic():
            value = number_of(operand, record)
    return None if value is None else str(value)


def number_of(operand: Operand, record: Record) -> float | None:
    """The number an operand stands for, None when it is missing or no number."""
    match operand:
        case Number():
            return operand.value if isfinite(operand.value) else None
        case Text():
            return read_number(operand.value)
        case Metadata():
            value = record.get(operand.field)
        case Attribute():
            value = record.get(operand.name)
        case Arithmetic():
            value = _calculate(operand, record)
    if isinstance(value, str):
        return read_number(value)
    return None if value is None else float(value)


def _calculate(sum_: Arithmetic, record: Record) -> float | None:
    left, right = number_of(sum_.left, record), number_of(sum_.right, record)
    if left is None or right is None:
        return None
    if sum_.op == "+":
        result = left + right
    elif sum_.op == "-":
        result = left - right
    elif sum_.op == "*":
        result = left * right
    elif right == 0:
        return None
    else:
        result = left / right
    return result if isfinite(result) else None


def _holds_for_numbers(op: Op, left: float, right: float) -> bool:
    return {
        Op.EQ: left == right,
        Op.NE: left != right,
        Op.LT: left < right,
        Op.LE: left <= right,
        Op.GT: left > right,
        Op.GE: left >= right,
    }[op]


def _holds_for_texts(op: Op, left: str, right: str) -> bool:
    if op is Op.EQ:
        return left == right
    if op is Op.NE:
        return left != right
    return right in left if op is Op.INCLUDES else _is_like(left, right)


def _is_like(text: str, pattern: str) -> bool:
    """Letter by letter: `fits[i]` says whether the pattern so far fits `text[:i]`."""
    fits = [True] + [False] * len(text)
    for sign in pattern:
        if sign == "%":
            reached = False
            for position, fit in enumerate(fits):
                reached = reached or fit
                fits[position] = reached
        else:
            fits = [False] + [fit and text[at] == sign for at, fit in enumerate(fits[:-1])]
    return fits[-1]
