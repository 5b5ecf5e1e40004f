"""What may be known: declared profiles such as `company`, parameters such as `company.limit`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, cast

from sekisho.events import IDENTITY_KEYS, Scalar, default_catalogue
from sekisho.language import AttributeSpec, Type, fold

PROFILE_GROUP: Final = "profile"
"""Group of attributes that profiles and parameters give."""
AGE: Final = "profile_age_hours"
"""The attribute that every kind of profile has."""
TYPES: Final = (Type.STRING_CI, Type.STRING_CS, Type.NUMERIC, Type.BOOLEAN, Type.COUNTRY)
MAX_ATTRIBUTES: Final = 64
"""Attributes in one kind of profile."""
MAX_TEXT: Final = 500
"""Characters in one value, and in the id of an entity."""
MAX_MEANING: Final = 300
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")


class ProfileRefused(ValueError):
    """A declaration or profile that cannot be taken; the message says what to change.

    Attributes:
        place: where it lies in what was given; empty when that is plain.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


class NotDeclared(ProfileRefused):
    """Nothing of that name is declared."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What is known of each entity of one kind: a table with a row for each.

    Attributes:
        name: `company` for profiles, `company.review_limit` for a parameter.
        entity: the kind of entity, a key of `IDENTITY_KEYS`.
        attributes: name without the entity → type; in the order of declaration.
        meanings: the same names → what is meant.
        is_parameter: one value for each entity, with a default for those without.
    """

    name: str
    entity: str
    attributes: Mapping[str, Type]
    meanings: Mapping[str, str]
    is_parameter: bool = False

    def specs(self) -> Iterable[AttributeSpec]:
        """The catalogue rows, named `company.industry` and so on."""
        flags = frozenset({"extension"})
        for name, kind in self.attributes.items():
            meaning = self.meanings.get(name) or f"{name.replace('_', ' ')} of the {self.entity}"
            yield AttributeSpec(f"{self.entity}.{name}", kind, meaning, PROFILE_GROUP, flags)
        if not self.is_parameter:
            age = f"hours since the profile of the {self.entity} came in"
            yield AttributeSpec(f"{self.entity}.{AGE}", Type.NUMERIC, age, PROFILE_GROUP, flags)

    def declaration(self) -> dict[str, Any]:
        """The declaration as it is kept and told; `table_spec` reads it."""
        attributes = {
            name: {"type": kind.value, "meaning": self.meanings.get(name, "")}
            for name, kind in self.attributes.items()
        }
        return {"attributes": attributes}

    def extended(self, wanted: "TableSpec") -> "TableSpec":
        """The declaration that another of the same name makes of this one.

        Raises:
            ProfileRefused: it lacks an attribute, or has another type for one.
        """
        for name, kind in self.attributes.items():
            if wanted.attributes.get(name) is not kind:
                raise ProfileRefused(
                    f"`{self.entity}.{name}` is {kind.value} and stays so:"
                    " declare another attribute beside it",
                    f"attributes.{name}",
                )
        types = {**self.attributes, **wanted.attributes}
        return TableSpec(self.name, self.entity, types, wanted.meanings, self.is_parameter)

    def folded_id(self, entity_id: str) -> str:
        """An entity's id as events name it.

        Raises:
            ProfileRefused: no event can name it so.
        """
        if not 0 < len(entity_id) <= MAX_TEXT or not entity_id.strip() or "\0" in entity_id:
            raise ProfileRefused(f"an id has 1 to {MAX_TEXT} characters", "id")
        kind = default_catalogue()[IDENTITY_KEYS[self.entity]].type
        return fold(kind, entity_id)

    def checked(self, attributes: Mapping[str, Any]) -> dict[str, Scalar]:
        """The values as rules compare them.

        Raises:
            ProfileRefused: an unknown attribute, or a value that does not fit.
        """
        if not attributes:
            raise ProfileRefused("a profile has at least one attribute; DELETE removes one")
        return {name: self._checked(name, value) for name, value in attributes.items()}

    def _checked(self, name: str, value: Any) -> Scalar:
        kind = self.attributes.get(name)
        if kind is None:
            known = ", ".join(self.attributes)
            raise ProfileRefused(f"`{self.entity}` has no attribute `{name}`; it has {known}", name)
        if kind is Type.BOOLEAN:
            fits = isinstance(value, bool)
        elif kind is Type.NUMERIC:
            fits = (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and abs(value) < 2**53  # beyond it, neighbouring whole numbers look the same
                and isfinite(value)
            )
        else:
            fits = isinstance(value, str) and len(value) <= MAX_TEXT and "\0" not in value
        if not fits:
            said = f"`{self.entity}.{name}` takes {_SAID[kind]}, not {_shown(value)}"
            raise ProfileRefused(said, name)
        if kind is Type.COUNTRY and not _is_country(str(value)):
            raise ProfileRefused(f"`{self.entity}.{name}` takes two letters, such as JP", name)
        return fold(kind, value) if isinstance(value, str) else value


