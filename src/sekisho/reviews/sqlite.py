"""Reviews in the embedded store."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Iterator
from typing import Final, cast

import apsw

from sekisho.durable import Migration
from sekisho.reviews.model import Review

COMPONENT: Final = "reviews"
MIGRATIONS: Final = (
    Migration(
        1,
        "reviews",
        """
CREATE TABLE review(
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  event TEXT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL, priority INTEGER NOT NULL,
  opened_us INTEGER NOT NULL, opened_by TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX review_event ON review(event);
""",
    ),
)
_COLUMNS: Final = "id, event, decision, reason, priority, opened_us, opened_by"
_Row = tuple[str, str, str, str, int, int, str]


def open_review(connection: apsw.Connection, one: Review) -> Review:
    """Open a review, once for the action that asks; returns the one that is there."""
    connection.execute(
        f"INSERT OR IGNORE INTO review({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 — fixed
        (
            one.id,
            one.event,
            one.decision,
            one.reason,
            one.priority,
            one.opened_us,
            one.opened_by,
        ),
    )
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM review WHERE opened_by = ?",  # noqa: S608 — fixed
        (one.opened_by,),
    )
    return next(_reviews(rows))


def find_review(connection: apsw.Connection, review_id: str) -> Review | None:
    """A review by id."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM review WHERE id = ?", (review_id,))  # noqa: S608 — fixed
    return next(_reviews(rows), None)


def newest_reviews(
    connection: apsw.Connection, before: str = "", event: str = ""
) -> Iterator[Review]:
    """Reviews, newest first, from just before one on; of one event or of all."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM review WHERE (?1 = '' OR number <"  # noqa: S608 — fixed
        " (SELECT number FROM review WHERE id = ?1)) AND (?2 = '' OR event = ?2)"
        " ORDER BY number DESC",
        (before, event),
    )
    return _reviews(rows)


def _reviews(rows: object) -> Iterator[Review]:
    for row in cast("Iterator[_Row]", rows):
        yield Review(*row)
