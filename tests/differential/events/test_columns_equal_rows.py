"""A history read in columns gives, value by value, what `receive` gives row by row."""

import json
import random
from typing import Any

import polars as pl

from sekisho.events import (
    MESSAGES,
    OUTCOME_TYPES,
    EventMap,
    EventRefused,
    ReceiveContext,
    history_from_frame,
    parse_map,
    payloads_from_frame,
    receive,
)
from sekisho.events.paths import Value, paths_of

CONTEXT = ReceiveContext(currencies=("usd", "eur", "jpy", "kwd"))
ODD = {
    "text": ["x" * 600, "4242 4242 4242 4242", "a\0b"],
    "country": ["ZZ", "Germany"],
    "check": ["maybe"],
    "whole": [10**12, -1],
    "email": ["bad"],
    "phone": ["12"],
    "phone_country": ["Japan"],
    "ip_address": ["1.2.3.4:80"],
    "currency": ["xxx"],
    "card.bin": ["4242", "abcdef"],
    "outcome": ["nothing"],
    "verdict": ["nothing", None],
    "approved": [None],
    "moment": [None, -1, 7_258_118_400_000_000],
    "risk_score": [1e17, -1, 100.5],
    "risk_level": ["high"],
    "transaction_type": ["intent"],
    "card_country": ["Germany"],
}
"""Values the door refuses."""
GOOD: dict[str, list[Any]] = {
    "text": [
        None, "", " ", "a", "Visa", "Mastercard", "STRASSE ß", "İstanbul", "x" * 300, "null",
        "tab\tand  spaces", "1234567890123", "日本語 \uff14\uff12", "O'Hara\u00a0Smith", "success",
        "fraudulent",
    ],
    "country": [None, "US", "jp", ""],
    "check": [None, "pass", "fail"],
    "whole": [None, 0, 1, 2500, 999_999_999_999],
    "flag": [None, True, False],
    "email": [None, "A@Example.com", "a@mailinator.com", "x@gmail.com", "ann@bücher.example", ""],
    "phone": [None, "+65 9123 4567", "+4915112345678", ""],
    "phone_country": [None, "JP", "sg"],
    "ip_address": [None, "203.0.113.9", "::FFFF:203.0.113.9", "2001:DB8::1"],
    "currency": ["usd", "EUR", "jpy", "kwd", "vnd", "uyw"],
    "card.bin": [None, "424242", "42424242"],
    "outcome": [None, "authorized", "declined"],
    "label": ["fraud", "legitimate"],
    "verdict": ["approved", "refunded"],
    "approved": [True, False],
    "about": ["pay_1", "日本語"],
    "merchant.id": ["m_1"],
    "moment": [0, 1_795_309_323_123_456, 1_522_540_831_000_000],
    "risk_score": [None, 80.0, 0.5],
    "risk_level": [None, "highest", "Normal"],
    "transaction_type": [None, "charge", "Payment_Intent"],
    "is_anonymous_ip": [None, True, False],
    "card_country": [None, "de"],
    "ip_state": [None, "ca"],
    "isp": [None, "Telco"],
}  # fmt: skip
METADATA = [*(f"key {number}" for number in range(20)), "cvc", "customer:x"]
GIVEN = ("risk_score", "risk_level", "is_anonymous_ip", "card_country", "ip_state", "email", "isp")


def kind_of(path: str, value: Value) -> str:
    if path in GOOD:
        return path
    if path.endswith("country"):
        return "country"
    if path.endswith("_check"):
        return "check"
    kinds = {Value.WHOLE: "whole", Value.FLAG: "flag", Value.MOMENT: "moment"}
    return kinds.get(value, "text")


def column(draw: random.Random, kind: str, rows: int) -> list[Any]:
    """A column of which one value in a hundred is odd, in one column of three."""
    oddness = 0.03 if draw.random() < 0.3 else 0.0
    odd = ODD.get(kind, GOOD[kind])
    return [draw.choice(odd if draw.random() < oddness else GOOD[kind]) for _ in range(rows)]