_SAID: Final = {
    Type.BOOLEAN: "true or false",
    Type.NUMERIC: "a number below 2^53",
    Type.COUNTRY: "a country of two letters",
    Type.STRING_CI: f"text of at most {MAX_TEXT} characters",
    Type.STRING_CS: f"text of at most {MAX_TEXT} characters",
}


def table_spec(name: str, declaration: Mapping[str, Any]) -> TableSpec:
    """A table as declared: `{"attributes": {"industry": "string_ci", …}}`.

    Args:
        name: an entity, or an entity and a parameter such as `company.review_limit`.
        declaration: each attribute's type, or its `type` and `meaning`.

    Raises:
        ProfileRefused: it cannot be declared so.
    """
    entity, dot, parameter = name.partition(".")
    if entity not in IDENTITY_KEYS:
        message = f"`{entity}` is no entity; one of {', '.join(sorted(IDENTITY_KEYS))}"
        raise ProfileRefused(message, "entity")
    for more in declaration.keys() - {"attributes"}:
        raise ProfileRefused(f"`{more}` is no part of a declaration; `attributes` is", str(more))
    attributes = _mapping(declaration.get("attributes"))
    if not 0 < len(attributes) <= MAX_ATTRIBUTES:
        raise ProfileRefused(
            f"`attributes` names 1 to {MAX_ATTRIBUTES} attributes with their types", "attributes"
        )
    types: dict[str, Type] = {}
    meanings: dict[str, str] = {}
    for one, told in attributes.items():
        types[one], meanings[one] = _attribute(one, told)
    if dot and list(types) != [parameter]:
        raise ProfileRefused(f"a parameter `{name}` has the one attribute `{parameter}`", "name")
    return TableSpec(name, entity, types, meanings, bool(dot))


def _attribute(name: str, told: Any) -> tuple[Type, str]:
    place = f"attributes.{name}"
    if not _NAME.fullmatch(name) or name == AGE:
        raise ProfileRefused(
            f"`{name[:60]}` is no name: small letters, digits and _, at most 60; `{AGE}` is taken",
            place,
        )
    given = _mapping(told) or {"type": told}
    kind, meaning = given.get("type"), given.get("meaning", "")
    if kind not in [one.value for one in TYPES]:
        allowed = ", ".join(one.value for one in TYPES)
        raise ProfileRefused(f"the type of `{name}` is one of {allowed}", place)
    if not isinstance(meaning, str) or len(meaning) > MAX_MEANING or given.keys() - _PARTS:
        raise ProfileRefused(
            f"`{name}` has a `type` and a `meaning` of at most {MAX_MEANING} characters", place
        )
    return Type(kind), meaning


_PARTS: Final = {"type", "meaning"}


def _mapping(value: Any) -> Mapping[str, Any]:
    """What was given as an object; empty when it is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _shown(value: Any) -> str:
    return f"`{value}`" if isinstance(value, bool | int | float) else f"a {type(value).__name__}"


def _is_country(text: str) -> bool:
    return len(text) == 2 and text.isascii() and text.isalpha()  # noqa: PLR2004 — alpha-2
