"""Narrow columns: how segments hold attributes of few different values in one byte a row.

Whole numbers up to `LARGEST` lie as `UInt8`, texts of few different values as `Enum` with its own
dictionary in each segment; missing values stay null. Every other column lies as rules read it.
"""

from collections.abc import Collection, Mapping
from typing import Final

import polars as pl

LARGEST: Final = 254
"""The code 255 is left to readers that need one for missing values."""
SAMPLE: Final = 4_096
"""Rows that rule a column out before all of it is looked at."""


def coded(frame: pl.DataFrame, plain: Collection[str]) -> pl.DataFrame:
    """A frame with every column narrow that can be.

    Args:
        frame: records as rules read them.
        plain: columns that stay as they are.
    """
    return frame.with_columns(
        _coded(series) for series in frame.get_columns() if series.name not in plain
    )


def decoded(schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Narrow columns of a frame as rules read them, under their own names."""
    return [
        pl.col(name).cast(pl.Float64 if dtype == pl.UInt8 else pl.String)
        for name, dtype in schema.items()
        if is_coded(dtype)
    ]


def is_coded(dtype: pl.DataType) -> bool:
    """Whether a column of that type in a segment is narrow."""
    return dtype == pl.UInt8 or isinstance(dtype, pl.Enum)


def _coded(series: pl.Series) -> pl.Series:
    if series.dtype == pl.Float64 and _fits(series.head(SAMPLE)) and _fits(series):
        return series.cast(pl.UInt8)
    if series.dtype == pl.String and _texts(series.head(SAMPLE)) is not None:
        texts = _texts(series)
        return series if texts is None else series.cast(pl.Enum(texts))
    return series


def _fits(numbers: pl.Series) -> bool:
    """Whether a byte holds every number."""
    small = numbers.is_between(0, LARGEST) & (numbers == numbers.floor())
    return bool(small.all())  # nulls are passed over


def _texts(texts: pl.Series) -> list[str] | None:
    """The different texts in order, if a byte can number them."""
    found = texts.unique().drop_nulls()
    return found.sort().to_list() if len(found) <= LARGEST else None
