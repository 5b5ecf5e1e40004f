"""Values from outside, before anything about them is known."""

from typing import Any, TypeGuard

Loose = Any
"""A value of JSON or TOML that nobody has checked yet."""


def is_object(value: Loose) -> TypeGuard[dict[str, Loose]]:
    """Whether it is an object (JSON) or a table (TOML); their keys are always text."""
    return isinstance(value, dict)


def is_array(value: Loose) -> TypeGuard[list[Loose]]:
    """Whether it is an array."""
    return isinstance(value, list)
