"""The desk for lists: makes, renames, fills and removes them, first on disk, then in memory."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

import apsw

from sekisho.kit.clock import Clock
from sekisho.kit.ids import Ids
from sekisho.rules import sqlite as tables
from sekisho.rules.lists import (
    DEFAULT_LISTS,
    ITEM_TYPES,
    MAX_ITEMS,
    NEVER,
    ItemRefused,
    ListBook,
    last_moment,
    normalise_item,
)
from sekisho.rules.sqlite import ItemRow, ListRow

Result = TypeVar("Result")

SPELLINGS_MAX: Final = 3
"""Forms in which one item may stand in memory; each makes a version when it runs out."""
ALIAS: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
LAST_EXPIRY_US: Final = 253_402_300_799_999_999
"""The last moment that can be written as a date."""
MAX_NAME: Final = 100
MAX_METADATA: Final = (50, 40, 500)
"""Keys, characters in a key, characters in a value: as at the vendor."""


@dataclass(frozen=True, slots=True)
class Change(Generic[Result]):
    """Something to write, and what follows in memory once it is on disk."""

    write: Callable[[apsw.Connection], Result]
    apply: Callable[[Result], None]
    takes_away: bool = False
    """A list goes, or its alias does: nobody may come to rely on it between the two."""


class ListRefused(Exception):
    """A list cannot be changed that way; `code` and `param` follow the vendor's errors."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


@dataclass(frozen=True, slots=True)
class Filling:
    """A list on its way to new content."""

    row: ListRow
    edition: int


