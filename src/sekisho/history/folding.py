"""Rows of the log become columns: records as they were evaluated, with what was decided."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec
import polars as pl

from sekisho.events import ReceiveContext, Scalar, column_type, receive
from sekisho.history.archive import Archive, Segment
from sekisho.ledger import Ledger, LogReader, Recorded

SEGMENT_ROWS: Final = 200_000
"""Rows in one segment of the log: some 20 MB in memory while it is written."""

DECISION_SCHEMA: Final[dict[str, Any]] = {
    "event": pl.String,
    "type": pl.String,
    "at_us": pl.Int64,
    "about": pl.String,
    "recorded_us": pl.Int64,
    "decision": pl.String,
    "decided": pl.String,
    "rule": pl.String,
    "hits": pl.List(pl.String),
    "ruleset": pl.String,
    "degraded": pl.Boolean,
    "overridden": pl.Boolean,
    "shadow": pl.List(pl.String),
    "holdout_probability": pl.Float64,
    "holdout_passed": pl.Boolean,
    "holdout_rule": pl.String,
    "beside_version": pl.String,
    "beside_decided": pl.String,
    "beside_rule": pl.String,
    "beside_hits": pl.List(pl.String),
}
"""Columns besides attributes; `decided` is the outcome, `hits` are ids of rules that matched.

`overridden` says that an Allow rule rescued the event; `shadow` are rules in shadow that matched;
what a holdout made of a would-be block is null where it had no say; `beside` tells what a whole set
in shadow decided.
"""


class _Rule(msgspec.Struct, gc=False):
    id: str


class _Hit(msgspec.Struct, gc=False):
    rule: str


class _Versions(msgspec.Struct, gc=False):
    ruleset: str


class _Held(msgspec.Struct, gc=False):
    probability: float
    passed: bool
    rule: str


class _Beside(msgspec.Struct, gc=False):
    version: str
    outcome: str
    rule: str | None
    hits: list[_Hit]


class _Told(msgspec.Struct, gc=False):
    """What an answer tells of a decision."""

    id: str
    outcome: str
    rule: _Rule | None
    hits: list[_Hit]
    attributes: dict[str, Scalar]
    versions: _Versions
    degraded: list[msgspec.Raw]
    rule_override_by_allow_rule: bool = False
    shadow: list[_Hit] | None = None
    holdout: _Held | None = None
    shadow_ruleset: _Beside | None = None


_ANSWER: Final = msgspec.json.Decoder(_Told)


def decision_columns(rows: Iterable[Recorded], context: ReceiveContext) -> pl.DataFrame:
    """Decisions and outcomes of the log as one frame; other rows are passed over.

    The attributes of a decided event are its own and those its answer lists, so they are the
    values at the time of the event. Metadata has the names that rules use.
    """
    schema = dict(DECISION_SCHEMA)
    records: list[dict[str, Any]] = []
    for row in rows:
        if row.kind == "control":
            continue
        event = receive(row.body, row.at_us, context)
        record: dict[str, Any] = dict(event.record)
        if row.kind == "decision":
            told = _ANSWER.decode(row.answer)
            record |= told.attributes
            record |= {
                "decision": told.id,
                "decided": told.outcome,
                "rule": told.rule.id if told.rule else None,
                "hits": [hit.rule for hit in told.hits],
                "ruleset": told.versions.ruleset,
                "degraded": bool(told.degraded),
                "overridden": told.rule_override_by_allow_rule,
                "shadow": None if told.shadow is None else [hit.rule for hit in told.shadow],
            }
            record |= _on_trial(told)
        record |= {
            "event": event.id,
            "type": event.type,
            "at_us": event.at_us,
            "about": event.about or None,
            "recorded_us": row.recorded_us,
        }
        for name in record:
            if name not in schema:
                schema[name] = column_type(name, context)
        records.append(record)
    return pl.DataFrame(records, schema=schema, orient="row", strict=False)


def _on_trial(told: _Told) -> dict[str, Any]:
    """What a holdout and a set in shadow made of an event."""
    held, beside = told.holdout, told.shadow_ruleset
    record: dict[str, Any] = {}
    if held is not None:
        record["holdout_probability"] = held.probability
        record["holdout_passed"] = held.passed
        record["holdout_rule"] = held.rule
    if beside is not None:
        record["beside_version"] = beside.version
        record["beside_decided"] = beside.outcome
        record["beside_rule"] = beside.rule
        record["beside_hits"] = [hit.rule for hit in beside.hits]
    return record


def fold_log(
    ledger: Ledger | LogReader,
    archive: Archive,
    context: ReceiveContext,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Bring the archive up to the end of the log; how many rows were folded.

    The last segment is written anew while it is short, so that many small steps leave few files.
    """
    done = 0
    for block in _blocks(ledger.read_from(archive.folded_seq + 1), SEGMENT_ROWS):
        frame = decision_columns(block, context)
        short = _short_segment(archive)
        if short is not None:
            frame = pl.concat([archive.read(short), frame], how="diagonal_relaxed")
        if frame.height:
            archive.add(frame, "log", last_seq=block[-1].seq, instead_of=short)
        done += len(block)
        progress(done)
    return done


def _short_segment(archive: Archive) -> Segment | None:
    newest = next((one for one in reversed(archive.segments) if one.source == "log"), None)
    return newest if newest is not None and newest.rows < SEGMENT_ROWS // 2 else None


def _blocks(rows: Iterator[Recorded], size: int) -> Iterator[list[Recorded]]:
    while block := list(islice(rows, size)):
        yield block
