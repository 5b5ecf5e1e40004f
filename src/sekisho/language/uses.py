"""Which attributes, metadata keys and lists a condition reads."""

from collections.abc import Iterator

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
    Operand,
    Or,
)


def fields_of(condition: Condition) -> frozenset[str]:
    """Names of the record's fields that a condition reads, metadata as `::key::`."""
    return frozenset(
        operand.name if isinstance(operand, Attribute) else operand.field
        for leaf in _leaves(condition)
        for operand in _fields(leaf)
    )


def lists_of(condition: Condition) -> frozenset[str]:
    """Aliases of the lists that a condition looks into."""
    return frozenset(leaf.alias for leaf in _leaves(condition) if isinstance(leaf, InList))


Leaf = Compare | InItems | InList | IsMissing | Flag


def _leaves(condition: Condition) -> Iterator[Leaf]:
    pending: list[Condition] = [condition]
    while pending:
        node = pending.pop()
        match node:
            case And() | Or():
                pending.extend(node.parts)
            case Not():
                pending.append(node.operand)
            case _:
                yield node


def _fields(leaf: Leaf) -> Iterator[Attribute | Metadata]:
    match leaf:
        case Compare():
            pending: list[Operand] = [leaf.left, leaf.right]
            while pending:
                operand = pending.pop()
                if isinstance(operand, Arithmetic):
                    pending += [operand.left, operand.right]
                elif isinstance(operand, Attribute | Metadata):
                    yield operand
        case InItems() | InList() | IsMissing():
            yield leaf.operand
        case Flag():
            yield leaf.attribute
