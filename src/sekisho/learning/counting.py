"""Counters that history does not hold, computed for every event of it as of its time."""

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from sekisho.events import DECIDED_TYPES, OUTCOME_TYPES
from sekisho.history import fates
from sekisho.language import Catalogue, check_condition, fields_of
from sekisho.learning.money import PREFIX, with_amounts
from sekisho.learning.past import Settled
from sekisho.velocity import CounterSpec, compute_counters

LABEL: Final = "label"
KNOWN_AT: Final = "label_known_at_us"
ROW: Final = "\0row"
_OUTCOMES: Final = (
    "event", "type", "at_us", "about", "is_fraudulent", "refund_reason", "verdict", "outcome",
    LABEL,
)  # fmt: skip


def stored_values(settled: Settled, names: Iterable[str]) -> frozenset[str]:
    """Those of these attributes that every decided event of the period has."""
    lazy = settled.past.archive.scan(settled.from_us, settled.to_us)
    columns = lazy.collect_schema().names()
    there = [name for name in names if name in columns]
    if not there:
        return frozenset()
    decided = lazy.filter(pl.col("type").is_in(list(DECIDED_TYPES)))
    nulls = decided.select(pl.col(there).null_count()).collect(engine="streaming").row(0)
    return frozenset(name for name, missing in zip(there, nulls, strict=True) if not missing)


def computed_counters(settled: Settled, specs: Sequence[CounterSpec]) -> pl.DataFrame:
    """A column for each counter, one row for each row of the history before the period's end.

    Events count in the order of their times. What the issuer answered counts as known with the
    payment, a second early; a label counts from the moment at which it was known; disputes,
    warnings and refunds count at their own time under the keys of what they are about.

    Counters of one key are computed together, key after key, so that memory holds the texts of
    one key only, and the answers.
    """
    groups: dict[tuple[str, ...], list[CounterSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.by, []).append(spec)
    parts = [_of_one_key(settled, group) for group in groups.values()]
    return pl.concat(parts, how="horizontal").select(spec.name for spec in specs)


def _of_one_key(settled: Settled, specs: Sequence[CounterSpec]) -> pl.DataFrame:
    past = settled.past
    fields = sorted(frozenset[str]().union(*(fields_read(one, past.catalogue) for one in specs)))
    counted = frozenset[str]().union(*(frozenset(one.of) for one in specs))
    learns = LABEL in fields or "outcome" in fields
    inherits = bool(counted & set(OUTCOME_TYPES))
    frame = _events(settled, fields, with_ids=learns or inherits)
    if learns:
        frame = _with_what_became(frame, settled)
    if inherits:
        frame = _under_their_subjects(frame, fields)
    frame = frame.with_columns(event=ROW)  # numbers name rows as well, in less memory
    if frame["at_us"].is_sorted():
        return compute_counters(frame, specs, past.catalogue).drop("event")
    frame = frame.sort("at_us", maintain_order=True)
    return compute_counters(frame, specs, past.catalogue).sort("event").drop("event")


def _events(settled: Settled, fields: Sequence[str], *, with_ids: bool) -> pl.DataFrame:
    """All events before the period's end with these fields, numbered in the archive's order."""
    past = settled.past
    lazy = past.archive.scan(0, settled.to_us)
    schema = lazy.collect_schema().names()
    amounts = [name for name in fields if name.startswith(PREFIX)]
    converts = amounts and "amount" in schema
    wanted = ["type", "at_us", *fields]
    wanted += ["event", "about", "decided", KNOWN_AT] if with_ids else []
    wanted += ["amount", "currency"] if converts else []
    kept = [name for name in dict.fromkeys(wanted) if name in schema]
    frame = lazy.select(kept).with_row_index(ROW).collect(engine="streaming")
    return with_amounts(frame, amounts, past.rates) if converts else frame


def fields_read(spec: CounterSpec, catalogue: Catalogue) -> frozenset[str]:
    """The fields of an event that a counter looks at."""
    fields = {*spec.by, spec.value} - {""}
    for text in (spec.where, spec.matching):
        condition = check_condition(text, catalogue).condition if text else None
        fields |= fields_of(condition) if condition else frozenset[str]()
    return frozenset(fields)


def _with_what_became(frame: pl.DataFrame, settled: Settled) -> pl.DataFrame:
    """Decided events with the issuer's answer and the label that came to them later."""
    lazy = settled.past.archive.scan(0, settled.as_of_us + 1)
    columns = [name for name in _OUTCOMES if name in lazy.collect_schema().names()]
    kinds = ["authorization", "label"]
    lazy = lazy.select(columns).filter(pl.col("type").is_in(kinds))
    known = fates(lazy, settled.as_of_us).select("event", "approved", "truth", "truth_us")
    frame = frame.join(known.collect(), on="event", how="left", maintain_order="left")
    is_decided = pl.col("type").is_in(list(DECIDED_TYPES))

    def own(name: str, dtype: type[pl.DataType]) -> pl.Expr:
        return pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype)

    answered = pl.when(pl.col("approved")).then(pl.lit("authorized"))
    answered = answered.when(~pl.col("approved")).then(pl.lit("declined"))
    blocked = pl.when(own("decided", pl.String) == "block").then(pl.lit("blocked"))
    outcome = pl.coalesce(own("outcome", pl.String), blocked, answered)
    return frame.with_columns(
        pl.when(is_decided).then(outcome).otherwise(own("outcome", pl.String)).alias("outcome"),
        pl.when(is_decided).then(pl.coalesce("truth", own(LABEL, pl.String))).alias(LABEL),
        pl.coalesce("truth_us", own(KNOWN_AT, pl.Int64)).alias(KNOWN_AT),
    ).drop("approved", "truth", "truth_us")


def _under_their_subjects(frame: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Outcomes with what they lack taken over from the event they are about."""
    inherited = [name for name in fields if name in frame.columns]
    decided = frame.filter(pl.col("type").is_in(list(DECIDED_TYPES)))
    subjects = decided.select(pl.col("event").alias("about"), *inherited).unique(
        "about", keep="first"
    )
    joined = frame.join(subjects, on="about", how="left", suffix="\0", maintain_order="left")
    whole = [pl.coalesce(name, f"{name}\0").alias(name) for name in inherited]
    return joined.with_columns(whole).drop([f"{name}\0" for name in inherited])
