"""Warnings about a rule that reads what its class of rules does not know."""

from collections.abc import Iterator
from typing import Final

from sekisho.language.catalogue import Catalogue
from sekisho.language.diagnostics import Problem, quoted
from sekisho.language.tree import (
    Action,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    InList,
    IsMissing,
    Operand,
    Rule,
    Text,
)

_CLASSES: Final = {
    "dispute": ("a reported dispute", frozenset({Action.RESOLVE_DISPUTE})),
    "account_rules": ("a connected account", frozenset({Action.REVIEW, Action.PAYOUT_PAUSE})),
}
"""Group of attributes → what they are known of, and the actions of rules about that."""
_TRANSACTION_TYPE: Final = "transaction_type"
_ONLY_3DS: Final = "payment_intent"


def lint_class(rule: Rule, leaf: Condition, catalogue: Catalogue) -> Iterator[Problem]:
    """Warnings about one comparison or test of a rule (contract, sections 1 and 10)."""
    for operand in _operands(leaf):
        if isinstance(operand, Attribute) and operand.name in catalogue:
            yield from _foreign(rule, operand, catalogue[operand.name].group)
    if rule.action is not Action.REQUEST_3DS:
        yield from _only_3ds(leaf)


def _foreign(rule: Rule, attribute: Attribute, group: str) -> Iterator[Problem]:
    what, actions = _CLASSES.get(group, ("", frozenset(Action)))
    if rule.action not in actions:
        message = (
            f"{quoted(f':{attribute.name}:')} is known of {what}, "
            f"in a rule that begins with {quoted(rule.action.value)} it is missing"
        )
        yield Problem("other_class", attribute.span.start, attribute.span.end, message)


def _only_3ds(leaf: Condition) -> Iterator[Problem]:
    """Radar judges other rules on the charge that a payment intent makes."""
    operands = _operands(leaf)
    names = [one.name for one in operands if isinstance(one, Attribute)]
    for one in operands if _TRANSACTION_TYPE in names else ():
        if isinstance(one, Text) and one.value.casefold() == _ONLY_3DS:
            message = (
                f"in Radar only Request 3DS rules see {quoted(_ONLY_3DS)}, "
                "others see the `charge` that it makes"
            )
            yield Problem("other_class", one.span.start, one.span.end, message)


def _operands(leaf: Condition) -> list[Operand]:
    match leaf:
        case Compare():
            return [leaf.left, leaf.right]
        case InItems():
            return [leaf.operand, *leaf.items]
        case InList() | IsMissing():
            return [leaf.operand]
        case Flag():
            return [leaf.attribute]
        case _:
            return []
