"""The one way to write a rule: canonical spelling, and lines broken at `and` and `or`."""

from typing import assert_never

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
    Operand,
    Or,
    Rule,
    Text,
)

LINE_WIDTH = 88  # what a code review shows without a scroll bar
_INDENT = "  "
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2}


def format_rule(rule: Rule, width: int = LINE_WIDTH) -> str:
    """The canonical text of a rule; reading it again gives an equal tree (but for the spans).

    A rule wider than `width` is broken at its `and`s and `or`s, one part a line.
    """
    lines = _laid_out(rule.condition, width, len(rule.action.value) + len(" if "))
    head, *rest = lines
    return "\n".join([f"{rule.action.value} if {head}", *(_INDENT + line for line in rest)])


def format_condition(condition: Condition, width: int | None = None) -> str:
    """The canonical text of a condition: on one line unless a width is given."""
    if width is None:
        return _inline(condition)
    return "\n".join(_laid_out(condition, width, 0))


def format_operand(operand: Operand) -> str:
    """The canonical text of an operand, such as `:amount_in_usd: / 2`."""
    match operand:
        case Attribute():
            return f":{operand.name}:"
        case Metadata():
            return operand.field
        case Text():
            return _quoted(operand.value)
        case Number():
            return operand.source
        case Arithmetic():
            return _calculation(operand)
        case _:
            assert_never(operand)


def _calculation(operand: Arithmetic) -> str:
    strength = _STRENGTH[operand.op]
    left, right = format_operand(operand.left), format_operand(operand.right)
    if isinstance(operand.left, Arithmetic) and _STRENGTH[operand.left.op] < strength:
        left = f"({left})"
    if isinstance(operand.right, Arithmetic) and _STRENGTH[operand.right.op] <= strength:
        right = f"({right})"
    return f"{left} {operand.op} {right}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _inline(condition: Condition) -> str:
    match condition:
        case And():
            return " and ".join(_enclosed(part, And) for part in condition.parts)
        case Or():
            return " or ".join(_enclosed(part, Or) for part in condition.parts)
        case Not():
            return f"not {_enclosed(condition.operand, Not)}"
        case _:
            return _leaf(condition)


def _enclosed(part: Condition, parent: type[And | Or | Not]) -> str:
    return f"({_inline(part)})" if _needs_parentheses(part, parent) else _inline(part)


def _needs_parentheses(part: Condition, parent: type[And | Or | Not]) -> bool:
    """More of them than the grammar asks for: nobody should have to recall what binds tighter."""
    if isinstance(part, And | Or):
        return True
    return parent is Not and isinstance(part, Compare | InItems | InList)


def _leaf(condition: Compare | InItems | InList | IsMissing | Flag) -> str:
    match condition:
        case Compare():
            left, right = format_operand(condition.left), format_operand(condition.right)
            return f"{left} {condition.op.value} {right}"
        case InItems():
            items = ", ".join(format_operand(item) for item in condition.items)
            return f"{format_operand(condition.operand)} in ({items})"
        case InList():
            return f"{format_operand(condition.operand)} in @{condition.alias}"
        case IsMissing():
            return f"is_missing({format_operand(condition.operand)})"
        case Flag():
            return format_operand(condition.attribute)
        case _:
            assert_never(condition)


def _laid_out(condition: Condition, width: int, used: int) -> list[str]:
    """The condition's lines; the first follows `used` characters that stand before it."""
    line = _inline(condition)
    if len(line) + used <= width or width <= 0:
        return [line]
    match condition:
        case And() | Or():
            return _broken_at_joints(condition, width, used)
        case Not() if isinstance(condition.operand, And | Or):
            return _in_parentheses("not (", condition.operand, width)
        case InItems():
            return _broken_items(condition, width)
        case _:
            return [line]


def _broken_at_joints(condition: And | Or, width: int, used: int) -> list[str]:
    word = "and " if isinstance(condition, And) else "or "
    lines: list[str] = []
    for index, part in enumerate(condition.parts):
        lead = word if index else ""
        room = used if not index else len(lead)
        own = _enclosed(part, type(condition))
        if len(own) + room <= width:
            lines.append(lead + own)
        elif isinstance(part, And | Or):
            lines += _in_parentheses(f"{lead}(", part, width)
        else:
            first, *rest = _laid_out(part, width, room)
            lines += [lead + first, *rest]
    return lines


def _in_parentheses(opening: str, inner: Condition, width: int) -> list[str]:
    lines = _laid_out(inner, width - len(_INDENT), 0)
    return [opening, *(_INDENT + line for line in lines), ")"]


def _broken_items(condition: InItems, width: int) -> list[str]:
    lines: list[str] = []
    for item in condition.items:
        written = f"{format_operand(item)},"
        if lines and len(lines[-1]) + 1 + len(written) <= width:
            lines[-1] += f" {written}"
        else:
            lines.append(_INDENT + written)
    lines[-1] = lines[-1].removesuffix(",")
    return [f"{format_operand(condition.operand)} in (", *lines, ")"]
