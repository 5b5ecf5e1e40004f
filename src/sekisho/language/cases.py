"""A condition as cases: the sets of demands under which it is true, false, or not true.

Used by the lints only. Where there would be too many cases they are merged into wider ones, so that
"no case is possible" always means that the condition cannot have that outcome.
"""

from enum import Enum
from itertools import product

from sekisho.language.constraints import (
    Constraint,
    FlagTest,
    Missing,
    NotNumeric,
    NumberTest,
    Opaque,
    Order,
    Present,
    Relation,
    TextTest,
    Undefined,
    can_hold_together,
    relation_key,
)
from sekisho.language.fold import fold
from sekisho.language.format import format_operand
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
from sekisho.language.typecheck import NUMERIC_TYPES, ORDERINGS

CASES_MAX = 32  # of one condition; beyond it lints cost more than the rare find is worth
BRANCHING_PARTS_MAX = 8  # parts of one conjunction that are told apart case by case

Case = frozenset[Constraint]
_ORDERS: dict[Op, frozenset[Order]] = {
    Op.EQ: frozenset({"="}),
    Op.NE: frozenset({"<", ">"}),
    Op.LT: frozenset({"<"}),
    Op.GT: frozenset({">"}),
    Op.LE: frozenset({"<", "="}),
    Op.GE: frozenset({"=", ">"}),
}
_ANY_ORDER: frozenset[Order] = frozenset({"<", "=", ">"})
_MIRRORED: dict[Order, Order] = {"<": ">", "=": "=", ">": "<"}
_NEVER: list[Case] = []
_ALWAYS: list[Case] = [frozenset()]


class Outcome(Enum):
    """What the condition shall come to."""

    TRUE = "true"
    FALSE = "false"
    NOT_TRUE = "not true"
    NOT_FALSE = "not false"


_NEGATED = {
    Outcome.TRUE: Outcome.FALSE,
    Outcome.FALSE: Outcome.TRUE,
    Outcome.NOT_TRUE: Outcome.NOT_FALSE,
    Outcome.NOT_FALSE: Outcome.NOT_TRUE,
}


def cases(condition: Condition, outcome: Outcome) -> list[Case]:
    """All cases, at least, in which the condition has this outcome, without impossible ones."""
    match condition:
        case Not():
            return cases(condition.operand, _NEGATED[outcome])
        case And() | Or():
            parts = [cases(part, outcome) for part in condition.parts]
            asks_all = outcome in (Outcome.TRUE, Outcome.NOT_FALSE)
            return all_of(parts) if isinstance(condition, And) is asks_all else any_of(parts)
        case _:
            return [case for case in _leaf(condition, outcome) if can_hold_together(case)]


def all_of(parts: list[list[Case]]) -> list[Case]:
    """The cases in which a case of every part holds."""
    nothing: Case = frozenset()
    common = nothing.union(*(part[0] for part in parts if len(part) == 1))
    if not all(parts) or not can_hold_together(common):
        return _NEVER
    found = [common]
    branching = sorted((part for part in parts if len(part) > 1), key=len)
    for part in branching[:BRANCHING_PARTS_MAX]:  # a demand left out only widens the cases
        joined = dict.fromkeys(left | right for left, right in product(found, part))
        possible = [case for case in joined if can_hold_together(case)]
        if not possible:
            return _NEVER
        if len(possible) <= CASES_MAX:
            found = possible
    return found


def any_of(parts: list[list[Case]]) -> list[Case]:
    """The cases of either part."""
    found = list(dict.fromkeys(case for part in parts for case in part))
    return found if len(found) <= CASES_MAX else _ALWAYS


def _leaf(leaf: Condition, outcome: Outcome) -> list[Case]:
    holds = outcome in (Outcome.TRUE, Outcome.NOT_FALSE)
    surely = outcome in (Outcome.TRUE, Outcome.FALSE)
    match leaf:
        case Flag():
            return [frozenset({FlagTest(leaf.attribute.name, holds)})]
        case IsMissing():
            return _is_missing(leaf.operand, holds=holds)
        case InList():
            key = f"{format_operand(leaf.operand)} in @{leaf.alias}"
            answered: list[Case] = [frozenset({Opaque(key, holds), *_present(leaf.operand)})]
            return (
                answered if surely else [*answered, *_unknown((leaf.operand,), (Undefined(key),))]
            )
        case InItems():
            return _in_items(leaf, holds=holds, surely=surely)
        case Compare():
            return _compare(leaf, holds=holds, surely=surely)
        case _:
            return _ALWAYS


def _is_missing(operand: Attribute | Metadata, *, holds: bool) -> list[Case]:
    if isinstance(operand, Attribute) and operand.type is Type.BOOLEAN:
        return _NEVER if holds else _ALWAYS
    field = _field(operand)
    return [frozenset({Missing(field) if holds else Present(field)})]


