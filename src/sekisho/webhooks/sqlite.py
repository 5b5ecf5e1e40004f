"""Endpoints in the embedded store."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Iterator
from typing import Final, cast

import apsw

from sekisho.durable import Migration
from sekisho.webhooks.model import Endpoint

COMPONENT: Final = "webhooks"
MIGRATIONS: Final = (
    Migration(
        1,
        "endpoints of webhooks",
        """
CREATE TABLE webhook_endpoint(
  id TEXT PRIMARY KEY, url TEXT NOT NULL, description TEXT NOT NULL, is_enabled INTEGER NOT NULL,
  generation INTEGER NOT NULL, overlap_until_us INTEGER NOT NULL,
  created_us INTEGER NOT NULL, created_by TEXT NOT NULL
) STRICT;
""",
    ),
)
_Row = tuple[str, str, str, int, int, int, int, str]


def save_endpoint(connection: apsw.Connection, one: Endpoint) -> None:
    """Keep an endpoint, new or changed."""
    connection.execute(
        "INSERT OR REPLACE INTO webhook_endpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.id,
            one.url,
            one.description,
            int(one.is_enabled),
            one.generation,
            one.overlap_until_us,
            one.created_us,
            one.created_by,
        ),
    )


def delete_endpoint(connection: apsw.Connection, endpoint_id: str) -> None:
    """Forget an endpoint."""
    connection.execute("DELETE FROM webhook_endpoint WHERE id = ?", (endpoint_id,))


def find_endpoint(connection: apsw.Connection, endpoint_id: str) -> Endpoint | None:
    """An endpoint by id."""
    rows = connection.execute("SELECT * FROM webhook_endpoint WHERE id = ?", (endpoint_id,))
    return next(_endpoints(rows), None)


def all_endpoints(connection: apsw.Connection) -> list[Endpoint]:
    """Every endpoint, the newest first."""
    rows = connection.execute("SELECT * FROM webhook_endpoint ORDER BY created_us DESC, id DESC")
    return list(_endpoints(rows))


def _endpoints(rows: object) -> Iterator[Endpoint]:
    for row in cast("Iterator[_Row]", rows):
        endpoint_id, url, description, is_enabled, generation, overlap_us, at_us, author = row
        yield Endpoint(
            endpoint_id, url, description, bool(is_enabled), generation, overlap_us, at_us, author
        )
