"""Snapshots: the newest sound one of this very chain, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sekisho.ledger import Snapshot, Snapshots

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Desk

PARTS = {
    "counts": np.arange(12, dtype=np.int64).reshape(3, 4),
    "sums": np.array([0.5, -1.0]),
    "flags": np.array([True, False, True]),
    "empty": np.zeros((0, 3)),
    "names": b"some bytes, whatever they are",
}


def snapshot(seq: int) -> Snapshot:
    return Snapshot(seq, b"h" * 32, PARTS)


def test_saved_parts_come_back_equal_aligned_and_writable(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.save("counters", snapshot(5))
    found = snapshots.load_latest("counters")
    assert found is not None
    assert (found.seq, found.chain_hash) == (5, b"h" * 32)
    assert list(found.parts) == list(PARTS)
    for name, part in PARTS.items():
        back = found.parts[name]
        if isinstance(part, bytes):
            assert back == part
        else:
            assert isinstance(back, np.ndarray)
            assert back.dtype == part.dtype
            assert back.flags.aligned
            assert back.flags.writeable
            np.testing.assert_array_equal(back, part)


def test_only_the_newest_two_are_kept(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    for seq in (1, 20, 300):
        snapshots.save("counters", snapshot(seq))
    assert len(list(tmp_path.iterdir())) == 2
    found = snapshots.load_latest("counters")
    assert found is not None
    assert found.seq == 300


def test_names_do_not_meet(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.save("counters-a", snapshot(9))
    snapshots.save("counters", snapshot(3))
    found = snapshots.load_latest("counters")
    assert found is not None
    assert found.seq == 3


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign"])
def test_damaged_snapshot_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    snapshots = Snapshots(tmp_path)
    snapshots.save("counters", snapshot(1))
    newest = snapshots.save("counters", snapshot(2))
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 4
    newest.write_bytes(
        {"flip": bytes(data), "cut": data[:-9], "empty": b"", "foreign": b"x" * 500}[damage]
    )
    found = snapshots.load_latest("counters")
    assert found is not None
    assert found.seq == 1


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = Snapshots(tmp_path).save("counters", Snapshot(1, b"", {"a": b"12345678"}))
    whole = path.read_bytes()
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1
        path.write_bytes(data)
        assert Snapshots(tmp_path).load_latest("counters") is None


def test_unfinished_temporary_file_is_not_a_snapshot(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path)
    (tmp_path / "counters-00000000000000000007.snapshot.tmp").write_bytes(b"half")
    assert snapshots.load_latest("counters") is None


def test_ledger_takes_back_only_snapshots_of_its_own_chain(desk: Desk) -> None:
    for n in range(10):
        desk.ledger.append(desk.decision(n))
    desk.settle()
    desk.ledger.save_snapshot("counters", 0, PARTS)
    desk.ledger.save_snapshot("counters", 8, PARTS)
    found = desk.ledger.load_snapshot("counters")
    assert found is not None
    assert found.seq == 8
    foreign = Snapshots(desk.directory / "snapshots")
    foreign.save("counters", Snapshot(9, b"of another chain", PARTS))
    foreign.save("counters", Snapshot(500, b"of rows never recorded here", PARTS))
    assert desk.ledger.load_snapshot("counters") is None
    assert desk.ledger.load_snapshot("models") is None
