from pathlib import Path

import polars as pl
import pytest

from sekisho.history import Archive, HistoryDamaged


def events(first: int, count: int, **columns: object) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "event": [f"e{first + at}" for at in range(count)],
            "type": ["payment"] * count,
            "at_us": [first + at for at in range(count)],
            "about": pl.Series([None] * count, dtype=pl.String),
            **columns,
        }
    )


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "history")


def test_events_come_back_by_time_with_columns_that_some_segments_lack(archive: Archive) -> None:
    archive.add(events(0, 10), "import", batch="one")
    archive.add(events(10, 10, amount=[1.5] * 10), "log", last_seq=7)
    found = archive.scan(5, 15).collect().sort("at_us")
    assert found["at_us"].to_list() == list(range(5, 15))
    assert found["amount"].to_list() == [None] * 5 + [1.5] * 5
    assert archive.scan(5, 15, source="log").collect().height == 5
    assert archive.folded_seq == 7


def test_an_empty_archive_answers_with_no_events(archive: Archive) -> None:
    assert archive.scan(0, 10).collect().height == 0
    assert archive.folded_seq == 0
    archive.check()


def test_another_reader_sees_what_is_listed_and_nothing_unfinished(
    archive: Archive, tmp_path: Path
) -> None:
    archive.add(events(0, 3), "import", batch="one")
    (tmp_path / "history" / "import-00002.parquet").write_bytes(b"half a file")
    again = Archive(tmp_path / "history")
    assert again.scan(0, 10).collect().height == 3
    again.add(events(5, 2), "import", batch="two")
    assert Archive(tmp_path / "history").scan(0, 10).collect().height == 5


def test_an_import_can_be_taken_out_again(archive: Archive) -> None:
    archive.add(events(0, 3), "import", batch="one")
    archive.add(events(3, 4), "import", batch="two")
    assert archive.drop("one") == 3
    assert archive.scan(0, 10).collect()["at_us"].to_list() == [3, 4, 5, 6]
    assert len(list(archive.directory.glob("*.parquet"))) == 1


def test_a_segment_put_in_place_of_another_loses_nothing_and_counts_once(archive: Archive) -> None:
    short = archive.add(events(0, 3), "log", last_seq=3)
    whole = pl.concat([archive.read(short), events(3, 2)])
    archive.add(whole, "log", last_seq=5, instead_of=short)
    assert archive.scan(0, 10).collect().height == 5
    assert [one.last_seq for one in archive.segments] == [5]


@pytest.mark.parametrize("harm", ["alter", "remove"])
def test_a_harmed_segment_is_found_and_named(archive: Archive, harm: str) -> None:
    segment = archive.add(events(0, 3), "import", batch="one")
    path = archive.directory / segment.name
    if harm == "alter":
        path.write_bytes(path.read_bytes() + b"x")
    else:
        path.unlink()
    with pytest.raises(HistoryDamaged, match=segment.name):
        archive.check()


def test_a_manifest_that_cannot_be_read_is_no_empty_history(archive: Archive) -> None:
    archive.add(events(0, 3), "import", batch="one")
    (archive.directory / "segments.json").write_bytes(b"[{")
    with pytest.raises(HistoryDamaged, match=r"segments\.json"):
        Archive(archive.directory)