def _in_items(leaf: InItems, *, holds: bool, surely: bool) -> list[Case]:
    items, field = leaf.items, _field(leaf.operand)
    numbers = frozenset(item.value for item in items if isinstance(item, Number))
    texts = frozenset(_folded(leaf.operand, item) for item in items if isinstance(item, Text))
    if numbers and texts:
        key = f"{format_operand(leaf.operand)} in {sorted(numbers)} {sorted(texts)}"
        doubtful: list[Case] = [frozenset({Opaque(key, holds), *_present(leaf.operand)})]
        return doubtful if surely else [*doubtful, *_unknown((leaf.operand,), (Undefined(key),))]
    if numbers:
        test = NumberTest(field, Op.EQ, numbers, holds)
        return _tested(leaf.operand, test, surely=surely)
    return _tested(leaf.operand, TextTest(field, Op.EQ, texts, holds), surely=surely)


def _tested(
    operand: Attribute | Metadata, test: NumberTest | TextTest, *, surely: bool
) -> list[Case]:
    answered: list[Case] = [frozenset({test})]
    if surely:
        return answered
    not_numeric = isinstance(operand, Metadata) and isinstance(test, NumberTest)
    others: tuple[Constraint, ...] = (NotNumeric(test.field),) if not_numeric else ()
    return [*answered, *_unknown((operand,), others)]


def _compare(leaf: Compare, *, holds: bool, surely: bool) -> list[Case]:
    left, right = leaf.left, leaf.right
    if isinstance(left, Attribute | Metadata) and isinstance(right, Text | Number):
        return _against_literal(leaf.op, left, right, holds=holds, surely=surely)
    return _related(leaf, holds=holds, surely=surely)


def _against_literal(
    op: Op, left: Attribute | Metadata, right: Text | Number, *, holds: bool, surely: bool
) -> list[Case]:
    field = _field(left)
    if _is_number(left) or isinstance(right, Number) or op in ORDERINGS:
        value = right.value if isinstance(right, Number) else read_number(right.value)
        if value is None:
            return _NEVER if surely else _ALWAYS
        kept, op = (not holds, Op.EQ) if op is Op.NE else (holds, op)
        return _tested(left, NumberTest(field, op, frozenset({value}), kept), surely=surely)
    kept, op = (not holds, Op.EQ) if op is Op.NE else (holds, op)
    test = TextTest(field, op, frozenset({_folded(left, right)}), kept)
    return _tested(left, test, surely=surely)


def _related(leaf: Compare, *, holds: bool, surely: bool) -> list[Case]:
    left, right = format_operand(leaf.left), format_operand(leaf.right)
    numeric = leaf.op in ORDERINGS or _is_number(leaf.left) or _is_number(leaf.right)
    present = {*_present(leaf.left), *_present(leaf.right)}
    if leaf.op in (Op.INCLUDES, Op.LIKE):
        key = f"{left} {leaf.op} {right}"
        answered: list[Case] = [frozenset({Opaque(key, holds), *present})]
        return answered if surely else [*answered, *_unknown((leaf.left, leaf.right), ())]
    orders: frozenset[Order] = _ORDERS[leaf.op] if holds else _ANY_ORDER - _ORDERS[leaf.op]
    if left > right:
        left, right = right, left
        orders = frozenset({_MIRRORED[order] for order in orders})
    relation = Relation(left, right, "number" if numeric else "text", orders)
    answered = [frozenset({relation, *present})]
    if surely:
        return answered
    return [*answered, *_unknown((leaf.left, leaf.right), (Undefined(relation_key(relation)),))]


def _unknown(operands: tuple[Operand, ...], others: tuple[Constraint, ...]) -> list[Case]:
    """The cases in which a leaf has no answer: a field is missing, or another reason."""
    fields = dict.fromkeys(field for operand in operands for field in _fields(operand))
    return [
        *(frozenset({Missing(field)}) for field in fields),
        *(frozenset({other}) for other in others),
    ]


def _present(operand: Operand) -> list[Present]:
    return [Present(field) for field in _fields(operand)]


def _fields(operand: Operand) -> list[str]:
    if isinstance(operand, Arithmetic):
        return [*_fields(operand.left), *_fields(operand.right)]
    return [_field(operand)] if isinstance(operand, Attribute | Metadata) else []


def _field(operand: Attribute | Metadata) -> str:
    return operand.name if isinstance(operand, Attribute) else operand.field


def _folded(operand: Attribute | Metadata, literal: Text | Number) -> str:
    value = literal.value if isinstance(literal, Text) else literal.source
    return fold(operand.type if isinstance(operand, Attribute) else Type.METADATA, value)


def _is_number(operand: Operand) -> bool:
    if isinstance(operand, Attribute):
        return operand.type in NUMERIC_TYPES
    return isinstance(operand, Arithmetic | Number)
