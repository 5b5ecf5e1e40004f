"""Control data in the embedded store: keys, declared counters, answers by idempotency key."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterator
from typing import Final

import apsw
import msgspec

from sekisho.collect import TableSpec
from sekisho.durable import Migration
from sekisho.entrypoints.keys import ApiKey

COMPONENT: Final = "control"
MIGRATIONS: Final = (
    Migration(
        1,
        "keys, declared counters, answers by idempotency key",
        """
CREATE TABLE api_key(
  id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, hint TEXT NOT NULL,
  scopes TEXT NOT NULL, created_us INTEGER NOT NULL, revoked_us INTEGER NOT NULL
) STRICT;
CREATE TABLE counter(
  name TEXT PRIMARY KEY, declaration TEXT NOT NULL, created_us INTEGER NOT NULL
) STRICT;
CREATE TABLE control_answer(
  scope TEXT NOT NULL, key TEXT NOT NULL, body_hash BLOB NOT NULL, status INTEGER NOT NULL,
  answer BLOB NOT NULL, created_us INTEGER NOT NULL, PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX control_answer_age ON control_answer(created_us);
""",
    ),
    Migration(
        2,
        "declared profiles and parameters",
        """
CREATE TABLE known_table(
  name TEXT PRIMARY KEY, declaration TEXT NOT NULL, created_us INTEGER NOT NULL
) STRICT;
""",
    ),
)


class KeptAnswer(msgspec.Struct, frozen=True):
    """The first answer to a control request with an idempotency key."""

    body_hash: bytes
    status: int
    answer: bytes


def insert_key(connection: apsw.Connection, key: ApiKey) -> None:
    """Keep a new key."""
    connection.execute(
        "INSERT OR IGNORE INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            key.id,
            key.name,
            key.digest,
            key.hint,
            " ".join(sorted(key.scopes)),
            key.created_us,
            key.revoked_us,
        ),
    )


def revoke_key(connection: apsw.Connection, key_id: str, now_us: int) -> bool:
    """Mark a key as revoked. False when there is none in force of that id."""
    before = connection.total_changes()
    connection.execute(
        "UPDATE api_key SET revoked_us = ? WHERE id = ? AND revoked_us = 0", (now_us, key_id)
    )
    return connection.total_changes() > before


def all_keys(connection: apsw.Connection) -> list[ApiKey]:
    """Every key, the oldest first, revoked ones too."""
    return [
        ApiKey(
            str(key_id),
            str(name),
            str(digest),
            str(hint),
            frozenset(str(scopes).split()),
            int(str(created_us)),
            int(str(revoked_us)),
        )
        for key_id, name, digest, hint, scopes, created_us, revoked_us in connection.execute(
            "SELECT * FROM api_key ORDER BY created_us, id"
        )
    ]


def save_counter(
    connection: apsw.Connection, name: str, declaration: dict[str, object], now_us: int
) -> None:
    """Keep a declaration under its name."""
    connection.execute(
        "INSERT INTO counter VALUES (?, ?, ?)"
        " ON CONFLICT(name) DO UPDATE SET declaration = excluded.declaration",
        (name, msgspec.json.encode(declaration).decode(), now_us),
    )


def delete_counter(connection: apsw.Connection, name: str) -> None:
    """Forget a declaration."""
    connection.execute("DELETE FROM counter WHERE name = ?", (name,))


def all_counters(connection: apsw.Connection) -> Iterator[tuple[str, dict[str, object]]]:
    """Every declaration by name."""
    for name, declaration in connection.execute(
        "SELECT name, declaration FROM counter ORDER BY name"
    ):
        yield str(name), msgspec.json.decode(str(declaration), type=dict[str, object])


def saving_table(spec: TableSpec, now_us: int) -> Callable[[apsw.Connection], None]:
    """Keeps the declaration of profiles or a parameter under its name."""

    def save(connection: apsw.Connection) -> None:
        connection.execute(
            "INSERT INTO known_table VALUES (?, ?, ?)"
            " ON CONFLICT(name) DO UPDATE SET declaration = excluded.declaration",
            (spec.name, msgspec.json.encode(spec.declaration()).decode(), now_us),
        )

    return save


def all_tables(connection: apsw.Connection) -> Iterator[tuple[str, dict[str, object]]]:
    """Every declaration of profiles and parameters by name, the oldest first."""
    for name, declaration in connection.execute(
        "SELECT name, declaration FROM known_table ORDER BY created_us, name"
    ):
        yield str(name), msgspec.json.decode(str(declaration), type=dict[str, object])


def keep_answer(
    connection: apsw.Connection, scope: str, key: str, answer: KeptAnswer, now_us: int
) -> None:
    """Keep the first answer to a control request."""
    connection.execute(
        "INSERT INTO control_answer VALUES (?, ?, ?, ?, ?, ?)",
        (scope, key, answer.body_hash, answer.status, answer.answer, now_us),
    )


def find_answer(
    connection: apsw.Connection, scope: str, key: str, since_us: int
) -> KeptAnswer | None:
    """The kept answer to a key that has not expired."""
    row = connection.execute(
        "SELECT body_hash, status, answer FROM control_answer"
        " WHERE scope = ? AND key = ? AND created_us > ?",
        (scope, key, since_us),
    ).fetchone()
    if row is None:
        return None
    body_hash, status, answer = row
    return KeptAnswer(bytes(body_hash), int(str(status)), bytes(answer))  # pyright: ignore[reportArgumentType] — BLOB columns


def prune_answers(connection: apsw.Connection, before_us: int) -> None:
    """Forget answers older than their key's lifetime."""
    connection.execute("DELETE FROM control_answer WHERE created_us <= ?", (before_us,))
