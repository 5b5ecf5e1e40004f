"""Action policies in the embedded store: every version that was ever in force."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: reportUnknownMemberType=false

from typing import Final, cast

import apsw
import msgspec

from sekisho.actions import ActionPolicy
from sekisho.durable import Migration

COMPONENT: Final = "action_policies"
MIGRATIONS: Final = (
    Migration(
        1,
        "versions of action policies",
        """
CREATE TABLE action_policies(
  number INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE, created_us INTEGER NOT NULL,
  author TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
""",
    ),
)
_SELECT: Final = "SELECT number, version, created_us, author, body FROM action_policies"
_DECODER: Final = msgspec.json.Decoder(tuple[ActionPolicy, ...])
_Row = tuple[int, str, int, str, str]


class KeptPolicies(msgspec.Struct, frozen=True):
    """The policies of one version, and who put them in force."""

    number: int
    version: str
    created_us: int
    author: str
    policies: tuple[ActionPolicy, ...]


NONE: Final = KeptPolicies(0, "ap_0", 0, "", ())
"""Before any were put in force: no decision asks for an action."""


def keep(connection: apsw.Connection, kept: KeptPolicies) -> None:
    """Keep a new version."""
    body = msgspec.json.encode(kept.policies).decode()
    connection.execute(
        "INSERT INTO action_policies VALUES (?, ?, ?, ?, ?)",
        (kept.number, kept.version, kept.created_us, kept.author, body),
    )


def newest(connection: apsw.Connection) -> KeptPolicies | None:
    """The version in force; None before there was one."""
    row = connection.execute(f"{_SELECT} ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else _kept(cast("_Row", row))


def all_versions(connection: apsw.Connection) -> list[KeptPolicies]:
    """Every version, newest first."""
    rows = connection.execute(f"{_SELECT} ORDER BY number DESC")
    return [_kept(cast("_Row", row)) for row in rows]


def _kept(row: _Row) -> KeptPolicies:
    return KeptPolicies(*row[:4], _DECODER.decode(row[4]))
