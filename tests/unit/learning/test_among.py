import polars as pl

from sekisho.learning.among import Among


def test_texts_are_found_among_many_and_missing_ones_are_not() -> None:
    wanted = pl.Series([f"e{at}" for at in range(0, 5_000, 3)] + [None])
    asked = pl.Series([f"e{at}" for at in range(5_000)] + [None])
    found = Among(wanted).has(asked).to_list()
    assert found == [at % 3 == 0 for at in range(5_000)] + [False]


def test_nothing_is_among_no_texts() -> None:
    assert (
        Among(pl.Series([], dtype=pl.String)).has(pl.Series(["a", None])).to_list() == [False] * 2
    )
