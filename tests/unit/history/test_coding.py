from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from sekisho.history import Archive
from sekisho.history.archive import PLAIN
from sekisho.history.coding import coded, decoded

NAN = float("nan")
ROWS = pl.DataFrame(
    {
        "event": ["a", "b", "c", "d"],
        "type": ["payment"] * 4,
        "at_us": [1, 2, 3, 4],
        "about": pl.Series([None] * 4, dtype=pl.String),
        "count": [0.0, 254.0, None, 7.0],
        "large": [0.0, 255.0, None, 7.0],
        "below": [0.0, -1.0, None, 7.0],
        "part": [0.0, 0.5, None, 7.0],
        "odd": [0.0, NAN, None, 7.0],
        "endless": [0.0, float("inf"), None, 7.0],
        "country": ["us", None, "", "\0"],
        "flag": [True, None, False, True],
        "nothing": pl.Series([None] * 4, dtype=pl.Float64),
        "silent": pl.Series([None] * 4, dtype=pl.String),
    }
)


def test_whole_small_numbers_and_few_texts_take_a_byte() -> None:
    narrow = coded(ROWS, PLAIN)
    assert {name for name in narrow.columns if narrow[name].dtype == pl.UInt8} == {
        "count", "nothing",
    }  # fmt: skip
    texts = {name for name in narrow.columns if isinstance(narrow[name].dtype, pl.Enum)}
    assert texts == {"type", "country", "silent"}
    assert_frame_equal(narrow.with_columns(decoded(narrow.schema)), ROWS)


def test_many_different_texts_stay_as_they_are() -> None:
    rows = pl.DataFrame({"few": [str(at % 254) for at in range(10_000)]})
    rows = rows.with_columns(many=pl.Series([str(at // 39) for at in range(10_000)]))
    assert coded(rows, ()).schema == {"few": pl.Enum(sorted(set(rows["few"]))), "many": pl.String}


def test_segments_read_as_they_were_given_whatever_their_neighbours_hold(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "history")
    later = ROWS.with_columns(
        count=pl.col("count") + 0.5, country=pl.lit("jp"), at_us=pl.lit(9, pl.Int64)
    )
    archive.add(ROWS, "import", batch="one")
    archive.add(later, "log", last_seq=4)
    assert_frame_equal(archive.scan(0, 10).collect(), pl.concat([ROWS, later]))
    assert_frame_equal(archive.read(archive.segments[0], ["count"]), ROWS.select("count"))


def test_archives_from_before_narrow_columns_are_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "history")
    segment = archive.add(ROWS, "import", batch="one")
    ROWS.write_parquet(archive.directory / segment.name, compression="zstd")
    assert_frame_equal(archive.scan(0, 10).collect(), ROWS)
