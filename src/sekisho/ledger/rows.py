"""Reads rows of the ledger: one by its place, or all from a place on."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Iterator
from typing import Any, cast

import apsw

from sekisho.durable import load_queries
from sekisho.ledger.entry import Recorded

QUERIES = load_queries("sekisho.ledger")
PAGE_ROWS = 2000  # read in one short transaction, so that the write-ahead log can be reused


def head(connection: apsw.Connection) -> tuple[int, bytes] | None:
    """Number and hash of the last row; None in an empty ledger."""
    return cast("tuple[int, bytes] | None", connection.execute(QUERIES["head"]).fetchone())


def row(connection: apsw.Connection, seq: int) -> Recorded | None:
    """The row at a place of the chain."""
    return _recorded(connection.execute(QUERIES["row"], (seq,)).fetchone())


def row_of_decision(connection: apsw.Connection, decision_id: str) -> Recorded | None:
    """The row that recorded a decision."""
    return _recorded(connection.execute(QUERIES["row_of_decision"], (decision_id,)).fetchone())


def rows_from(connection: apsw.Connection, seq: int, stop: int) -> Iterator[Recorded]:
    """Rows from `seq` up to, not including, `stop`, in the order they were recorded."""
    while seq < stop:
        page = cast(
            "list[tuple[Any, ...]]",
            connection.execute(QUERIES["page"], (seq, min(seq + PAGE_ROWS, stop))).fetchall(),
        )
        if not page:
            return
        for values in page:
            yield Recorded(*values)
        seq += len(page)


def controls(connection: apsw.Connection) -> Iterator[Recorded]:
    """Rows that tell of control data but for profiles, in the order they were recorded."""
    found = cast("list[tuple[Any, ...]]", connection.execute(QUERIES["controls"]).fetchall())
    for values in found:
        yield Recorded(*values)


def profiles(connection: apsw.Connection, after_seq: int, last_seq: int) -> Iterator[Recorded]:
    """Rows that bring profiles, after one row and up to another, in the order of recording."""
    while True:
        asked = (after_seq, last_seq)
        page = cast(
            "list[tuple[Any, ...]]", connection.execute(QUERIES["profiles_page"], asked).fetchall()
        )
        for values in page:
            yield Recorded(*values)
        if not page:
            return
        after_seq = page[-1][0]


def last_decided_us(connection: apsw.Connection) -> int:
    """When the newest decision or outcome was recorded; 0 before the first."""
    found = cast("tuple[int] | None", connection.execute(QUERIES["last_decided"]).fetchone())
    return 0 if found is None else found[0]


def _recorded(values: tuple[Any, ...] | None) -> Recorded | None:
    return None if values is None else Recorded(*values)
