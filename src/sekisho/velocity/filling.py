"""Many events at once as the words of the store: what `gathering` makes of one record."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from sekisho.language import Catalogue, fields_of
from sekisho.velocity.conditions import checked_condition
from sekisho.velocity.gathering import number_identity
from sekisho.velocity.offline import condition_of, values_of
from sekisho.velocity.planner import TYPE_BITS, CounterPlan

BITS: Final = 64


def attributes_read(plan: CounterPlan, catalogue: Catalogue) -> frozenset[str]:
    """The attributes of an event that counting it looks at."""
    tested = [fields_of(checked_condition(text, catalogue, "where")) for text in plan.conditions]
    return frozenset(plan.fields).union(plan.values, *tested)


def event_words(
    frame: pl.DataFrame, plan: CounterPlan, catalogue: Catalogue, seed: int
) -> NDArray[np.int64]:
    """A row of words for each event, in the order in which the store takes them.

    Args:
        frame: `type`, `at_us` and a column for each attribute that counting looks at; a column
            that is not there is missing for every event.
        plan: the counters.
        catalogue: the attributes that conditions may read.
        seed: what identities are keyed with: the one that live events are counted with.
    """
    fixed = 2 + plan.plan.condition_words
    width = fixed + len(plan.fields) + len(plan.values)
    words = np.zeros((frame.height, width), np.int64)
    types = frame["type"].replace_strict(TYPE_BITS, default=0, return_dtype=pl.Int64)
    words[:, 0] = frame["at_us"].to_numpy()
    words[:, 1] = types.to_numpy()
    for at, text in enumerate(plan.conditions):
        held = condition_of(frame, text, catalogue).astype(np.uint64)
        words[:, 2 + at // BITS].view(np.uint64)[:] |= held << np.uint64(at % BITS)
    for at, name in enumerate(plan.fields):
        words[:, fixed + at] = identities_of(frame, name, seed).view(np.int64)
    reals = words.view(np.float64)
    for at, name in enumerate(plan.values):
        reals[:, fixed + len(plan.fields) + at] = values_of(frame, name, catalogue)
    return words


def identities_of(frame: pl.DataFrame, name: str, seed: int) -> NDArray[np.uint64]:
    """The identity of a field in every event, 0 where it is absent; each value is hashed once."""
    if name not in frame.columns:
        return np.zeros(frame.height, np.uint64)
    column = frame[name]
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return _hashed(column.cast(pl.Float64), lambda number: number_identity(number, seed))
    return _hashed(
        column.cast(pl.String),
        lambda text: xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), seed) or 2,
    )


def _hashed(column: pl.Series, identity: Callable[[Any], int]) -> NDArray[np.uint64]:
    values = column.unique().drop_nulls()
    identities = pl.Series([identity(value) for value in values.to_list()], dtype=pl.UInt64)
    found = column.replace_strict(values, identities, default=0, return_dtype=pl.UInt64)
    return found.fill_null(0).to_numpy()
