"""Imported history into counters: in columns, and as if each row had come through the checkpoint.

An event counts at its own time with all that was learned of it later; an outcome counts at its own
time with the keys and facts of its subject, as they were known then. That is what the fold over
the log leaves behind, so one addition a row is enough.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

import polars as pl

from sekisho.events import OUTCOME_TYPES, ReceiveContext, with_amounts
from sekisho.flow import ISSUER_CHECKS
from sekisho.history.archive import Archive
from sekisho.history.past import KEYS
from sekisho.velocity import Counters

ANSWERED: Final = ("outcome", *ISSUER_CHECKS)
"""What an issuer's answer settles of an event."""
LABEL: Final = "label"
_OF_SUBJECT: Final = "subject:"
_KNOWN: Final = "known:"


def count_imported(
    archive: Archive,
    counters: Counters,
    context: ReceiveContext,
    now_us: int,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Count everything that was imported.

    Held in memory at a time: one segment, all outcomes and the events they are about, and of each
    only the attributes that the counters look at.

    Args:
        archive: where the history lies.
        counters: fresh ones.
        context: which currencies amounts are converted to, and at what rates.
        now_us: contributions that no counter can reach at this time are dropped again.
        progress: told how many rows are done.

    Raises:
        HistoryDamaged: a segment is missing.
    """
    segments = archive.imported
    if not segments:
        return
    now_us = min(now_us, max(one.last_us for one in segments))
    names = counters.attributes
    columns = {*KEYS, *names, "amount", "currency", "outcome"}
    told = _outcomes(archive, columns)
    wanted = pl.Series("about", told["about"].unique()) if told.height else told["about"]
    learned = [name for name in (*ANSWERED, LABEL) if name in names and name in told.columns]
    done = 0
    later: list[pl.DataFrame] = []
    for segment in segments:
        rows = archive.read(segment, columns)
        happened = with_amounts(rows.filter(~pl.col("type").is_in(list(OUTCOME_TYPES))), context)
        is_subject = happened["event"].is_in(wanted.implode())
        counters.apply_many(happened.filter(~is_subject))
        later.append(happened.filter(is_subject))
        _sweep(counters, now_us)
        done += rows.height
        progress(done)
    _count_told(counters, with_amounts(told, context), later, learned)
    _sweep(counters, now_us)


def _count_told(
    counters: Counters, told: pl.DataFrame, later: list[pl.DataFrame], learned: Sequence[str]
) -> None:
    """Count outcomes, and the events that they are about."""
    subjects = pl.concat(later, how="diagonal_relaxed")
    if not subjects.height:
        return
    known = _known(told, subjects, learned)
    last = known.group_by("about").agg(
        pl.col(_KNOWN + name).drop_nulls().last() for name in learned
    )
    final = subjects.join(last, left_on="event", right_on="about", how="left")
    counters.apply_many(final.with_columns(_first_known(name, final) for name in learned))
    own = [name for name in told.columns if name not in KEYS]
    inherited = [
        name for name in subjects.columns if name not in KEYS and name in counters.attributes
    ]
    counters.apply_many(
        known.select(*KEYS, *(_inherited(name, own, learned, inherited) for name in
                              dict.fromkeys([*own, *inherited])))
    )  # fmt: skip


def _known(told: pl.DataFrame, subjects: pl.DataFrame, learned: Sequence[str]) -> pl.DataFrame:
    """Outcomes beside their subjects, with what was known of them when each outcome had come."""
    beside = subjects.rename({name: _OF_SUBJECT + name for name in subjects.columns})
    joined = told.join(
        beside, left_on="about", right_on=_OF_SUBJECT + "event", how="inner", maintain_order="left"
    )
    blocked = (
        pl.col(_OF_SUBJECT + "outcome") == "blocked"
        if _OF_SUBJECT + "outcome" in joined.columns
        else pl.lit(value=False)
    ).fill_null(value=False)
    answers = (pl.col("type") == "authorization") & ~blocked
    labels = pl.col("type") == LABEL
    return joined.with_columns(
        pl.when(labels if name == LABEL else answers)
        .then(pl.col(name))
        .forward_fill()
        .over("about")
        .alias(_KNOWN + name)
        for name in learned
    )


def _first_known(name: str, frame: pl.DataFrame) -> pl.Expr:
    said = pl.col(_KNOWN + name)
    return (pl.coalesce(said, name) if name in frame.columns else said).alias(name)


def _inherited(
    name: str, own: Sequence[str], learned: Sequence[str], inherited: Sequence[str]
) -> pl.Expr:
    """An outcome's own fact, else what was known of its subject, else what its subject said."""
    places = [name] if name in own else []
    places += [_KNOWN + name] if name in learned else []
    places += [_OF_SUBJECT + name] if name in inherited else []
    return pl.coalesce(places).alias(name)


def _outcomes(archive: Archive, columns: Collection[str]) -> pl.DataFrame:
    """All outcomes in the order of their times."""
    parts = [
        archive.read(segment, columns).filter(pl.col("type").is_in(list(OUTCOME_TYPES)))
        for segment in archive.imported
    ]
    return pl.concat(parts, how="diagonal_relaxed").sort("at_us", maintain_order=True)


def _sweep(counters: Counters, now_us: int) -> None:
    while not counters.evict(now_us):
        pass