class ListDesk:
    """Every change of lists passes here.

    Args:
        book: the lists in memory that rules read.
        ids: makes `rsl_` and `rsli_` ids.
        clock: for creation times.
        used_by: alias → ids of the live and drafted rules that look into the list.
    """

    def __init__(
        self, book: ListBook, ids: Ids, clock: Clock, used_by: Callable[[str], Iterable[str]]
    ) -> None:
        self._book = book
        self._ids = ids
        self._clock = clock
        self._used_by = used_by

    def load(self, connection: apsw.Connection) -> None:
        """Read every list into memory."""
        page = tables.Page(limit=1_000_000)
        for row in tables.list_lists(connection, page)[0]:
            self._book.replace(row.alias, row.item_type, tables.values_of(connection, row.id))
        self._book.restore_version(tables.load_list_version(connection))

    def drop_expired(self, connection: apsw.Connection) -> None:
        """Forget items that ran out, under a version that no other content had.

        An item that runs out makes a new version in memory alone, so the number on disk may lag by
        as many as have run out.
        """
        gone = tables.delete_expired(connection, self._clock.now_us())
        if gone:
            changes = max(tables.load_list_version(connection), self._book.changes)
            tables.save_list_version(connection, changes + gone * SPELLINGS_MAX)

    def make_defaults(self, connection: apsw.Connection) -> None:
        """Give the default lists their rows, once."""
        for alias, (item_type, name) in reversed(DEFAULT_LISTS.items()):
            if tables.find_list(connection, alias) is None:
                tables.insert_list(connection, self._row(alias, name, item_type, {}, "sekisho"))

    def create(
        self, alias: str, name: str, item_type: str, metadata: Mapping[str, str], author: str
    ) -> Change[ListRow]:
        """A new, empty list."""
        row = self._row(alias, name, item_type, metadata, author)
        check_alias(alias)
        check_name(name)
        check_metadata(metadata)
        if item_type not in ITEM_TYPES:
            raise ListRefused(
                400,
                "parameter_invalid_enum",
                f"no such item type: `{item_type}`; it must be one of {', '.join(ITEM_TYPES)}",
                "item_type",
            )

        def write(connection: apsw.Connection) -> ListRow:
            if tables.find_list(connection, alias) is not None:
                raise already_exists("list", alias, "alias")
            tables.insert_list(connection, row)
            self._note_version(connection)
            return row

        return Change(write, lambda made: self._book.replace(made.alias, made.item_type, ()))

    def update(
        self,
        name_or_id: str,
        *,
        alias: str | None = None,
        name: str | None = None,
        metadata: Mapping[str, str | None] | None = None,
    ) -> Change[ListRow]:
        """Rename a list, its alias only while unused; an empty metadata value removes a key."""

        def write(connection: apsw.Connection) -> ListRow:
            row = found_list(connection, name_or_id)
            fresh = row
            if alias is not None and alias != row.alias:
                self._may_go(row, "renamed")
                check_alias(alias)
                if tables.find_list(connection, alias) is not None:
                    raise already_exists("list", alias, "alias")
                fresh = replace(fresh, alias=alias)
            if name is not None:
                check_name(name)
                fresh = replace(fresh, name=name)
            if metadata is not None:
                merged = {**row.metadata, **metadata}
                kept = {key: value for key, value in merged.items() if value}
                check_metadata(kept)
                fresh = replace(fresh, metadata=kept)
            tables.update_list(connection, fresh)
            if fresh.alias != row.alias:
                self._note_version(connection)
                renames.append(row.alias)
            return fresh

        renames: list[str] = []

        def apply(row: ListRow) -> None:
            for old in renames:
                items = list(self._book.values[old].items())
                self._book.drop(old)
                self._book.replace(row.alias, row.item_type, items)

        return Change(write, apply, takes_away=True)

    def delete(self, name_or_id: str) -> Change[ListRow]:
        """Remove a list and its items, unless a rule uses it."""

        def write(connection: apsw.Connection) -> ListRow:
            row = found_list(connection, name_or_id)
            self._may_go(row, "deleted")
            tables.delete_list(connection, row.id)
            self._note_version(connection)
            return row

        return Change(write, lambda row: self._book.drop(row.alias), takes_away=True)

    def add(
        self, name_or_id: str, value: str, author: str, expires_us: int = NEVER
    ) -> Change[ItemRow]:
        """Put one value into a list."""

        def write(connection: apsw.Connection) -> ItemRow:
            row = found_list(connection, name_or_id)
            item = self._item(row, value, author, expires_us)
            now_us = self._clock.now_us()
            twin = tables.find_item_by_value(connection, row.id, item.compared)
            if twin is not None and twin.expires_us and twin.expires_us <= now_us:
                tables.delete_item(connection, twin.id)
            elif twin is not None:
                raise already_exists("item", value, "value")
            if len(self._book.values[row.alias]) >= MAX_ITEMS:
                raise ListRefused(400, "list_full", f"a list holds at most {MAX_ITEMS} items")
            tables.insert_items(connection, [item], tables.edition_of(connection, row.id))
            self._note_version(connection)
            aliases.append(row.alias)
            return item

        aliases: list[str] = []
        return Change(write, lambda item: self._book.add(aliases[-1], item.value, item.expires_us))

    def remove(self, item_id: str) -> Change[ItemRow]:
        """Take one item out of its list."""

        def write(connection: apsw.Connection) -> ItemRow:
            item = tables.find_item(connection, item_id)
            if item is None:
                raise missing("value list item", item_id, "item")
            tables.delete_item(connection, item.id)
            self._note_version(connection)
            aliases.append(found_list(connection, item.list).alias)
            return item

        aliases: list[str] = []
        return Change(write, lambda item: self._book.remove(aliases[-1], item.value))

    def begin_fill(
        self, connection: apsw.Connection, name_or_id: str, *, replacing: bool
    ) -> Filling:
        """The list to be filled and the edition that new items go to.

        A replacement is written as an edition that is not in force, so nobody sees a part of it.
        """
        tables.delete_expired(connection, self._clock.now_us())
        row = found_list(connection, name_or_id)
        return Filling(row, tables.edition_of(connection, row.id) + replacing)

    def items_of(
        self, filling: Filling, values: Iterable[tuple[str, int]], author: str
    ) -> list[ItemRow]:
        """Checked items for values and their expiries.

        Raises:
            ListRefused: a value cannot stand in the list.
        """
        return [self._item(filling.row, value, author, until) for value, until in values]

    def insert(self, connection: apsw.Connection, filling: Filling, rows: Sequence[ItemRow]) -> int:
        """Write some of a list's new items; how many of them are new.

        Raises:
            ListRefused: the list was removed meanwhile.
        """
        found_list(connection, filling.row.id)
        return tables.insert_items(connection, rows, filling.edition)

    def end_fill(self, connection: apsw.Connection, filling: Filling) -> ListRow:
        """Put the filled edition in force; the list as it is called now.

        Raises:
            ListRefused: the list was removed meanwhile.
        """
        row = found_list(connection, filling.row.id)
        tables.put_edition_in_force(connection, filling.row.id, filling.edition)
        self._note_version(connection)
        return row

    def check_room(self, connection: apsw.Connection, filling: Filling) -> None:
        """Refuse an edition that is too long to be put in force.

        Raises:
            ListRefused: it holds too many items.
        """
        if tables.count_edition(connection, filling.row.id, filling.edition) > MAX_ITEMS:
            raise ListRefused(400, "list_full", f"a list holds at most {MAX_ITEMS} items")

    def _row(
        self, alias: str, name: str, item_type: str, metadata: Mapping[str, str], author: str
    ) -> ListRow:
        return ListRow(
            self._ids.new("rsl"), alias, name, item_type, metadata, self._clock.now_us(), author
        )

    def _item(self, row: ListRow, value: str, author: str, expires_us: int) -> ItemRow:
        try:
            compared = normalise_item(row.item_type, value)
        except ItemRefused as refused:
            raise ListRefused(400, "parameter_invalid", str(refused), "value") from refused
        now_us = self._clock.now_us()
        if expires_us and expires_us <= now_us:
            raise ListRefused(400, "parameter_invalid", "the expiry lies in the past", "expires_at")
        if expires_us > LAST_EXPIRY_US:
            raise ListRefused(
                400, "parameter_invalid", "the expiry lies beyond the year 9999", "expires_at"
            )
        until_us = last_moment(row.alias, expires_us, now_us)
        return ItemRow(
            self._ids.new("rsli"), row.id, value.strip(), compared, now_us, author, until_us
        )

    def _may_go(self, row: ListRow, verb: str) -> None:
        if row.alias in DEFAULT_LISTS:
            raise ListRefused(
                400, "list_is_default", f"the default list `{row.alias}` cannot be {verb}"
            )
        users = sorted(self._used_by(row.alias))
        if users:
            raise ListRefused(
                400,
                "list_in_use",
                f"the list `{row.alias}` is used by {', '.join(users)} and cannot be {verb};"
                " take it out of these rules first",
            )

    def _note_version(self, connection: apsw.Connection) -> None:
        changes = max(tables.load_list_version(connection), self._book.changes)
        tables.save_list_version(connection, changes + 1)


