"""Rule sets and lists in the embedded store."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import apsw
import msgspec

from sekisho.durable import Migration
from sekisho.rules.failure import FailurePolicy
from sekisho.rules.model import StoredRule
from sekisho.rules.rollout import HoldoutPlan, Mode, Rollout
from sekisho.rules.ruleset import DraftRule

COMPONENT: Final = "rules"
MIGRATIONS: Final = (
    Migration(
        1,
        "rule sets, draft, lists and their items",
        """
CREATE TABLE ruleset(
  number INTEGER PRIMARY KEY, version TEXT NOT NULL, published_us INTEGER NOT NULL,
  author TEXT NOT NULL, note TEXT NOT NULL, rules TEXT NOT NULL
) STRICT;
CREATE TABLE ruleset_draft(
  one INTEGER PRIMARY KEY CHECK (one = 1), saved_us INTEGER NOT NULL, author TEXT NOT NULL,
  rules TEXT NOT NULL
) STRICT;
CREATE TABLE value_list(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, alias TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, item_type TEXT NOT NULL, metadata TEXT NOT NULL, created_us INTEGER NOT NULL,
  created_by TEXT NOT NULL, edition INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE value_list_item(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  list TEXT NOT NULL REFERENCES value_list(id) ON DELETE CASCADE,
  value TEXT NOT NULL, compared TEXT NOT NULL, created_us INTEGER NOT NULL,
  created_by TEXT NOT NULL, expires_us INTEGER NOT NULL, edition INTEGER NOT NULL,
  UNIQUE (list, edition, compared)
) STRICT;
CREATE INDEX value_list_item_compared ON value_list_item(compared);
CREATE INDEX value_list_item_order ON value_list_item(list, number);
CREATE TABLE list_version(one INTEGER PRIMARY KEY CHECK (one = 1), changes INTEGER NOT NULL) STRICT;
INSERT INTO list_version VALUES (1, 0);
""",
    ),
    Migration(
        2,
        "fingerprints on the default allow list live 30 days",
        """
UPDATE value_list_item SET expires_us = created_us + 2592000000000
WHERE list = (SELECT id FROM value_list WHERE alias = 'card_fingerprint_allowlist')
  AND (expires_us = 0 OR expires_us > created_us + 2592000000000);
""",
    ),
    Migration(
        3,
        "a share of blocks that pass, kept with its rule set",
        """
ALTER TABLE ruleset ADD COLUMN holdout TEXT NOT NULL DEFAULT '';
ALTER TABLE ruleset_draft ADD COLUMN holdout TEXT NOT NULL DEFAULT '';
""",
    ),
    Migration(
        4,
        "a whole rule set in shadow",
        """
CREATE TABLE ruleset_shadow(
  one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, version TEXT NOT NULL,
  since_us INTEGER NOT NULL, author TEXT NOT NULL, note TEXT NOT NULL, rules TEXT NOT NULL,
  holdout TEXT NOT NULL
) STRICT;
""",
    ),
)


class KeptRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule of a published set, as kept."""

    id: str
    predicate: str
    created_us: int = 0
    on_failure: str = ""
    mode: str = ""
    rollout: Rollout | None = None


def kept_rule(rule: StoredRule) -> KeptRule:
    """A rule as kept."""
    mode = "" if rule.mode is Mode.LIVE else rule.mode.value
    policy = rule.on_failure or ""
    return KeptRule(rule.id, rule.rule.text, rule.created_us, policy, mode, rule.rollout)


def drafted(kept: KeptRule) -> DraftRule:
    """A kept rule as its author would send it again."""
    policy = FailurePolicy(kept.on_failure) if kept.on_failure else None
    mode = Mode(kept.mode or Mode.LIVE)
    return DraftRule(kept.predicate, kept.id, policy, mode, kept.rollout)


@dataclass(frozen=True, slots=True)
class Published:
    """A published version of the rule set."""

    number: int
    version: str
    published_us: int
    author: str
    note: str
    rules: tuple[KeptRule, ...]
    holdout: HoldoutPlan | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft: what its author sent."""

    rules: Sequence[DraftRule]
    holdout: HoldoutPlan | None = None


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list, without its items."""

    id: str
    alias: str
    name: str
    item_type: str
    metadata: Mapping[str, str]
    created_us: int
    created_by: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a list. `value` is what was given, `compared` what rules see."""

    id: str
    list: str
    value: str
    compared: str
    created_us: int
    created_by: str
    expires_us: int


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first: up to `limit` rows beyond a row, or just before one."""

    limit: int = 10
    starting_after: str = ""
    ending_before: str = ""
    created_from_us: int | None = None
    created_until_us: int | None = None
    """Created from one moment on, and before another."""


# ── rule sets ───────────────────────────────────────────────────────────────────────────────────


def save_draft(connection: apsw.Connection, draft: Draft, author: str, at_us: int) -> None:
    """Keep the draft; there is one."""
    kept = [
        KeptRule(
            one.id,
            one.predicate,
            0,
            one.on_failure or "",
            "" if one.mode is Mode.LIVE else one.mode.value,
            one.rollout,
        )
        for one in draft.rules
    ]
    connection.execute(
        "INSERT OR REPLACE INTO ruleset_draft VALUES (1, ?, ?, ?, ?)",
        (at_us, author, msgspec.json.encode(kept).decode(), _plan_text(draft.holdout)),
    )


def load_draft(connection: apsw.Connection) -> Draft | None:
    """The draft, or None."""
    row = connection.execute("SELECT rules, holdout FROM ruleset_draft").fetchone()
    if row is None:
        return None
    kept = msgspec.json.decode(str(row[0]), type=list[KeptRule])
    return Draft([drafted(one) for one in kept], _plan(row[1]))


def _plan_text(plan: HoldoutPlan | None) -> str:
    return msgspec.json.encode(plan).decode() if plan else ""


def _plan(text: object) -> HoldoutPlan | None:
    return msgspec.json.decode(str(text), type=HoldoutPlan) if text else None


def publish(connection: apsw.Connection, published: Published) -> None:
    """Keep a new version and clear its draft; one saved since then stays."""
    connection.execute("INSERT INTO ruleset VALUES (?, ?, ?, ?, ?, ?, ?)", columns_of(published))
    connection.execute("DELETE FROM ruleset_draft WHERE saved_us <= ?", (published.published_us,))


def columns_of(one: Published) -> tuple[int, str, int, str, str, str, str]:
    """A version as its row has it."""
    rules = msgspec.json.encode(one.rules).decode()
    told = (one.number, one.version, one.published_us, one.author, one.note)
    return (*told, rules, _plan_text(one.holdout))


def load_published(connection: apsw.Connection, version: str = "") -> Published | None:
    """A version by its name or number, or the newest."""
    where = "WHERE version = ?1 OR CAST(number AS TEXT) = ?1" if version else "WHERE ?1 = ''"
    row = connection.execute(
        f"SELECT * FROM ruleset {where} ORDER BY number DESC LIMIT 1",  # noqa: S608 — fixed texts
        (version,),
    ).fetchone()
    return None if row is None else published_of(row)


def all_published(connection: apsw.Connection) -> Iterator[Published]:
    """Every version, newest first."""
    for row in connection.execute("SELECT * FROM ruleset ORDER BY number DESC"):
        yield published_of(row)


def published_of(row: tuple[object, ...]) -> Published:
    """A version from its row."""
    number, version, published_us, author, note, rules, holdout = row
    assert isinstance(number, int)
    assert isinstance(published_us, int)
    kept = msgspec.json.decode(str(rules), type=tuple[KeptRule, ...])
    told = (str(version), published_us, str(author), str(note))
    return Published(number, *told, kept, _plan(holdout))


# ── lists ───────────────────────────────────────────────────────────────────────────────────────

_LIST_COLUMNS: Final = "id, alias, name, item_type, metadata, created_us, created_by"
_ITEM_COLUMNS: Final = "id, list, value, compared, created_us, created_by, expires_us"


def insert_list(connection: apsw.Connection, row: ListRow) -> None:
    """Keep a new list; its alias must be free."""
    connection.execute(
        f"INSERT INTO value_list({_LIST_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 — fixed
        (
            row.id,
            row.alias,
            row.name,
            row.item_type,
            msgspec.json.encode(dict(row.metadata)).decode(),
            row.created_us,
            row.created_by,
        ),
    )


def update_list(connection: apsw.Connection, row: ListRow) -> None:
    """Keep a list's alias, name and metadata."""
    connection.execute(
        "UPDATE value_list SET alias = ?, name = ?, metadata = ? WHERE id = ?",
        (row.alias, row.name, msgspec.json.encode(dict(row.metadata)).decode(), row.id),
    )


def delete_list(connection: apsw.Connection, list_id: str) -> None:
    """Forget a list and its items."""
    connection.execute("DELETE FROM value_list WHERE id = ?", (list_id,))


def find_list(connection: apsw.Connection, name: str) -> ListRow | None:
    """A list by id or alias."""
    row = connection.execute(
        f"SELECT {_LIST_COLUMNS} FROM value_list WHERE id = ?1 OR alias = ?1",  # noqa: S608 — fixed
        (name,),
    ).fetchone()
    return None if row is None else _list_row(row)


def list_lists(
    connection: apsw.Connection, page: Page, alias: str = "", contains: str = ""
) -> tuple[list[ListRow], bool]:
    """A page of lists, newest first, and whether there are more."""
    where, values = ["1"], list[object]()
    if alias:
        where.append("alias = ?")
        values.append(alias)
    if contains:
        where.append(
            "id IN (SELECT item.list FROM value_list_item item JOIN value_list owner"
            " ON owner.id = item.list AND owner.edition = item.edition"
            " WHERE item.compared IN (?, ?, ?) OR item.value = ?)"
        )
        values += [contains, contains.casefold(), contains.upper(), contains]
    rows, more = _page(connection, "value_list", _LIST_COLUMNS, (where, values), page)
    return [_list_row(row) for row in rows], more


IN_FORCE: Final = "list = ? AND edition = (SELECT edition FROM value_list WHERE id = ?)"
"""Items of a list that are in force: others are being written, or on their way out."""


def edition_of(connection: apsw.Connection, list_id: str) -> int:
    """Which edition of a list's items is in force."""
    row = connection.execute("SELECT edition FROM value_list WHERE id = ?", (list_id,)).fetchone()
    return int(str(row[0])) if row else 0


def put_edition_in_force(connection: apsw.Connection, list_id: str, edition: int) -> None:
    """Let another edition of a list's items take the place of the present one, at once."""
    connection.execute("UPDATE value_list SET edition = ? WHERE id = ?", (edition, list_id))


def delete_other_editions(connection: apsw.Connection, list_id: str, limit: int) -> int:
    """Drop some items that are not in force. Returns how many."""
    before = connection.total_changes()
    connection.execute(
        "DELETE FROM value_list_item WHERE number IN (SELECT number FROM value_list_item"
        " WHERE list = ? AND edition <> (SELECT edition FROM value_list WHERE id = ?) LIMIT ?)",
        (list_id, list_id, limit),
    )
    return connection.total_changes() - before


def insert_items(connection: apsw.Connection, rows: Sequence[ItemRow], edition: int) -> int:
    """Keep items in an edition; one that is there already stays. Returns how many were new."""
    before = connection.total_changes()
    connection.executemany(
        f"INSERT INTO value_list_item({_ITEM_COLUMNS}, edition) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 — fixed
        " ON CONFLICT DO NOTHING",
        (
            (r.id, r.list, r.value, r.compared, r.created_us, r.created_by, r.expires_us, edition)
            for r in rows
        ),
    )
    return connection.total_changes() - before


def delete_item(connection: apsw.Connection, item_id: str) -> None:
    """Forget one item."""
    connection.execute("DELETE FROM value_list_item WHERE id = ?", (item_id,))


def delete_expired(connection: apsw.Connection, now_us: int) -> int:
    """Forget items that ran out. Returns how many."""
    before = connection.total_changes()
    connection.execute(
        "DELETE FROM value_list_item WHERE expires_us > 0 AND expires_us <= ?", (now_us,)
    )
    return connection.total_changes() - before


def find_item(connection: apsw.Connection, item_id: str) -> ItemRow | None:
    """An item by id."""
    row = connection.execute(
        f"SELECT {_ITEM_COLUMNS} FROM value_list_item WHERE id = ?",  # noqa: S608 — fixed
        (item_id,),
    ).fetchone()
    return None if row is None else _item_row(row)


def find_item_by_value(connection: apsw.Connection, list_id: str, compared: str) -> ItemRow | None:
    """An item by what rules see of it."""
    row = connection.execute(
        f"SELECT {_ITEM_COLUMNS} FROM value_list_item WHERE {IN_FORCE} AND compared = ?",  # noqa: S608 — fixed
        (list_id, list_id, compared),
    ).fetchone()
    return None if row is None else _item_row(row)


def list_items(
    connection: apsw.Connection, list_id: str, page: Page, now_us: int, compared: str = ""
) -> tuple[list[ItemRow], bool]:
    """A page of a list's living items, newest first, and whether there are more."""
    where = [IN_FORCE, "(expires_us = 0 OR expires_us > ?)"]
    values: list[object] = [list_id, list_id, now_us]
    if compared:
        where.append("compared = ?")
        values.append(compared)
    rows, more = _page(connection, "value_list_item", _ITEM_COLUMNS, (where, values), page)
    return [_item_row(row) for row in rows], more


def count_items(connection: apsw.Connection, list_id: str, now_us: int) -> int:
    """How many living items a list has."""
    row = connection.execute(
        f"SELECT count(*) FROM value_list_item WHERE {IN_FORCE}"  # noqa: S608 — fixed
        " AND (expires_us = 0 OR expires_us > ?)",
        (list_id, list_id, now_us),
    ).fetchone()
    return int(str(row[0])) if row else 0


def count_edition(connection: apsw.Connection, list_id: str, edition: int) -> int:
    """How many items an edition of a list has, in force or not."""
    row = connection.execute(
        "SELECT count(*) FROM value_list_item WHERE list = ? AND edition = ?", (list_id, edition)
    ).fetchone()
    return int(str(row[0])) if row else 0


def values_of(connection: apsw.Connection, list_id: str) -> Iterator[tuple[str, int]]:
    """Every value of a list with its expiry, for the book in memory."""
    for value, expires_us in connection.execute(
        f"SELECT value, expires_us FROM value_list_item WHERE {IN_FORCE}",  # noqa: S608 — fixed
        (list_id, list_id),
    ):
        yield str(value), int(str(expires_us))


def save_list_version(connection: apsw.Connection, changes: int) -> None:
    """Note how often lists have changed, so that versions go on across a restart."""
    connection.execute("UPDATE list_version SET changes = ?", (changes,))


def load_list_version(connection: apsw.Connection) -> int:
    """How often lists had changed when the last process noted it."""
    row = connection.execute("SELECT changes FROM list_version").fetchone()
    return int(str(row[0])) if row else 0


def _page(
    connection: apsw.Connection,
    table: str,
    columns: str,
    condition: tuple[list[str], list[object]],
    page: Page,
) -> tuple[list[tuple[object, ...]], bool]:
    where, values = list(condition[0]), list(condition[1])
    if page.created_from_us is not None:
        where.append("created_us >= ?")
        values.append(page.created_from_us)
    if page.created_until_us is not None:
        where.append("created_us < ?")
        values.append(page.created_until_us)
    backwards = bool(page.ending_before)
    edge = page.ending_before or page.starting_after
    if edge:
        sign = ">" if backwards else "<"
        where.append(f"number {sign} (SELECT number FROM {table} WHERE id = ?)")  # noqa: S608 — fixed
        values.append(edge)
    order = "ASC" if backwards else "DESC"
    text = (
        f"SELECT {columns} FROM {table} WHERE {' AND '.join(where)}"  # noqa: S608 — fixed texts
        f" ORDER BY number {order} LIMIT ?"
    )
    rows = list(connection.execute(text, (*values, page.limit + 1)))  # pyright: ignore[reportArgumentType] — texts and whole numbers
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return (rows[::-1] if backwards else rows), more


def _list_row(row: tuple[object, ...]) -> ListRow:
    list_id, alias, name, item_type, metadata, created_us, created_by = row
    return ListRow(
        str(list_id),
        str(alias),
        str(name),
        str(item_type),
        msgspec.json.decode(str(metadata), type=dict[str, str]),
        int(str(created_us)),
        str(created_by),
    )


def _item_row(row: tuple[object, ...]) -> ItemRow:
    item_id, list_id, value, compared, created_us, created_by, expires_us = row
    return ItemRow(
        str(item_id),
        str(list_id),
        str(value),
        str(compared),
        int(str(created_us)),
        str(created_by),
        int(str(expires_us)),
    )
