"""Files that are recognised by their columns, and the maps that come with Sekisho."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from sekisho.events import EventMap, MapError, load_map, parse_map

MAP_SUFFIX: Final = ".map.toml"
METADATA: Final = " (metadata)"
"""How exports mark a column that holds an entry of the operator's own metadata."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is understood.

    Attributes:
        name: what kind of file it is, or where its map came from.
        map: which column fills which field.
        leave_out: rows that are no events, by column and text.
        text: the map as written, for the import's digest.
    """

    name: str
    map: EventMap
    leave_out: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])
    text: str = ""


def given_shape(path: Path) -> Shape:
    """What an operator's map says.

    Raises:
        MapError: it cannot be understood.
        OSError: it cannot be read.
    """
    return Shape(path.name, load_map(path), text=path.read_text(encoding="utf-8"))


def shape_of(path: Path, columns: Collection[str]) -> Shape | None:
    """The map beside a file, `NAME.map.toml`, or the built-in one that its columns fit."""
    beside = path.with_name(path.stem + MAP_SUFFIX)
    if beside.exists():
        return given_shape(beside)
    fitting = [one for one in known_shapes() if one.fits(path.stem, columns)]
    return fitting[0].shape(columns) if fitting else None


@dataclass(frozen=True, slots=True)
class KnownShape:
    """A built-in map: the columns that tell it, and fields for those it has.

    Attributes:
        name: what it is called.
        columns: all of these must be there.
        tells: one of these too, or the file's name must contain the last part of `name`.
        leave_out: rows that are no events.
        table: the map.
    """

    name: str
    columns: frozenset[str]
    tells: frozenset[str]
    leave_out: Mapping[str, Collection[str]]
    table: Mapping[str, Any]
    text: str

    def fits(self, stem: str, columns: Collection[str]) -> bool:
        """Whether a file is of this shape."""
        here = set(columns)
        named = self.name.rpartition(" ")[2] in stem
        return self.columns <= here and (named or bool(self.tells & here))

    def shape(self, columns: Collection[str]) -> Shape:
        """The map for the columns that a file has."""
        table = _only(self.table, columns)
        own = {name.removesuffix(METADATA): name for name in columns if name.endswith(METADATA)}
        if own:
            table["metadata"] = {**table.get("metadata", {}), **own}
        left = {name: texts for name, texts in self.leave_out.items() if name in columns}
        return Shape(self.name, parse_map(table), left, self.text)


@cache
def known_shapes() -> tuple[KnownShape, ...]:
    """Every built-in map, in the order of their file names."""
    folder = files("sekisho.history").joinpath("maps")
    found = sorted(one.name for one in folder.iterdir() if one.name.endswith(".toml"))
    return tuple(_known(folder.joinpath(name).read_text(encoding="utf-8")) for name in found)


def _known(text: str) -> KnownShape:
    table = tomllib.loads(text)
    told = table.pop("recognised")
    return KnownShape(
        told["name"],
        frozenset(told["columns"]),
        frozenset(told["tells"]),
        told.get("leave_out", {}),
        table,
        text,
    )


def _only(table: Mapping[str, Any], columns: Collection[str]) -> dict[str, Any]:
    """The entries whose columns are there."""
    kept: dict[str, Any] = {}
    for name, entry in table.items():
        match entry:
            case str() if name == "type" or entry in columns:
                kept[name] = entry
            case {"column": column} if column in columns:
                kept[name] = entry
            case {"value": _}:
                kept[name] = entry
            case dict() if "column" not in entry:
                inner = _only(entry, columns)  # pyright: ignore[reportUnknownArgumentType] — of TOML
                if inner:
                    kept[name] = inner
            case _:
                pass
    return kept


def unmapped(path: Path, columns: Collection[str]) -> MapError:
    """What to say about a file that nobody has explained."""
    some = ", ".join(list(columns)[:12])
    return MapError(
        f"{path.name} is not a kind of file that is known by its columns ({some}, …):"
        f" write a map and give it with --map, or save it beside the file as"
        f" {path.stem}{MAP_SUFFIX}; --dry-run proposes one"
    )