def found_list(connection: apsw.Connection, name_or_id: str) -> ListRow:
    """A list by id or alias.

    Raises:
        ListRefused: there is none.
    """
    row = tables.find_list(connection, name_or_id)
    if row is None:
        raise missing("value list", name_or_id, "value_list")
    return row


def missing(what: str, name: str, param: str) -> ListRefused:
    """There is no such thing."""
    return ListRefused(404, "resource_missing", f"no such {what}: '{name}'", param)


def already_exists(what: str, name: str, param: str) -> ListRefused:
    """There is one like it; clients look for these words."""
    return ListRefused(
        400, "resource_already_exists", f"a {what} with {param} '{name}' already exists", param
    )


def check_alias(alias: str) -> None:
    """An alias is what stands after `@` in a rule."""
    if not ALIAS.fullmatch(alias):
        raise ListRefused(
            400,
            "parameter_invalid",
            "an alias has 1 to 100 letters, digits, `_` or `-`, without the `@`",
            "alias",
        )


def check_name(name: str) -> None:
    """A name is for people."""
    if not 1 <= len(name) <= MAX_NAME:
        raise ListRefused(
            400, "parameter_invalid", f"a name has 1 to {MAX_NAME} characters", "name"
        )


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Text to text, within the vendor's bounds."""
    keys, key_size, value_size = MAX_METADATA
    if len(metadata) > keys:
        raise ListRefused(400, "parameter_invalid", f"metadata has at most {keys} keys", "metadata")
    for key, value in metadata.items():
        if len(key) > key_size or len(value) > value_size:
            raise ListRefused(
                400,
                "parameter_invalid",
                f"metadata keys have at most {key_size} characters, values {value_size}",
                f"metadata[{key}]",
            )
