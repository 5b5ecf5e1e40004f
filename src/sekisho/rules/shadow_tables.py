"""Where the rule set in shadow is kept; there is one at most."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: reportUnknownMemberType=false

import apsw

from sekisho.rules.sqlite import Published, columns_of, published_of


def put_in_shadow(connection: apsw.Connection, candidate: Published) -> None:
    """Keep a set as the one in shadow, and clear its draft; one saved since then stays."""
    connection.execute(
        "INSERT OR REPLACE INTO ruleset_shadow VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        columns_of(candidate),
    )
    connection.execute("DELETE FROM ruleset_draft WHERE saved_us <= ?", (candidate.published_us,))


def publish_shadow(connection: apsw.Connection, published: Published) -> None:
    """Keep the set in shadow as a new version; the draft stays as it is."""
    connection.execute("INSERT INTO ruleset VALUES (?, ?, ?, ?, ?, ?, ?)", columns_of(published))
    end_shadow(connection)


def end_shadow(connection: apsw.Connection) -> None:
    """Forget the set in shadow."""
    connection.execute("DELETE FROM ruleset_shadow")


def load_shadow(connection: apsw.Connection) -> Published | None:
    """The set in shadow, or None; `published_us` is since when."""
    row = connection.execute(
        "SELECT number, version, since_us, author, note, rules, holdout FROM ruleset_shadow"
    ).fetchone()
    return None if row is None else published_of(row)
