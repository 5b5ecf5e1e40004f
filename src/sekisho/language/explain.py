"""Why a condition did or did not hold for one record: the tree, with what each part saw."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from sekisho.language.format import format_condition, format_operand
from sekisho.language.interpret import Lists, Record, interpret, number_of
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
    Text,
    Type,
)

Value = str | float | int | bool | None

_MARKS = {True: "✓", False: "✗", None: "?"}
_MAX_SHOWN_CHARACTERS = 60
"""Longer record values are cut when rendered, so that a line stays a line."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A part of a condition, its result (None: unknown) and the record values it read.

    `values` pairs the operand's text with its value, None when missing; `children` are the parts of
    an and, an or, or a not.
    """

    text: str
    kind: str
    result: bool | None
    values: tuple[tuple[str, Value], ...]
    children: tuple["Explanation", ...]

    def as_dict(self) -> dict[str, object]:
        """The same as plain data, for JSON."""
        return {
            "text": self.text,
            "kind": self.kind,
            "result": self.result,
            "values": dict(self.values),
            "children": [child.as_dict() for child in self.children],
        }

    def decisive(self) -> Iterator["Explanation"]:
        """The leaves that settled the result: the false parts of a false and, for example."""
        if not self.children:
            yield self
            return
        for child in self.children:
            if self.kind == "not" or child.result is self.result:
                yield from child.decisive()


def explain(condition: Condition, record: Record, lists: Lists) -> Explanation:
    """Evaluate a condition for a record and keep every intermediate result.

    Args:
        condition: a checked condition.
        record: the folded record of the event.
        lists: folded items by alias, as for `interpret`.
    """
    children: tuple[Explanation, ...] = ()
    kind = "test"
    match condition:
        case And() | Or():
            kind = "and" if isinstance(condition, And) else "or"
            children = tuple(explain(part, record, lists) for part in condition.parts)
        case Not():
            kind, children = "not", (explain(condition.operand, record, lists),)
        case _:
            pass
    return Explanation(
        format_condition(condition),
        kind,
        interpret(condition, record, lists),
        () if children else _values(condition, record),
        children,
    )


def render_explanation(explanation: Explanation) -> list[str]:
    """One line a part, indented, marked ✓ true, ✗ false or ? unknown, with the values it read.

    Parts that settled the whole result end in `←`.
    """
    decisive = {id(leaf) for leaf in explanation.decisive()}
    return list(_render(explanation, decisive, 0))


def _render(part: Explanation, decisive: set[int], depth: int) -> Iterator[str]:
    mark, pad = _MARKS[part.result], "  " * depth
    if part.children:
        yield f"{pad}{mark} {_HEADS[part.kind]}"
        for child in part.children:
            yield from _render(child, decisive, depth + 1)
        return
    seen = ", ".join(f"{name} is {_shown(value)}" for name, value in part.values)
    arrow = " ←" if id(part) in decisive else ""
    yield f"{pad}{mark} {' '.join(part.text.split())}{f'   ({seen})' if seen else ''}{arrow}"


_HEADS = {"and": "all of", "or": "any of", "not": "not"}


def _shown(value: Value) -> str:
    if value is None:
        return "missing"
    if isinstance(value, str):
        short = (
            value if len(value) <= _MAX_SHOWN_CHARACTERS else value[:_MAX_SHOWN_CHARACTERS] + "…"
        )
        return repr(short)
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}"


def _values(leaf: Condition, record: Record) -> tuple[tuple[str, Value], ...]:
    """What the leaf read, each operand once, in reading order; arithmetic shows its result too."""
    seen: dict[str, Value] = {}
    for operand in _operands(leaf):
        match operand:
            case Attribute():
                absent = False if operand.type is Type.BOOLEAN else None
                seen[f":{operand.name}:"] = record.get(operand.name, absent)
            case Metadata():
                seen[operand.field] = record.get(operand.field)
            case Arithmetic():
                seen[format_operand(operand)] = number_of(operand, record)
            case Text() | Number():
                pass
    return tuple(seen.items())


def _operands(leaf: Condition) -> Iterator[Operand]:
    match leaf:
        case Compare():
            yield from _with_parts(leaf.left)
            yield from _with_parts(leaf.right)
        case InItems() | InList() | IsMissing():
            yield leaf.operand
        case Flag():
            yield leaf.attribute
        case And() | Or() | Not():
            return
        case _:
            assert_never(leaf)


def _with_parts(operand: Operand) -> Iterator[Operand]:
    if isinstance(operand, Arithmetic):
        for part in (operand.left, operand.right):
            yield from (p for p in _with_parts(part) if not isinstance(p, Arithmetic))
    yield operand
