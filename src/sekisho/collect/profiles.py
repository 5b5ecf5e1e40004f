"""Entity profiles pushed by the operator: what is known about a company, a customer, a device."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final

from sekisho.events import IDENTITY_KEYS, Record
from sekisho.language import AttributeSpec, Type, fold

MAX_VERSIONS: Final = 64
"""Versions kept per entity; the oldest goes first. Replays further back see the oldest kept."""

Scalar = str | float | int | bool


class ProfileRefused(ValueError):
    """A profile that cannot be taken; the message says what to change."""


@dataclass(frozen=True, slots=True)
class ProfileSchema:
    """What is known of one kind of entity, such as `company`: each attribute's name and type."""

    entity: str
    attributes: Mapping[str, Type]
    meanings: Mapping[str, str]

    def specs(self) -> Iterable[AttributeSpec]:
        """The catalogue rows, named `company.industry` and so on."""
        flags = frozenset({"extension"})
        for name, kind in self.attributes.items():
            meaning = self.meanings.get(name, f"{name.replace('_', ' ')} of the {self.entity}")
            yield AttributeSpec(f"{self.entity}.{name}", kind, meaning, "profile", flags)


class Profiles:
    """Profiles of entities in memory, each version with the time from which it holds.

    >>> company = ProfileSchema("company", {"industry": Type.STRING_CI}, {})
    >>> profiles = Profiles([company])
    >>> profiles.put("company", "co_1", {"industry": "Gambling"}, at_us=100)
    >>> profiles.attributes_for({"company": "co_1"}, as_of_us=100)
    {'company.industry': 'gambling'}
    >>> profiles.attributes_for({"company": "co_1"}, as_of_us=99)
    {}
    """

    def __init__(self, schemas: Iterable[ProfileSchema]) -> None:
        self._schemas = {schema.entity: schema for schema in schemas}
        for entity in self._schemas:
            if entity not in IDENTITY_KEYS:
                message = f"`{entity}` is no entity; one of {', '.join(sorted(IDENTITY_KEYS))}"
                raise ProfileRefused(message)
        self._times: dict[tuple[str, str], list[int]] = {}
        self._versions: dict[tuple[str, str], list[Record]] = {}

    def specs(self) -> list[AttributeSpec]:
        """The attributes profiles add to the catalogue."""
        return [spec for schema in self._schemas.values() for spec in schema.specs()]

    def keys(self) -> frozenset[str]:
        """The attributes of an event that profiles are found by."""
        return frozenset(IDENTITY_KEYS[entity] for entity in self._schemas)

    def put(self, entity: str, key: str, attributes: Mapping[str, Scalar], at_us: int) -> None:
        """Take a whole profile that holds from a moment on; the same moment again replaces it.

        Raises:
            ProfileRefused: an unknown entity or attribute, or a value of the wrong type.
        """
        schema = self._schemas.get(entity)
        if schema is None:
            message = f"no profiles of `{entity}` are declared"
            raise ProfileRefused(message)
        record = {
            f"{entity}.{name}": _checked(schema, name, value) for name, value in attributes.items()
        }
        times = self._times.setdefault((entity, key), [])
        versions = self._versions.setdefault((entity, key), [])
        spot = bisect_right(times, at_us)
        if spot and times[spot - 1] == at_us:
            versions[spot - 1] = record
            return
        times.insert(spot, at_us)
        versions.insert(spot, record)
        if len(times) > MAX_VERSIONS:
            del times[0], versions[0]

    def attributes_for(self, record: Record, as_of_us: int) -> Record:
        """What was known, as of a moment, about the entities an event belongs to."""
        known: Record = {}
        for entity in self._schemas:
            key = record.get(IDENTITY_KEYS[entity])
            times = self._times.get((entity, key)) if isinstance(key, str) else None
            if times and (spot := bisect_right(times, as_of_us)):
                known |= self._versions[entity, str(key)][spot - 1]
        return known


def _checked(schema: ProfileSchema, name: str, value: Scalar) -> Scalar:
    kind = schema.attributes.get(name)
    if kind is None:
        message = f"`{schema.entity}` has no attribute `{name}`"
        raise ProfileRefused(message)
    if kind is Type.BOOLEAN:
        fits = isinstance(value, bool)
    elif kind in {Type.NUMERIC, Type.BOUNDED}:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    else:
        fits = isinstance(value, str)
    if not fits:
        message = f"`{schema.entity}.{name}` takes {kind.value}, not `{type(value).__name__}`"
        raise ProfileRefused(message)
    return fold(kind, value) if isinstance(value, str) else value
