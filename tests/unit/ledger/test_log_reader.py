"""Reading the log of a directory that may not be written."""

from pathlib import Path

import apsw
import pytest

from sekisho.durable import StoreError
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node
from sekisho.ledger import LogReader, reading


@pytest.fixture
def unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed directory in which SQLite cannot make the files it shares with a writer."""
    node = open_node(Settings(data=tmp_path / "data"))
    node.decide(b'{"type": "payment", "id": "p", "amount": 500, "currency": "usd"}')
    node.close()

    def refuse(*_: object) -> None:
        raise apsw.CantOpenError("read-only")

    monkeypatch.setattr(reading, "open_reader", refuse)
    return tmp_path / "data/sekisho.db"


def test_directory_that_may_not_be_written_is_read_as_it_lies(unwritable: Path) -> None:
    log = LogReader(unwritable)
    kinds = [row.kind for row in log.read_from()]
    log.close()
    assert kinds == ["control", "decision"]


def test_rows_that_only_the_write_ahead_log_holds_are_never_left_out(unwritable: Path) -> None:
    unwritable.with_name("sekisho.db-wal").write_bytes(b"rows")
    with pytest.raises(StoreError, match="write-ahead log"):
        LogReader(unwritable)
