"""Profiles and parameters in memory: the newest version of each, looked up for every event."""

from collections.abc import Container, Iterator, Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from sekisho.collect.tables import AGE, NotDeclared, ProfileRefused, TableSpec
from sekisho.events import IDENTITY_KEYS, Record, Scalar
from sekisho.language import AttributeSpec

HOUR_US: Final = 3_600_000_000
DEFAULT: Final = ""
"""Id of the entity that stands for all without a value of their own; of parameters only."""
INTERNED: Final = 65_536
"""Different values of one attribute that share their memory; those beyond have their own."""
PART_ROWS: Final = 50_000

Profile = tuple[str, Mapping[str, Scalar] | None]
"""An entity's id and all that is known of it; None when it is gone."""
Version = tuple[Any, ...]
"""When it was known (microseconds), the row of the log, then values in the order of attributes.

Values missing at the end are left out. A version of two parts says that the profile is gone.
"""
_HEAD: Final = 2


class _Reader(NamedTuple):
    """How one table is read for an event."""

    key: str
    newest: Mapping[str, Version]
    places: tuple[tuple[int, str], ...]
    age: str
    is_parameter: bool


class Table:
    """The newest version of each entity's profile; some 150 bytes and its values each."""

    def __init__(self, known: TableSpec) -> None:
        self.known = known
        self.newest: dict[str, Version] = {}
        self.present = 0
        """How many entities something is known of."""
        self._interned: list[dict[Scalar, Scalar]] = [{} for _ in known.attributes]

    def extend(self, known: TableSpec) -> None:
        """Take over a declaration that has more attributes, after those there are."""
        self._interned += [{} for _ in range(len(known.attributes) - len(self.known.attributes))]
        self.known = known

    def set(self, entity_id: str, version: Version | None) -> None:
        """Make a version the newest; None makes it as if there had never been one."""
        before = self.newest.get(entity_id)
        self.present -= before is not None and len(before) > _HEAD
        self.present += version is not None and len(version) > _HEAD
        if version is None:
            self.newest.pop(entity_id, None)
        else:
            self.newest[entity_id] = version

    def version(self, attributes: Mapping[str, Any] | None, known_us: int, seq: int) -> Version:
        """A version of checked values; None for one that says that the profile is gone."""
        if attributes is None:
            return (known_us, seq)
        values = [attributes.get(name) for name in self.known.attributes]
        return self._compact([known_us, seq, *values])

    def attributes(self, version: Version | None) -> dict[str, Scalar] | None:
        """The values of a version by name; None when there is none, or the profile is gone."""
        if version is None or len(version) == _HEAD:
            return None
        named = zip(self.known.attributes, version[_HEAD:], strict=False)
        return {name: value for name, value in named if value is not None}

    def parts(self, newest: Mapping[str, Version]) -> Iterator[bytes]:
        """Versions as they are kept, some at a time."""
        rows: list[tuple[Any, ...]] = []
        for entity_id, version in newest.items():
            rows.append((entity_id, *version))
            if len(rows) == PART_ROWS:
                yield msgspec.msgpack.encode(rows)
                rows = []
        if rows:
            yield msgspec.msgpack.encode(rows)

    def fill(self, part: bytes) -> None:
        """Take versions back from how they are kept."""
        moments: dict[int, int] = {}
        for entity_id, known_us, seq, *values in msgspec.msgpack.decode(part):
            head = [moments.setdefault(known_us, known_us), moments.setdefault(seq, seq)]
            self.set(entity_id, self._compact([*head, *values]))

    def _compact(self, parts: list[Any]) -> Version:
        while len(parts) > _HEAD and parts[-1] is None:
            parts.pop()
        for place, value in enumerate(parts[_HEAD:], start=_HEAD):
            known = self._interned[place - _HEAD]
            if value is not None and type(value) is not bool:
                if len(known) < INTERNED:
                    parts[place] = known.setdefault(value, value)
                else:
                    parts[place] = known.get(value, value)
        return tuple(parts)