def random_history(draw: random.Random, kind: str, rows: int) -> tuple[pl.DataFrame, EventMap]:
    paths = {
        path: value
        for path, value in paths_of(MESSAGES[kind]).items()
        if path not in {"id", "occurred_at"}
    }
    chosen = draw.sample(sorted(paths), draw.randint(0, len(paths)))
    chosen += [
        path
        for path in ("about", "approved", "verdict", "label")
        if path in paths and path not in chosen
    ]
    needs = {
        "amount": "currency",
        "merchant.country": "merchant.id",
        "merchant.category_code": "merchant.id",
    }
    chosen += [needed for path, needed in needs.items() if path in chosen and needed not in chosen]
    chosen = list(dict.fromkeys(chosen))
    if kind != "label":
        chosen = [path for path in chosen if path != "label"]
    columns: dict[str, list[Any]] = {
        "n": list(range(rows)),
        "at": column(draw, "moment", rows),
    }
    table: dict[str, Any] = {
        "type": kind,
        "id": "n",
        "occurred_at": {"column": "at", "unit": "us"},
        "metadata": {},
        "attributes": {},
    }
    if (
        "counterparty.id" in chosen
        or "counterparty.name" in chosen
        or "counterparty.country" in chosen
    ):
        chosen = [path for path in chosen if path != "counterparty"]
    if any(path.startswith("merchant.") for path in chosen):
        chosen = [path for path in chosen if path != "merchant"]
    for path in chosen:
        columns[path] = column(draw, kind_of(path, paths[path]), rows)
        scope, _, name = path.partition(".")
        if name:
            table.setdefault(scope, {})[name] = path
        else:
            table[path] = {"column": path, "unit": "us"} if paths[path] is Value.MOMENT else path
    for name in draw.sample(GIVEN, draw.randint(0, 3)):
        columns[f"attributes.{name}"] = column(draw, name, rows)
        table["attributes"][name] = f"attributes.{name}"
    for name in draw.sample(METADATA, draw.randint(0, 2)):
        columns[f"metadata.{name}"] = column(draw, "text", rows)
        table["metadata"][name] = f"metadata.{name}"
    return pl.DataFrame(columns, strict=False, infer_schema_length=None), parse_map(table)


def row_by_row(
    data: pl.DataFrame, event_map: EventMap
) -> tuple[dict[str, dict[str, Any]], set[int]]:
    taken: dict[str, dict[str, Any]] = {}
    refused: set[int] = set()
    for row, payload in enumerate(payloads_from_frame(data, event_map, CONTEXT)):
        payload.setdefault("occurred_at", "")
        try:
            event = receive(json.dumps(payload).encode(), 0, CONTEXT)
        except EventRefused:
            refused.add(row)
        else:
            about = {"about": event.about} if event.about else {}
            taken[event.id] = {"at_us": event.at_us, "type": event.type, **about, **event.record}
    return taken, refused


def in_columns(
    data: pl.DataFrame, event_map: EventMap
) -> tuple[dict[str, dict[str, Any]], set[int]]:
    history = history_from_frame(data, event_map, CONTEXT)
    taken = {
        row.pop("event"): {name: value for name, value in row.items() if value is not None}
        for row in history.records.iter_rows(named=True)
    }
    return taken, set(history.rejected["row"].to_list())


def test_columns_and_rows_agree_for_every_type() -> None:
    draw = random.Random(20261122)
    compared = 0
    for kind in sorted(MESSAGES):
        for _ in range(3 if kind in OUTCOME_TYPES else 7):
            data, event_map = random_history(draw, kind, 40)
            rows, refused = row_by_row(data, event_map)
            columns, rejected = in_columns(data, event_map)
            assert rejected == refused, kind
            assert columns == rows, kind
            compared += len(rows)
    assert compared > 2_000
