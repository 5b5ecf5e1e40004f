"""Rows become payloads: what a caller would post, one event at a time, in the world's own order."""

from collections.abc import Iterator
from heapq import merge

import polars as pl

from sekisho.sandbox.slices import HINDSIGHT, Slice, Sliced

Scalar = str | int | bool
Payload = dict[str, Scalar | dict[str, Scalar]]

OBJECTS = {
    "card_": "card",
    "billing_address_": "billing_address",
    "shipping_address_": "shipping_address",
    "three_d_secure.": "three_d_secure",
    "metadata.": "metadata",
}
"""How a column's name starts, and the object of the payload it belongs to."""

_ROWS_AT_ONCE = 4_096


def field_of(column: str) -> tuple[str, str]:
    """The object (or nothing) and the field that a column fills.

    >>> field_of("card_brand"), field_of("metadata.CustomerType"), field_of("cardholder_name")
    (('card', 'brand'), ('metadata', 'CustomerType'), ('', 'cardholder_name'))
    """
    for start, name in OBJECTS.items():
        if column.startswith(start):
            return name, column.removeprefix(start)
    return "", column


def payloads(frame: pl.DataFrame) -> Iterator[Payload]:
    """The rows of a stream or of the outcomes as event payloads; hindsight is left out.

    >>> row = {"id": "pay_1", "card_brand": "visa", "outcome": "declined", "label_known_at": None}
    >>> list(payloads(pl.DataFrame([row])))
    [{'id': 'pay_1', 'card': {'brand': 'visa'}}]
    """
    hidden = HINDSIGHT if "outcome" in frame.columns or "label_known_at" in frame.columns else ()
    shown = frame.drop(hidden, strict=False)
    if "occurred_at" in shown.columns:
        moment = pl.col("occurred_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        shown = shown.with_columns(moment)
    places = [field_of(column) for column in shown.columns]
    for part in shown.iter_slices(_ROWS_AT_ONCE):
        for row in part.iter_rows():
            yield _nested(places, row)


def _nested(places: list[tuple[str, str]], row: tuple[Scalar | None, ...]) -> Payload:
    payload: Payload = {}
    inner: dict[str, dict[str, Scalar]] = {}
    for (group, name), value in zip(places, row, strict=True):
        if value is None:
            continue
        if not group:
            payload[name] = value
        elif group in inner:
            inner[group][name] = value
        else:
            payload[group] = inner[group] = {name: value}
    return payload


def events_in_order(world: Sliced) -> Iterator[Payload]:
    """Every event and outcome of a world in the order in which they happen.

    Disputes and labels that come after the world's last day follow at the end. Events of the same
    instant come in the order of a customer's life: sign-up first, outcomes last.
    """
    for part in world.slices():
        yield from _in_order(part)


def _in_order(part: Slice) -> Iterator[Payload]:
    frames = [*part.streams.values(), part.outcomes]
    timed = [_timed(frame, source) for source, frame in enumerate(frames)]
    for _, _, payload in merge(*timed):
        yield payload


def _timed(frame: pl.DataFrame, source: int) -> Iterator[tuple[int, int, Payload]]:
    moments = frame["occurred_at"].to_physical()
    for at_us, payload in zip(moments, payloads(frame), strict=True):
        yield at_us, source, payload
