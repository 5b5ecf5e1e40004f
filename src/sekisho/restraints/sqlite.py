"""Restraints in the embedded store."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Iterator
from typing import Final, cast

import apsw

from sekisho.durable import Migration
from sekisho.restraints.model import Of, Restraint

COMPONENT: Final = "restraints"
MIGRATIONS: Final = (
    Migration(
        1,
        "what is held back",
        """
CREATE TABLE restraint(
  of TEXT NOT NULL, subject TEXT NOT NULL, feature TEXT NOT NULL,
  since_us INTEGER NOT NULL, until_us INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
  PRIMARY KEY (of, subject, feature)
) STRICT, WITHOUT ROWID;
""",
    ),
)
_Row = tuple[Of, str, str, int, int, str, str]
_IN_FORCE: Final = "(until_us = 0 OR until_us > ?)"


def restrain(connection: apsw.Connection, one: Restraint) -> Restraint:
    """Hold a feature back, unless it is held back already; returns the restraint in force."""
    connection.execute(
        "DELETE FROM restraint WHERE of = ? AND subject = ? AND feature = ?"
        " AND until_us > 0 AND until_us <= ?",
        (one.of, one.subject, one.feature, one.since_us),
    )
    connection.execute(
        "INSERT OR IGNORE INTO restraint VALUES (?, ?, ?, ?, ?, ?, ?)",
        (one.of, one.subject, one.feature, one.since_us, one.until_us, one.reason, one.by),
    )
    rows = connection.execute(
        "SELECT * FROM restraint WHERE of = ? AND subject = ? AND feature = ?",
        (one.of, one.subject, one.feature),
    )
    return next(_restraints(rows))


def lift(
    connection: apsw.Connection, of: Of, subject: str, feature: str, now_us: int
) -> Restraint | None:
    """Hold a feature back no more; the restraint that was in force, or None."""
    place = (of, subject, feature)
    rows = connection.execute(
        f"SELECT * FROM restraint WHERE of = ? AND subject = ? AND feature = ? AND {_IN_FORCE}",  # noqa: S608 — fixed
        (*place, now_us),
    )
    found = next(_restraints(rows), None)
    connection.execute("DELETE FROM restraint WHERE of = ? AND subject = ? AND feature = ?", place)
    return found


def restraints(
    connection: apsw.Connection, now_us: int, of: str = "", subject: str = "", limit: int = 1_000
) -> list[Restraint]:
    """Those in force, of one account or transfer or of all, in the order of subjects."""
    rows = connection.execute(
        f"SELECT * FROM restraint WHERE {_IN_FORCE} AND (?2 = '' OR of = ?2)"  # noqa: S608 — fixed
        " AND (?3 = '' OR subject = ?3) ORDER BY of, subject, feature LIMIT ?4",
        (now_us, of, subject, limit),
    )
    return list(_restraints(rows))


def drop_lapsed(connection: apsw.Connection, now_us: int) -> None:
    """Forget what has run out."""
    connection.execute("DELETE FROM restraint WHERE until_us > 0 AND until_us <= ?", (now_us,))


def _restraints(rows: object) -> Iterator[Restraint]:
    for row in cast("Iterator[_Row]", rows):
        yield Restraint(*row)
