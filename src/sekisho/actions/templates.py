"""Parameters with holes: `:attribute:` in a text stands for a value of the decision."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

HOLE: Final = re.compile(r":([a-z][a-z0-9_]*):|(::[^:\s]+::)")
"""An attribute, or metadata, spelt as in the rule language."""


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its holes filled; a text that is one hole becomes the value itself.

    A value that is missing leaves null, or nothing within a longer text. Conditions of steps are
    left as they are: they read attributes themselves, when their time comes.

    >>> fill({"to": ":email:", "text": "pay :amount: now"}, {"email": "a@example.com", "amount": 5})
    {'to': 'a@example.com', 'text': 'pay 5 now'}
    >>> fill(":amount:", {"amount": 5}), fill(":amount:", {})
    (5, None)
    """
    if isinstance(template, str):
        return _filled(template, values)
    if isinstance(template, dict):
        fields = cast("dict[str, Any]", template)
        return {
            name: one if _is_condition(fields, name) else fill(one, values)
            for name, one in fields.items()
        }
    if isinstance(template, list | tuple):
        return [fill(one, values) for one in template]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] — JSON
    return template


def holes(template: Any) -> frozenset[str]:
    """Attributes that a template names, apart from its conditions.

    >>> sorted(holes({"a": ":email:", "b": ["x :amount: y", 3]}))
    ['amount', 'email']
    """
    texts = _texts(template, conditions=False)
    return frozenset(_name(found) for text in texts for found in HOLE.finditer(text))


def conditions(template: Any) -> list[str]:
    """The conditions of the steps in a template.

    >>> conditions({"steps": [{"kind": "list.add", "when": ":amount: > 5"}]})
    [':amount: > 5']
    """
    return [text for text in _texts(template, conditions=True) if text]


def _texts(template: Any, *, conditions: bool) -> Iterator[str]:
    """Every condition of a template, or every other text."""
    if isinstance(template, str) and not conditions:
        yield template
    elif isinstance(template, dict):
        fields = cast("dict[str, Any]", template)
        for name, one in fields.items():
            if not _is_condition(fields, name):
                yield from _texts(one, conditions=conditions)
            elif conditions and isinstance(one, str):
                yield one
    elif isinstance(template, list | tuple):
        for one in template:  # pyright: ignore[reportUnknownVariableType] — JSON
            yield from _texts(one, conditions=conditions)


def _is_condition(template: Mapping[str, Any], name: str) -> bool:
    """Whether a field is the condition of a step."""
    return name == "when" and "kind" in template


def _filled(text: str, values: Mapping[str, Any]) -> Any:
    whole = HOLE.fullmatch(text)
    if whole is not None:
        return values.get(_name(whole))
    return HOLE.sub(lambda found: _text(values.get(_name(found))), text)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _name(found: re.Match[str]) -> str:
    return found[1] or found[2]
