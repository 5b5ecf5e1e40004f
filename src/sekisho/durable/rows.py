"""Inserts many rows in few steps, so that a commit does not queue for the interpreter lock."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

from collections.abc import Sequence

import apsw

Value = int | float | str | bytes | None

ROWS_MAX = 256  # rows in one statement; 256 rows of 14 columns stay far below SQLite's limit


def insert_rows(
    connection: apsw.Connection, into: str, width: int, values: Sequence[Value]
) -> None:
    """Insert rows given as one flat sequence of values.

    Each step of a statement gives the interpreter lock away and queues for it again: up to 5 ms
    beside a busy thread. `executemany` takes a step for every row (measured: 760 ms for 100 rows);
    here 100 rows are three statements, of 64, 32 and 4 rows.

    Args:
        connection: the writing connection, inside a transaction.
        into: the statement up to `VALUES`, such as `INSERT INTO parcel(id, kg)`.
        width: values in a row.
        values: all rows, one after another.
    """
    row = f"({','.join('?' * width)})"
    start, left = 0, len(values) // width
    while left:
        count = min(ROWS_MAX, 1 << (left.bit_length() - 1))
        stop = start + count * width
        connection.execute(f"{into} VALUES {','.join([row] * count)}", values[start:stop])
        start, left = stop, left - count