class Profiles:
    """All that is known about entities beyond their events.

    >>> from sekisho.collect.tables import table_spec
    >>> profiles = Profiles()
    >>> profiles.declare(table_spec("company", {"attributes": {"industry": "string_ci"}}))
    >>> profiles.put("company", "co_1", {"industry": "gambling"}, known_us=0, seq=1)
    >>> profiles.attributes_for({"company": "co_1"}, now_us=7_200_000_000)
    {'company.industry': 'gambling', 'company.profile_age_hours': 2.0}
    """

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self._focus: Container[str] | None = None
        self._readers: tuple[_Reader, ...] = ()

    # ── declaring ───────────────────────────────────────────────────────────────────────────────

    def declare(self, known: TableSpec) -> None:
        """Add a table, or attributes to one.

        Raises:
            ProfileRefused: an attribute is declared otherwise, or its name is taken.
        """
        whole = self.with_table(known)
        table = self.tables.get(known.name)
        if table is None:
            self.tables[known.name] = Table(whole)
        else:
            table.extend(whole)
        self._make_readers()

    def with_table(self, known: TableSpec) -> TableSpec:
        """A declaration as it would be kept: attributes that are there keep their order.

        Raises:
            ProfileRefused: an attribute is declared otherwise, or its name is taken.
        """
        table = self.tables.get(known.name)
        taken = {spec.name: one.known.name for one in self.tables.values()
                 if one is not table for spec in one.known.specs()}  # fmt: skip
        for spec in known.specs():
            if spec.name in taken:
                raise ProfileRefused(f"`{spec.name}` is declared by `{taken[spec.name]}` already")
        return known if table is None else table.known.extended(known)

    def declarations(self) -> dict[str, dict[str, Any]]:
        """Every declaration by name."""
        return {name: table.known.declaration() for name, table in self.tables.items()}

    def specs(self) -> list[AttributeSpec]:
        """The attributes that profiles and parameters add to the catalogue."""
        return [spec for table in self.tables.values() for spec in table.known.specs()]

    def keys(self) -> frozenset[str]:
        """The attributes of an event that profiles are found by."""
        return frozenset(reader.key for reader in self._readers)

    def focus(self, fields: Container[str]) -> None:
        """Look up only these attributes from now on: what no rule reads costs nothing."""
        self._focus = fields
        self._make_readers()

    # ── what is known ───────────────────────────────────────────────────────────────────────────

    def table(self, name: str) -> Table:
        """A table by name.

        Raises:
            NotDeclared: it is not there.
        """
        table = self.tables.get(name)
        if table is None:
            known = ", ".join(self.tables) or "none yet"
            raise NotDeclared(f"`{name}` is not declared; declared are: {known}", "entity")
        return table

    def put(
        self, name: str, entity_id: str, attributes: Mapping[str, Scalar] | None,
        *, known_us: int, seq: int,
    ) -> None:  # fmt: skip
        """Take a version as the newest; values are checked and ids folded before."""
        table = self.tables[name]
        table.set(entity_id, table.version(attributes, known_us, seq))

    def attributes_for(self, record: Record, now_us: int) -> Record:
        """What is known now about the entities an event belongs to."""
        found: Record = {}
        for key, newest, places, age, is_parameter in self._readers:
            version = newest.get(cast("str", record.get(key)))
            if is_parameter and (version is None or len(version) == _HEAD):
                version = newest.get(DEFAULT)
            if version is None:
                continue
            size = len(version)
            for place, name in places:
                if place < size and (value := version[place]) is not None:
                    found[name] = value
            if age and size > _HEAD:
                found[age] = (now_us - version[0]) / HOUR_US
        return found

    def _make_readers(self) -> None:
        readers = (_reader(table, self._focus) for table in self.tables.values())
        self._readers = tuple(one for one in readers if one.places or one.age)


def _reader(table: Table, focus: Container[str] | None) -> _Reader:
    known = table.known
    names = [f"{known.entity}.{name}" for name in known.attributes]
    places = tuple(
        (place, name)
        for place, name in enumerate(names, start=_HEAD)
        if focus is None or name in focus
    )
    age = f"{known.entity}.{AGE}"
    has_age = not known.is_parameter and (focus is None or age in focus)
    key = IDENTITY_KEYS[known.entity]
    return _Reader(key, table.newest, places, age if has_age else "", known.is_parameter)
