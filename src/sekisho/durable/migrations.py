"""Numbered, transactional changes of a component's tables."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass

import apsw

from sekisho.durable.errors import SchemaTooNew

_STEPS_TABLE = """
CREATE TABLE IF NOT EXISTS schema_step(
  component TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (component, number)
) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema: never edited once released, only followed by another.

    Attributes:
        number: 1, 2, 3 … without gaps within its component.
        name: what the step does, in a few words.
        sql: the statements.
    """

    number: int
    name: str
    sql: str


def migrate(connection: apsw.Connection, component: str, steps: Sequence[Migration]) -> int:
    """Bring a component's tables to the newest step, inside the caller's transaction.

    Returns:
        How many steps were applied now.

    Raises:
        SchemaTooNew: the file has a step that this release does not know.
    """
    assert [step.number for step in steps] == list(range(1, len(steps) + 1)), "gap in steps"
    connection.execute(_STEPS_TABLE)
    (done,) = connection.execute(
        "SELECT coalesce(max(number), 0) FROM schema_step WHERE component = ?", (component,)
    ).fetchone() or (0,)
    assert isinstance(done, int)
    if done > len(steps):
        message = (
            f"`{component}` tables are at step {done}, this release knows {len(steps)}: "
            "start the newer release, or restore an older backup"
        )
        raise SchemaTooNew(message)
    for step in steps[done:]:
        connection.execute(step.sql)
        connection.execute(
            "INSERT INTO schema_step VALUES (?, ?, ?)", (component, step.number, step.name)
        )
    return len(steps) - done
