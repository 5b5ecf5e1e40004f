"""Whatever bytes arrive, the door gives an event or a refusal; what it gives, it gives again."""

import contextlib
import json
import math
import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.events import CODES, MESSAGES, Event, EventRefused, ReceiveContext, receive

CONTEXT = ReceiveContext()
FULL: dict[str, Any] = {
    "type": "payment",
    "id": "pay_1",
    "occurred_at": "2026-11-22T01:02:03.5+09:00",
    "amount": 2500,
    "currency": "USD",
    "customer": "cus_1",
    "email": "Ann@Example.com",
    "phone": "+65 9123 4567",
    "name": "Ann  Lee",
    "ip_address": "2001:DB8::1",
    "user_agent": "Mozilla/5.0",
    "device": "dev_1",
    "card": {"fingerprint": "fp_1", "brand": "Mastercard", "country": "us", "bin": "555555"},
    "billing_address": {"line1": "1 High  Street", "city": "Leeds", "country": "GB"},
    "merchant": {"id": "m_1", "category_code": "5812", "country": "SG"},
    "three_d_secure": {"attempted": True},
    "metadata": {"CustomerType": "guest", "n": 1.5},
    "attributes": {"risk_score": 80, "is_anonymous_ip": True, "ip_country": "jp"},
}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    10**18,
    10**400,
    1e308,
    -0.0,
    "",
    " ",
    "\0",
    "x" * 3000,
    "4242424242424242",
    [],
    {},
    [[]],
    {"": ""},
    {"a": {"b": {"c": []}}},
    "ß",
    "İstanbul",
    "\u202e",
    "a@b",
    "+1",
    "::",
    "usd",
    "JP",
    "\U0001f600",
]

texts = st.text(st.characters(codec="utf-8"), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
names = st.sampled_from([*FULL, "about", "reason", "label", "approved", "code", "verdict"]) | texts
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(names, scalars, max_size=4)
payloads = st.dictionaries(names, values, max_size=8)


def check_refusal(refused: EventRefused) -> None:
    assert refused.status in {400, 413, 422}
    assert refused.problems
    assert {problem.code for problem in refused.problems} <= CODES


def outcome_of(body: bytes) -> Event | None:
    """The event, or None when it was refused as it should be."""
    try:
        event = receive(body, 1_795_000_000_000_000, CONTEXT)
    except EventRefused as refused:
        check_refusal(refused)
        return None
    again = receive(event.body, 0, CONTEXT)
    assert again == event
    assert again.body == event.body
    assert all(
        value is not None and not (isinstance(value, float) and math.isnan(value))
        for value in event.record.values()
    )
    return event


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    outcome_of(body)


@given(payloads, st.sampled_from([*sorted(MESSAGES), "nothing"]))
@settings(max_examples=800, deadline=None)
def test_any_object_is_taken_or_refused(payload: dict[str, Any], kind: str) -> None:
    outcome_of(json.dumps({"id": "e1", **payload, "type": kind}).encode())


@given(payloads)
@settings(max_examples=600, deadline=None)
def test_any_change_of_a_good_payment_is_taken_or_refused(changes: dict[str, Any]) -> None:
    outcome_of(json.dumps({**FULL, **changes}).encode())


def test_odd_values_in_every_field_are_taken_or_refused() -> None:
    for field, value in FULL.items():
        for odd in ODD:
            changed: list[dict[str, Any]] = [{**FULL, field: odd}]
            if isinstance(value, dict):
                changed += [{**FULL, field: {**value, inner: odd}} for inner in value]
                changed += [
                    {**FULL, field: {**value, odd: "x"}} for odd in ODD if isinstance(odd, str)
                ]
            for payload in changed:
                outcome_of(json.dumps(payload).encode())


def test_mutated_bytes_are_taken_or_refused() -> None:
    draw = random.Random(20261122)
    good = json.dumps(FULL).encode()
    taken = 0
    for _ in range(6_000):
        body = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            spot = draw.randrange(len(body))
            match draw.randrange(4):
                case 0:
                    body[spot] = draw.randrange(256)
                case 1:
                    del body[spot : spot + draw.randint(1, 30)]
                case 2:
                    body[spot:spot] = bytes(
                        draw.choices(
                            b'{}[]",:\\0123456789eE+-ntf\xff\xc3\x28', k=draw.randint(1, 8)
                        )
                    )
                case _:
                    body[spot:spot] = body[: draw.randint(1, 60)]
        taken += outcome_of(bytes(body)) is not None
    assert taken > 50


def test_floods_are_refused() -> None:
    for body in (
        json.dumps({f"k{n}": n for n in range(100_000)}).encode(),
        json.dumps(
            {"type": "payment", "id": "p", "metadata": {f"k{n}": n for n in range(4_000)}}
        ).encode(),
        json.dumps({"type": "payment", "id": "p", **{f"k{n}": n for n in range(4_000)}}).encode(),
        b"[" * 100_000,
        b"[" * 65_000,
        b'{"type":"payment","id":"p","metadata":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
        b'{"type":"payment","id":"' + b"x" * 60_000 + b'"}',
        b'{"type":"payment","id":"p","amount":' + b"9" * 60_000 + b"}",
        b'{"type":"payment","id":"p","name":"' + b"4 " * 30_000 + b'"}',
        b'{"type":"payment","id":"p","name":"' + b"4242-" * 12_000 + b'"}',
    ):
        assert outcome_of(body) is None


@given(texts)
@settings(max_examples=500, deadline=None)
def test_normalised_fields_stay_as_they_are(text: str) -> None:
    with contextlib.suppress(EventRefused):
        for field in ("email", "phone", "name", "ip_address", "customer", "description"):
            body = msgspec.json.encode({"type": "payment", "id": "p", field: text})
            outcome_of(body)
