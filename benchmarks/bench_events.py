"""The door: CPU per event received beside decoding alone, and a history in columns."""

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl

from sekisho.events import (
    EventRefused,
    ReceiveContext,
    history_from_frame,
    parse_map,
    payloads_from_frame,
    receive,
)
from sekisho.events.messages import AnyMessage

REPEATS = 7
CURRENCIES_IN_RULES = ("usd", "eur", "jpy")
Row = dict[str, object]

PAYMENT: dict[str, Any] = {
    "type": "payment",
    "id": "pay_0mhy4k2xa9f3b2c1",
    "occurred_at": "2026-11-22T01:02:03.123456Z",
    "amount": 2500,
    "currency": "usd",
    "customer": "cus_9f8d7a6b5c",
    "account": "acct_1",
    "email": "ann.lee@example.com",
    "phone": "+6591234567",
    "ip_address": "203.0.113.9",
    "name": "Ann Lee",
    "ip_country": "SG",
    "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "browser": "Chrome 126",
    "operating_system": "macOS 10.15.7",
    "device": "dev_8c7b6a5d4e3f",
    "isp": "Example Telecom",
    "card": {
        "fingerprint": "fp_ab12cd34ef56",
        "brand": "visa",
        "country": "US",
        "funding": "prepaid",
        "bin": "424242",
        "three_d_secure_support": "optional",
        "cvc_check": "pass",
    },
    "billing_address": {
        "line1": "1 Orchard Road",
        "line2": "#05-12",
        "city": "Singapore",
        "postal_code": "238823",
        "country": "SG",
    },
    "shipping_address": {
        "line1": "1 Orchard Road",
        "line2": "#05-12",
        "city": "Singapore",
        "postal_code": "238823",
        "country": "SG",
    },
    "merchant": {"id": "mer_77", "category_code": "5812", "country": "SG"},
    "description": "Order 1234",
    "statement_descriptor": "SHOP",
    "payment_method_type": "card",
    "is_checkout": True,
    "metadata": {
        "CustomerType": "guest",
        "product": "gift card",
        "segment": "retail",
        "cart_items": "3",
        "voucher": "none",
    },
    "attributes": {
        "risk_score": 80,
        "is_anonymous_ip": True,
        "distance_between_ip_and_billing_address": 12.5,
    },
}
SMALL = {name: PAYMENT[name] for name in ("type", "id", "occurred_at", "amount", "currency")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    for row in run(quick=parser.parse_args().quick):
        ratio = f"{row['ratio']:6.2f}" if row["ratio"] is not None else " " * 6
        value, unit = row["value"], row["unit"]
        print(f"{row['what']:52} {value:12.2f} {unit:10} {ratio}  {row['goal']:28} {row['met']}")


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    count = 2_000 if quick else 10_000
    return [*receiving(count), refusing(count // 10), in_columns(20_000 if quick else 100_000)]


def receiving(count: int) -> list[Row]:
    """One payment at a time: what the floor takes is decoding into the same messages."""
    lean, full = ReceiveContext(currencies=CURRENCIES_IN_RULES), ReceiveContext()
    rows: list[Row] = []
    for what, payload, goal in (("payment of 1.4 kB", PAYMENT, 2.2), ("small payment", SMALL, 4.0)):
        body = json.dumps(payload).encode()
        assert receive(receive(body, 0, lean).body, 1, lean) == receive(body, 0, lean)
        decoder = msgspec.json.Decoder(AnyMessage)
        floor, light, whole = interleaved(
            count,
            lambda body=body, decoder=decoder: decoder.decode(body),
            lambda body=body: receive(body, 0, lean),
            lambda body=body: receive(body, 0, full),
        )
        rows += [
            row(f"receive: {what}, 3 currencies", light, "us", floor, goal),
            row(f"receive: {what}, 34 currencies", whole, "us", floor, None),
        ]
    return rows


def refusing(count: int) -> Row:
    """A payload with four mistakes: what a flood of bad input costs."""
    bad = {**PAYMENT, "amount": -1, "emial": "x", "email": "bad", "currency": "usx"}
    body, context = json.dumps(bad).encode(), ReceiveContext()

    def refuse() -> None:
        with contextlib.suppress(EventRefused):
            receive(body, 0, context)

    (value,) = interleaved(count, refuse)
    return row("refuse: payment of 1.4 kB with 4 mistakes", value, "us", None, None)


def in_columns(rows: int) -> Row:
    """A history as columns against the same rows through the door."""
    numbers = pl.int_range(rows, eager=True)
    frame = pl.DataFrame(
        {
            "id": numbers,
            "at": numbers + 1_795_000_000,
            "customer": numbers % 5_000,
            "amount": (numbers % 997) / 100 + 0.01,
            "country": (numbers % 2).replace_strict({0: "US", 1: "jp"}),
            "email": (numbers % 4_000).cast(pl.String) + "@Example.com",
        }
    )
    event_map = parse_map(
        {
            "type": "payment",
            "id": "id",
            "occurred_at": "at",
            "customer": "customer",
            "email": "email",
            "amount": {"column": "amount", "unit": "major", "currency": "eur"},
            "card": {"country": "country"},
        }
    )
    context = ReceiveContext(currencies=CURRENCIES_IN_RULES)
    some = frame.head(2_000)
    one_by_one = [
        receive(msgspec.json.encode(payload), 0, context)
        for payload in payloads_from_frame(some, event_map, context)
    ]
    records = history_from_frame(some, event_map, context).records
    for event, record in zip(one_by_one, records.iter_rows(named=True), strict=True):
        found = {name: value for name, value in record.items() if value is not None}
        expected = {**event.record, "event": event.id, "type": event.type, "at_us": event.at_us}
        assert found == expected
    columns = min(timed(lambda: history_from_frame(frame, event_map, context)) for _ in range(5))
    started = time.process_time()
    for payload in payloads_from_frame(some, event_map, context):
        receive(msgspec.json.encode(payload), 0, context)
    door = (time.process_time() - started) / some.height * rows
    what = row("history in columns", rows / columns / 1e6, "M rows/s", rows / door / 1e6, None)
    return what | {"ratio": door / columns}


def interleaved(count: int, *works: Callable[[], object]) -> list[tuple[float, float]]:
    """Median and minimum microseconds of each work, taking turns so that all see the same noise."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for work, times in zip(works, spent, strict=True):
            times.append(timed(lambda work=work: repeated(work, count)) / count * 1e6)
    return [(statistics.median(times), min(times)) for times in spent]


def repeated(work: Callable[[], object], count: int) -> None:
    """Do the work many times, keeping nothing, as a server does."""
    for _ in range(count):
        work()


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def row(
    what: str,
    value: tuple[float, float] | float,
    unit: str,
    floor: tuple[float, float] | float | None,
    goal: float | None,
) -> Row:
    """One line of the table; a pair is a median and a minimum, whose ratio is of the minima."""
    median, least = value if isinstance(value, tuple) else (value, value)
    floor_least = floor[1] if isinstance(floor, tuple) else floor
    ratio = least / floor_least if floor_least else None
    return {
        "what": what,
        "value": median,
        "unit": unit,
        "floor_or_peer": floor_least,
        "ratio": ratio,
        "goal": f"at most {goal} x decoding" if goal else "",
        "met": None if goal is None or ratio is None else ratio <= goal,
    }


if __name__ == "__main__":
    main()
