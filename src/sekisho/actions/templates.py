"""Parameters with holes: `:attribute:` in a text stands for a value of the decision."""

import re
from collections.abc import Mapping
from typing import Any, Final

HOLE: Final = re.compile(r":([a-z][a-z0-9_]*):|(::[^:\s]+::)")
"""An attribute, or metadata, spelt as in the rule language."""


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its holes filled; a text that is one hole becomes the value itself.

    A value that is missing leaves null, or nothing within a longer text.

    >>> fill({"to": ":email:", "text": "pay :amount: now"}, {"email": "a@example.com", "amount": 5})
    {'to': 'a@example.com', 'text': 'pay 5 now'}
    >>> fill(":amount:", {"amount": 5}), fill(":amount:", {})
    (5, None)
    """
    if isinstance(template, str):
        return _filled(template, values)
    if isinstance(template, dict):
        return {name: fill(one, values) for name, one in template.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] — JSON
    if isinstance(template, list | tuple):
        return [fill(one, values) for one in template]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] — JSON
    return template


def holes(template: Any) -> frozenset[str]:
    """Attributes that a template names.

    >>> sorted(holes({"a": ":email:", "b": ["x :amount: y", 3]}))
    ['amount', 'email']
    """
    if isinstance(template, str):
        return frozenset(_name(found) for found in HOLE.finditer(template))
    if isinstance(template, dict):
        return frozenset[str]().union(*map(holes, template.values()))  # pyright: ignore[reportUnknownArgumentType] — JSON
    if isinstance(template, list | tuple):
        return frozenset[str]().union(*map(holes, template))  # pyright: ignore[reportUnknownArgumentType] — JSON
    return frozenset()


def _filled(text: str, values: Mapping[str, Any]) -> Any:
    whole = HOLE.fullmatch(text)
    if whole is not None:
        return values.get(_name(whole))
    return HOLE.sub(lambda found: _text(values.get(_name(found))), text)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _name(found: re.Match[str]) -> str:
    return found[1] or found[2]
