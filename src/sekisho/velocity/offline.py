"""Counters over history: the same declarations, computed for every event of a frame at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.language import Catalogue, fields_of, polars_expression
from sekisho.velocity.conditions import NO_LISTS, canonical, checked_condition
from sekisho.velocity.gathering import DECIMAL, is_text_value
from sekisho.velocity.planner import TYPE_BITS, CounterPlan, plan_counters
from sekisho.velocity.replaying import Learned, replayed
from sekisho.velocity.spec import Aggregate, CounterRefused, CounterSpec
from sekisho.windows import Columns, window_columns

LABEL: Final = "label"
KNOWN_AT: Final = "label_known_at_us"
HASH_SEED: Final = 0x5E41540
REQUIRED: Final = ("event", "type", "at_us")
_COUNTS: Final = frozenset({Aggregate.COUNT, Aggregate.DISTINCT})


def compute_counters(
    frame: pl.DataFrame,
    specs: Iterable[CounterSpec],
    catalogue: Catalogue,
    *,
    whole_instants: bool = False,
) -> pl.DataFrame:
    """Every counter as of every event.

    Args:
        frame: one row an event, in order of arrival: `event` (its id), `type`, `at_us`, a column
            for each field of its record, and optionally `label_known_at_us`, from which instant on
            (inclusive) the row's `label` is seen; without it labels are known from the start.
        specs: the counters wanted.
        catalogue: the attributes that conditions may read.
        whole_instants: let counters that include the current event see all events of its instant,
            as an analyst's SQL over a closed window does, and not only those that came before it,
            as a live decision does.

    Returns:
        `event` and a column for each counter, null where it is missing: UInt32 for counts and
        different values, Boolean for what was never seen, else Float64. An event sees the rows
        before it, those of its own instant included. Rows out of time order and labels that
        become known inside a window are replayed one by one through the online kernel.

    Rows in order take about 100 bytes each beside the frame and the answers, whatever the number
    of counters; a replay takes much more, and time.

    Raises:
        CounterRefused: the frame lacks a column, or a declaration is wrong.
    """
    for name in REQUIRED:
        if name not in frame.columns:
            raise CounterRefused(f"the events need a column `{name}`", name)
    plan = plan_counters(specs, lambda text: canonical(text, catalogue, "where"))
    columns = _columns(frame, plan, catalogue)
    learned = _learned(frame, plan, columns, catalogue)
    if learned is None and frame["at_us"].is_sorted():
        answers = window_columns(plan.plan, columns, whole_instants=whole_instants)
    else:
        answers = replayed(plan.plan, columns, learned)
    found = (_series(spec, values) for spec, values in zip(plan.specs, answers, strict=True))
    return pl.DataFrame([frame["event"], *found])


def _series(spec: CounterSpec, values: NDArray[Any]) -> pl.Series:
    if spec.aggregate is Aggregate.UNSEEN:
        return pl.Series(spec.name, values == 1)
    if spec.aggregate in _COUNTS:
        return pl.Series(spec.name, values.astype(np.uint32, copy=False))
    series = pl.Series(spec.name, values)
    return series.fill_nan(None) if spec.may_be_missing else series


class _Made(Sequence[NDArray[Any]]):
    """Columns made whenever one is asked for, so that only those in use are held."""

    def __init__(self, names: Sequence[str], make: Callable[[str], NDArray[Any]]) -> None:
        self._names = names
        self._make = make

    @overload
    def __getitem__(self, at: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, at: slice) -> "_Made": ...
    def __getitem__(self, at: int | slice) -> "NDArray[Any] | _Made":
        if isinstance(at, slice):
            return _Made(self._names[at], self._make)
        return self._make(self._names[at])

    def __len__(self) -> int:
        return len(self._names)


def _columns(frame: pl.DataFrame, plan: CounterPlan, catalogue: Catalogue) -> Columns:
    types = (
        frame["type"].cast(pl.String).replace_strict(TYPE_BITS, default=0, return_dtype=pl.Int64)
    )
    return Columns(
        times=frame["at_us"].cast(pl.Int64).to_numpy(),
        types=types.to_numpy(),
        fields=_Made(plan.fields, lambda name: _identities(frame, name)),
        values=_Made(plan.values, lambda name: values_of(frame, name, catalogue)),
        conditions=_Made(plan.conditions, lambda text: condition_of(frame, text, catalogue)),
    )


def _identities(frame: pl.DataFrame, name: str) -> NDArray[np.uint64]:
    if name not in frame.columns:
        return np.zeros(len(frame), np.uint64)
    column = frame[name]
    if column.dtype.is_numeric():
        column = column.cast(pl.Float64) + 0.0  # -0 and 0 are one number
    elif column.dtype != pl.Boolean:
        column = column.cast(pl.String)
    identities = column.hash(HASH_SEED).to_numpy() | np.uint64(1)  # 0 is for absent
    if column.null_count():
        identities[column.is_null().to_numpy()] = 0
    return identities


def values_of(frame: pl.DataFrame, name: str, catalogue: Catalogue) -> NDArray[np.float64]:
    """What each event adds under a name, NaN for nothing; metadata holds numbers as text."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    column = frame[name]
    is_text = is_text_value(name, catalogue)
    if is_text and column.dtype == pl.String:
        decimal = column.str.contains(f"^(?:{DECIMAL})$")
        column = column.set(~decimal.fill_null(value=False), None)
    column = column.cast(pl.Float64).fill_null(float("nan"))
    return (column.set(column.is_infinite(), float("nan")) if is_text else column).to_numpy()


def condition_of(frame: pl.DataFrame, text: str, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Which events surely fulfil a condition."""
    tree = checked_condition(text, catalogue, "where")
    expression = polars_expression(tree, frame.columns, NO_LISTS)
    held = frame.select(expression.fill_null(value=False).alias("held"))["held"]
    values = held.to_numpy()
    return values if len(values) == len(frame) else np.full(len(frame), bool(values[0]))


def _learned(
    frame: pl.DataFrame, plan: CounterPlan, columns: Columns, catalogue: Catalogue
) -> Learned | None:
    """What becomes known late and must be replayed; None when no window can tell."""
    if KNOWN_AT not in frame.columns or LABEL not in frame.columns:
        return None
    on_label = [
        LABEL in fields_of(checked_condition(t, catalogue, "where")) for t in plan.conditions
    ]
    if not any(on_label) and LABEL not in plan.fields:
        return None
    known = frame[KNOWN_AT].cast(pl.Int64)
    delay = (known - frame["at_us"]).max()
    longest = delay if isinstance(delay, int) else 0
    if all(spec.lag_us >= longest for spec in plan.specs if _reads_label(spec)):
        return None
    unlabelled = frame.with_columns(pl.lit(None, frame[LABEL].dtype).alias(LABEL))
    before = replace(
        columns,
        fields=[_identities(unlabelled, name) for name in plan.fields],
        conditions=[condition_of(unlabelled, text, catalogue) for text in plan.conditions],
    )
    return Learned(before, known.fill_null(0).to_numpy(), known.is_not_null().to_numpy())


def _reads_label(spec: CounterSpec) -> bool:
    texts = (f":{name}:" for name in (*spec.by, spec.value))
    return any(f":{LABEL}:" in text for text in (*texts, spec.where, spec.matching))
