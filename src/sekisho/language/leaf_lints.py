"""Warnings that a single comparison earns."""

import re
from collections.abc import Iterator

from sekisho.language.catalogue import Catalogue
from sekisho.language.diagnostics import Problem, quoted
from sekisho.language.fold import fold
from sekisho.language.literals import read_number
from sekisho.language.tree import (
    Attribute,
    Compare,
    Condition,
    InItems,
    IsMissing,
    Metadata,
    Number,
    Op,
    Operand,
    Text,
    Type,
)
from sekisho.language.typecheck import ORDERINGS

COUNTER_BOUND = 25  # a bounded counter keeps the newest 25 events and counts no further


def lint_leaf(leaf: Condition, text: str, catalogue: Catalogue) -> Iterator[Problem]:
    """Warnings about one comparison or test."""
    match leaf:
        case Compare():
            yield from _bound(leaf)
            yield from _patterns(leaf)
            yield from _ordering(leaf, text)
            yield from _literals(leaf.left, [leaf.right], catalogue)
        case InItems():
            yield from _item_bounds(leaf)
            yield from _repeated_items(leaf)
            yield from _literals(leaf.operand, list(leaf.items), catalogue)
        case IsMissing(operand=Attribute(type=Type.BOOLEAN)):
            message = "a boolean is never missing: it is false, so this is never true"
            yield Problem("never_missing", leaf.span.start, leaf.span.end, message)
        case _:
            return


def _bound(leaf: Compare) -> Iterator[Problem]:
    if not isinstance(leaf.left, Attribute) or leaf.left.type is not Type.BOUNDED:
        return
    if not isinstance(leaf.right, Number):
        return
    op, value = leaf.op, leaf.right.value
    never = (op in (Op.GT, Op.GE, Op.EQ) and value > COUNTER_BOUND) or (
        op is Op.GT and value == COUNTER_BOUND
    )
    always = (op in (Op.LT, Op.LE, Op.NE) and value > COUNTER_BOUND) or (
        op is Op.LE and value == COUNTER_BOUND
    )
    if never or always:
        result = "never" if never else "always"
        yield _bound_problem(leaf.left, leaf, f"{op.value} {leaf.right.source}", result)


def _item_bounds(leaf: InItems) -> Iterator[Problem]:
    if not isinstance(leaf.operand, Attribute) or leaf.operand.type is not Type.BOUNDED:
        return
    for item in leaf.items:
        if isinstance(item, Number) and item.value > COUNTER_BOUND:
            yield _bound_problem(leaf.operand, item, f"= {item.source}", "never")


def _bound_problem(
    attribute: Attribute, at: Compare | Number, written: str, result: str
) -> Problem:
    message = (
        f"{quoted(f':{attribute.name}:')} stops counting at {COUNTER_BOUND}, "
        f"so {quoted(written)} is {result} true"
    )
    hint = f">= {COUNTER_BOUND}" if result == "never" else None
    return Problem("bound_never_reached", at.span.start, at.span.end, message, hint)


def _patterns(leaf: Compare) -> Iterator[Problem]:
    if not isinstance(leaf.right, Text):
        return
    start, end, value = leaf.right.span.start, leaf.right.span.end, leaf.right.value
    if leaf.op is Op.LIKE and "%" not in value:
        message = f"without `%` {quoted('like')} is the same as {quoted('=')}"
        yield Problem("like_without_wildcard", start, end, message, f"'%{value}%'")
    if leaf.op is Op.LIKE and "_" in value.strip("%") and "%" in value:
        message = "`_` stands for itself in a pattern, only `%` stands for any characters"
        yield Problem("like_underscore", start, end, message)
    if leaf.op is Op.INCLUDES and "%" in value:
        hint = f"like '{value}'"
        message = f"`%` stands for itself after `includes`, did you mean {quoted(hint)}?"
        yield Problem("includes_wildcard", start, end, message, hint)
    if leaf.op in (Op.INCLUDES, Op.LIKE) and not value.strip("%"):
        message = "every text fits this pattern: use `not is_missing(…)`"
        yield Problem("matches_everything", start, end, message)
    if leaf.op in (Op.EQ, Op.NE) and re.fullmatch(r"%.+|.+%", value):
        hint = f"like '{value}'"
        message = (
            f"`%` stands for itself after {quoted(leaf.op.value)}, did you mean {quoted(hint)}?"
        )
        yield Problem("equals_wildcard", start, end, message, hint)


def _ordering(leaf: Compare, text: str) -> Iterator[Problem]:
    """Metadata is ordered as a number, so a text on the other side makes the comparison unknown."""
    if leaf.op not in ORDERINGS or not isinstance(leaf.right, Text):
        return
    if isinstance(leaf.left, Metadata) and read_number(leaf.right.value) is None:
        written = text[leaf.right.span.start : leaf.right.span.end]
        message = (
            f"{quoted(leaf.op.value)} reads metadata as a number, {quoted(written)} is none: "
            "this is never true"
        )
        yield Problem("ordering_on_text", leaf.span.start, leaf.span.end, message)


def _repeated_items(leaf: InItems) -> Iterator[Problem]:
    kind = leaf.operand.type if isinstance(leaf.operand, Attribute) else Type.METADATA
    seen: set[str | float] = set()
    for item in leaf.items:
        value = fold(kind, item.value) if isinstance(item, Text) else item.value
        if value in seen:
            message = "this item stands in the list already"
            yield Problem("repeated_item", item.span.start, item.span.end, message)
        seen.add(value)


def _literals(left: Operand, sides: list[Operand], catalogue: Catalogue) -> Iterator[Problem]:
    for side in sides:
        if not isinstance(side, Text):
            continue
        start, end, value = side.span.start, side.span.end, side.value
        name = value.strip(":")
        if value.startswith(":") and value.endswith(":") and name in catalogue:
            hint = f":{name}:"
            message = f"this is a text that looks like an attribute, did you mean {quoted(hint)}?"
            yield Problem("quoted_attribute", start, end, message, hint, hint)
        elif value != value.strip():
            message = "this text begins or ends with a space, which is compared like any character"
            hint = f"'{value.strip()}'"
            yield Problem("outer_space", start, end, message, hint, hint)
        elif isinstance(left, Attribute) and left.type is Type.STATE and re.match(r"\w\w-", value):
            hint = f"'{value[3:]}'"
            message = f"a state is written without its country, did you mean {quoted(hint)}?"
            yield Problem("state_with_country", start, end, message, hint, hint)
