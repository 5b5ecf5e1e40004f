"""The verifier: every kind of tampering turns it red and names the row."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import apsw
import pytest

from sekisho.ledger import Ledger, VerifyReport, read_checkpoints, verify
from sekisho.ledger.chain import genesis, seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Desk

ROWS = 2500  # more than a page of the verifier, more than two checkpoints
FREE = "DROP TRIGGER ledger_is_append_only_1; DROP TRIGGER ledger_is_append_only_2;"


@pytest.fixture
def sealed(sealed_directory: Path, tmp_path: Path) -> Path:
    """A closed ledger of 2500 rows, free to be tampered with."""
    shutil.copytree(sealed_directory, tmp_path / "sealed")
    return tmp_path / "sealed" / "ledger.db"


def tamper(path: Path, *statements: str) -> VerifyReport:
    """Do what somebody with the file and SQLite would do, then verify."""
    connection = apsw.Connection(str(path))
    connection.execute(FREE)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return verify(path)


def test_untouched_ledger_is_sound(sealed: Path) -> None:
    told: list[tuple[int, int]] = []
    report = verify(sealed, lambda done, total: told.append((done, total)))
    assert (report.rows, report.ok, report.first_bad_seq, report.reason) == (ROWS, True, None, "")
    assert told == [(2000, ROWS), (ROWS, ROWS)]
    assert read_checkpoints(sealed.with_name("checkpoints.jsonl"))[-1].hash == (
        report.head_hash.hex()
    )


def test_empty_ledger_is_sound(desk: Desk) -> None:
    report = verify(desk.store)
    assert (report.rows, report.ok) == (0, True)
    assert report.head_hash == genesis(desk.ledger.installation)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "'event'"),
        ("event_id", "'pay_other'"),
        ("event_type", "'login'"),
        ("about", "'pay_other'"),
        ("at_us", "at_us + 1"),
        ("recorded_us", "recorded_us - 1"),
        ("decision_id", "'dec_other'"),
        ("status", "201"),
        ("scope", "'other'"),
        ("key", "'other'"),
        ("body_hash", "x'00'"),
        ("body", "CAST(body || x'00' AS BLOB)"),
        ("answer", "zeroblob(length(answer))"),
        ("hash", "zeroblob(32)"),
    ],
)
def test_change_of_any_column_is_found(sealed: Path, column: str, value: str) -> None:
    report = tamper(sealed, f"UPDATE ledger SET {column} = {value} WHERE seq = 1234")  # noqa: S608 — our own text
    assert (report.ok, report.first_bad_seq, report.rows) == (False, 1234, 1233)
    assert "1234 was changed" in report.reason


def test_byte_moved_from_one_field_to_the_next_is_found(sealed: Path) -> None:
    report = tamper(
        sealed,
        "UPDATE ledger SET body = CAST(body || substr(answer, 1, 1) AS BLOB),"
        " answer = substr(answer, 2) WHERE seq = 7",
    )
    assert report.first_bad_seq == 7


def test_single_flipped_bit_anywhere_is_found(sealed: Path) -> None:
    rng = random.Random(11)
    for _ in range(20):
        copy = sealed.with_name("flipped.db")
        shutil.copy(sealed, copy)
        connection = apsw.Connection(str(copy))
        seq, column = rng.randint(1, ROWS), rng.choice(["body", "answer", "hash"])
        blob = connection.execute(f"SELECT {column} FROM ledger WHERE seq = {seq}").fetchone()[0]  # noqa: S608 — our own text
        flipped = bytearray(blob)
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        connection.execute(FREE)
        connection.execute(f"UPDATE ledger SET {column} = ? WHERE seq = {seq}", (bytes(flipped),))  # noqa: S608 — our own text
        connection.close()
        assert verify(copy).first_bad_seq == seq


def test_deleted_row_is_found(sealed: Path) -> None:
    report = tamper(sealed, "DELETE FROM ledger WHERE seq = 700")
    assert (report.first_bad_seq, report.reason) == (700, "row 700 is missing")


def test_deleted_row_with_the_rest_renumbered_is_found(sealed: Path) -> None:
    report = tamper(
        sealed,
        "DELETE FROM ledger WHERE seq = 700",
        "UPDATE ledger SET seq = -seq WHERE seq > 700",
        "UPDATE ledger SET seq = -seq - 1 WHERE seq < 0",
    )
    assert report.first_bad_seq == 700


def test_inserted_row_is_found(sealed: Path) -> None:
    columns = "'decision', 'pay_x', 'payment', '', 1, 1, 'dec_x', 200, '', '', x'', x'', x''"
    at_end = f"INSERT INTO ledger VALUES ({ROWS + 1}, {columns}, zeroblob(32))"  # noqa: S608 — our own text
    assert tamper(sealed, at_end).first_bad_seq == ROWS + 1


def test_row_inserted_before_the_first_is_found(sealed: Path) -> None:
    columns = "'decision', 'pay_x', 'payment', '', 1, 1, 'dec_x', 200, '', '', x'', x'', x''"
    report = tamper(sealed, f"INSERT INTO ledger VALUES (0, {columns}, zeroblob(32))")  # noqa: S608 — our own text
    assert (report.first_bad_seq, report.ok) == (0, False)


def test_swapped_rows_are_found(sealed: Path) -> None:
    report = tamper(
        sealed,
        "UPDATE ledger SET seq = -1 WHERE seq = 30",
        "UPDATE ledger SET seq = 30 WHERE seq = 31",
        "UPDATE ledger SET seq = 31 WHERE seq = -1",
    )
    assert report.first_bad_seq == 30


def test_rows_missing_at_the_end_are_found_by_the_checkpoint(sealed: Path) -> None:
    report = tamper(sealed, f"DELETE FROM ledger WHERE seq > {ROWS - 10}")  # noqa: S608 — our own text
    assert (report.ok, report.first_bad_seq) == (False, ROWS - 9)
    assert f"rows up to {ROWS} were recorded" in report.reason


def rewrite_chain(path: Path) -> None:
    """Change row 2 and seal everything after it anew, as an insider with our code would."""
    connection = apsw.Connection(str(path))
    connection.execute(FREE)
    installation = connection.execute("SELECT id FROM installation").fetchone()[0]
    connection.execute("UPDATE ledger SET status = 403 WHERE seq = 2")
    digest = genesis(installation)
    connection.execute("BEGIN")
    for *row, _ in connection.execute("SELECT * FROM ledger ORDER BY seq").fetchall():
        digest = seal(digest, tuple(row))
        connection.execute("UPDATE ledger SET hash = ? WHERE seq = ?", (digest, row[0]))
    connection.execute("COMMIT")
    connection.close()


def test_chain_computed_anew_is_found_by_the_checkpoint(sealed: Path) -> None:
    rewrite_chain(sealed)
    report = verify(sealed)
    noted = [c.seq for c in read_checkpoints(sealed.with_name("checkpoints.jsonl"))]
    assert report.first_bad_seq == min(seq for seq in noted if seq >= 2)
    assert "the chain was rewritten" in report.reason


def test_without_checkpoints_a_rewritten_chain_passes(sealed: Path) -> None:
    """What the chain alone cannot show: the reason to copy checkpoints to another place."""
    rewrite_chain(sealed)
    sealed.with_name("checkpoints.jsonl").unlink()
    assert verify(sealed).ok


def test_another_installations_id_is_found(sealed: Path) -> None:
    assert tamper(sealed, "UPDATE installation SET id = 'inst_other'").first_bad_seq == 1


def test_missing_installation_is_found(sealed: Path) -> None:
    report = tamper(sealed, "DELETE FROM installation")
    assert (report.ok, report.first_bad_seq) == (False, 1)


def test_damaged_pages_are_reported_not_raised(sealed: Path) -> None:
    with sealed.open("r+b") as file:
        file.seek(sealed.stat().st_size // 2)
        file.write(b"\xff" * 40_000)
    report = verify(sealed)
    assert not report.ok
    assert report.reason


def test_torn_checkpoint_line_is_passed_over(sealed: Path) -> None:
    with sealed.with_name("checkpoints.jsonl").open("ab") as file:
        file.write(b'{"seq": 9999, "ha')
    assert verify(sealed).ok


def test_ledger_verifies_while_it_is_written_to(desk: Desk) -> None:
    for n in range(100):
        desk.ledger.append(desk.decision(n))
        if n % 10 == 0:
            assert verify(desk.store).ok


def test_forgetting_to_chain_would_be_found(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded bug: rows are sealed without the hash before them."""
    monkeypatch.setattr("sekisho.ledger.recorder.seal", lambda _previous, row: seal(bytes(32), row))
    desk = make_desk()
    assert isinstance(desk.ledger, Ledger)
    desk.ledger.append_wait(desk.decision(1))
    assert verify(desk.store).first_bad_seq == 1
