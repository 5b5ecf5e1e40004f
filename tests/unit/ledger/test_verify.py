"""The verifier: every kind of tampering turns it red and names the row."""

from __future__ import annotations

import random
import shutil
import sys
from typing import TYPE_CHECKING, cast

import apsw
import msgspec
import pytest

from sekisho.ledger import (
    Ledger,
    LedgerOptions,
    VerifyReport,
    read_checkpoints,
    sign_checkpoints,
    verify,
)
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


KEY = b"k" * 32


@pytest.fixture
def signed(sealed: Path) -> Path:
    """The same ledger with signed checkpoints, and the heads at rows 1, 1001, 2001 and 2500."""
    sign_checkpoints(sealed, KEY)
    return sealed


def test_signed_checkpoints_vouch_for_the_rows(signed: Path) -> None:
    report = verify(signed, key=KEY)
    assert (report.ok, report.signed_rows) == (True, ROWS)
    assert verify(signed).signed_rows is None


def forge_checkpoints(path: Path, key: bytes) -> None:
    """Write the heads of the chain as it is now, as somebody without the key would."""
    heads = path.with_name("checkpoints.jsonl")
    lines = read_checkpoints(heads)
    connection = apsw.Connection(str(path))
    fresh: list[bytes] = []
    for line in lines:
        found = connection.execute("SELECT hash FROM ledger WHERE seq = ?", (line.seq,)).fetchone()
        assert found is not None
        forged = msgspec.structs.replace(line, hash=bytes(cast("bytes", found[0])).hex())
        fresh.append(msgspec.json.encode(forged))
    connection.close()
    heads.write_bytes(b"\n".join(fresh) + b"\n")
    if key:
        sign_checkpoints(path, key)


@pytest.mark.parametrize("key", [b"", b"another" * 5], ids=["old signatures", "another key"])
def test_who_writes_both_files_without_the_key_is_found(signed: Path, key: bytes) -> None:
    rewrite_chain(signed)
    forge_checkpoints(signed, key)
    assert verify(signed).ok  # what cannot be found without signatures
    report = verify(signed, key=KEY)
    assert not report.ok
    assert "not signed with this installation's key" in report.reason


def test_heads_taken_away_with_the_rows_rewritten_behind_them_are_missed(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[verify.__module__], "ROWS_APART_MAX", 1_200)
    assert verify(signed, key=KEY).ok
    heads = signed.with_name("checkpoints.jsonl")
    lines = heads.read_bytes().splitlines(keepends=True)
    for kept, first_bad in (([], 1), (lines[:1], 2), ([lines[0], lines[-1]], 2)):
        heads.write_bytes(b"".join(kept))
        report = verify(signed, key=KEY)
        assert (report.ok, report.first_bad_seq) == (False, first_bad)
        assert "taken away" in report.reason


def test_checkpoint_of_another_installation_does_not_count(signed: Path) -> None:
    heads = signed.with_name("checkpoints.jsonl")
    foreign = msgspec.structs.replace(read_checkpoints(heads)[0], installation="inst_other")
    heads.write_bytes(msgspec.json.encode(foreign) + b"\n")
    sign_checkpoints(signed, KEY)
    assert "not signed" in verify(signed, key=KEY).reason


def test_ledger_with_a_key_signs_what_it_writes(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(options=LedgerOptions(signing_key=KEY))
    for n in range(3):
        desk.ledger.append(desk.decision(n))
    desk.close()
    report = verify(desk.directory / "ledger.db", key=KEY)
    assert (report.ok, report.signed_rows) == (True, 3)


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
