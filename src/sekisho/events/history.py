"""A whole history at once: columns become records, the same values as one event at a time.

What is plain is worked out in columns. Every row with anything unusual in it (a long text, many
digits, a value the door might refuse) goes through `receive` itself, so the two ways cannot differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from sekisho.events import messages
from sekisho.events.build import LATEST_US
from sekisho.events.columns import KNOWN_AT, LABEL, ROW, fields_from_frame, unreadable
from sekisho.events.context import KIND_OF, Kind, ReceiveContext
from sekisho.events.mapping import EventMap
from sekisho.events.receive import receive
from sekisho.events.records import DTYPES, ColumnRecords, amounts_in
from sekisho.events.refusal import EventRefused
from sekisho.kit.clock import iso

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """Records of the rows that were taken, and the rows that were not, with the reason.

    Attributes:
        records: `event`, `type`, `at_us`, `about`, then one column an attribute, folded; where the
            map has a label also `label` and `label_known_at_us`. In the order of the data.
        rejected: `row` (from 0), `place`, `code`, `message` of each problem.
    """

    records: pl.DataFrame
    rejected: pl.DataFrame


def history_from_frame(
    frame: pl.DataFrame,
    event_map: EventMap,
    context: ReceiveContext | None = None,
    *,
    strict: bool = False,
) -> History:
    """Records of a history, as `receive` would make them row by row.

    Args:
        frame: the data.
        event_map: which column fills which field.
        context: catalogue and rates.
        strict: refuse a row where a column holds what its field cannot; otherwise the field is
            missing.

    Raises:
        MapError: the map does not fit the data.
    """
    context = context or ReceiveContext()
    fields = fields_from_frame(frame, event_map, context).with_row_index(ROW)
    taken: list[pl.DataFrame] = []
    problems = unreadable(frame, fields, event_map) if strict else []
    if problems:
        fields = fields.filter(~pl.col(ROW).is_in({row for row, *_ in problems}))
    for (kind,), rows in fields.group_by("type", maintain_order=True):
        hard = rows
        if kind in messages.MESSAGES:
            easy, records = ColumnRecords(str(kind), rows, context).records()
            taken.append(records)
            hard = rows.filter(~easy)
        records, found = _one_by_one(hard, context)
        taken.append(records)
        problems += found
    records = pl.concat(taken, how="diagonal_relaxed") if taken else _frame([], context)
    records = _with_labels(records, fields).sort(ROW).drop(ROW)
    schema = {"row": pl.Int64, "place": pl.String, "code": pl.String, "message": pl.String}
    return History(records, pl.DataFrame(problems, schema=schema, orient="row").sort("row"))


def records_from_frame(
    frame: pl.DataFrame, event_map: EventMap, context: ReceiveContext | None = None
) -> pl.DataFrame:
    """The records of the rows that were taken; `history_from_frame` also tells of the others."""
    return history_from_frame(frame, event_map, context).records


def with_amounts(records: pl.DataFrame, context: ReceiveContext) -> pl.DataFrame:
    """Records with the amounts in currencies that the context wants and they do not have yet."""
    if not {"amount", "currency"} <= set(records.columns):
        return records
    wanted = {f"amount_in_{code}" for code in context.currencies}
    made = amounts_in(records["amount"], records["currency"], context)
    return records.with_columns(
        records[name].fill_null(series) if name in records.columns else series.alias(name)
        for name, series in made.items()
        if name in wanted
    )


def payloads_from_frame(
    frame: pl.DataFrame, event_map: EventMap, context: ReceiveContext | None = None
) -> Iterator[Payload]:
    """The rows as payloads for `receive`, labels of hindsight left out."""
    yield from _payloads(fields_from_frame(frame, event_map, context or ReceiveContext()))


def labels_from_frame(
    frame: pl.DataFrame, event_map: EventMap, context: ReceiveContext | None = None
) -> Iterator[Payload]:
    """A label event for each row that has a label of hindsight, at the time it became known."""
    fields = fields_from_frame(frame, event_map, context or ReceiveContext())
    if LABEL not in fields.columns or "id" not in fields.columns:
        return
    known = fields.filter(pl.col(KNOWN_AT).is_not_null() & (pl.col("type") != "label"))
    for about, label, at_us in known.select("id", LABEL, KNOWN_AT).iter_rows():
        yield {"type": "label", "id": f"label_{about}", "about": about, "label": label,
               "occurred_at": iso(at_us)}  # fmt: skip


def _payloads(fields: pl.DataFrame) -> Iterator[Payload]:
    columns = [name for name in fields.columns if name not in {ROW, KNOWN_AT}]
    places = [_place(name) for name in columns]
    for row in fields.select(columns).iter_rows():
        payload: Payload = {}
        for (scope, name), value in zip(places, row, strict=True):
            if value is None:
                continue
            if scope:
                payload.setdefault(scope, {})[name] = value
            elif name in {"occurred_at", "customer_created_at"}:
                payload[name] = _rfc3339(value)
            else:
                payload[name] = value
        if LABEL in payload and payload.get("type") != "label":
            del payload[LABEL]
        yield payload


def _place(path: str) -> tuple[str, str]:
    scope, dot, name = path.partition(".")
    return (scope, name) if dot else ("", path)


def _rfc3339(at_us: int) -> str | int:
    return iso(at_us) if 0 <= at_us < LATEST_US else at_us


def _one_by_one(
    rows: pl.DataFrame, context: ReceiveContext
) -> tuple[pl.DataFrame, list[tuple[int, str, str, str]]]:
    """The rows through the door itself: records of those taken, problems of the others."""
    taken: list[dict[str, Any]] = []
    problems: list[tuple[int, str, str, str]] = []
    for row, payload in zip(rows[ROW].to_list(), _payloads(rows), strict=True):
        try:
            if "occurred_at" not in payload:
                payload["occurred_at"] = ""  # history has no now to fall back on
            event = receive(msgspec.json.encode(payload), 0, context)
        except EventRefused as refused:
            problems += [(row, one.place, one.code, one.message) for one in refused.problems]
        else:
            keys = {
                ROW: row,
                "event": event.id,
                "type": event.type,
                "at_us": event.at_us,
                "about": event.about or None,
            }
            taken.append(keys | event.record)
    return _frame(taken, context), problems


def _frame(records: list[dict[str, Any]], context: ReceiveContext) -> pl.DataFrame:
    schema: dict[str, Any] = {
        ROW: pl.UInt32,
        "event": pl.String,
        "type": pl.String,
        "at_us": pl.Int64,
        "about": pl.String,
    }
    for record in records:
        for name in record:
            if name not in schema:
                schema[name] = column_type(name, context)
    return pl.DataFrame(records, schema=schema, orient="row")


def column_type(name: str, context: ReceiveContext) -> Any:
    """The type of the column that holds an attribute: metadata is text."""
    spec = context.catalogue.get(name)
    return DTYPES.get(Kind(KIND_OF[spec.type]), pl.String) if spec else pl.String


def _with_labels(records: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    if LABEL not in fields.columns:
        return records
    hindsight = fields.filter(pl.col("type") != "label").select(ROW, LABEL, KNOWN_AT)
    if LABEL in records.columns:
        hindsight = hindsight.rename({LABEL: "hindsight"})
    records = records.join(hindsight, on=ROW, how="left", maintain_order="left")
    if "hindsight" in records.columns:
        records = records.with_columns(pl.coalesce("hindsight", LABEL).alias(LABEL)).drop(
            "hindsight"
        )
    return records
