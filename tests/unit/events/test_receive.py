"""What the door takes, what it makes of it, and what it refuses and why."""

import json
from typing import Any

import pytest

from sekisho.events import (
    MAX_BODY_BYTES,
    MESSAGES,
    OUTCOME_TYPES,
    Event,
    EventRefused,
    Problem,
    ReceiveContext,
    receive,
)

CONTEXT = ReceiveContext()
NOW_US = 1_795_000_000_000_000
PAYMENT: dict[str, Any] = {
    "type": "payment",
    "id": "pay_1",
    "occurred_at": "2026-11-22T01:02:03Z",
    "amount": 2500,
    "currency": "usd",
    "customer": "cus_1",
    "email": "A.Lee@Example.com",
    "ip_address": "203.0.113.9",
    "card": {
        "fingerprint": "fp_1",
        "brand": "visa",
        "country": "us",
        "funding": "Prepaid",
        "bin": "42424242",
    },
    "metadata": {"CustomerType": "guest"},
    "attributes": {"risk_score": 80, "is_anonymous_ip": True},
}


def take(**changes: Any) -> Event:
    payload = {name: value for name, value in {**PAYMENT, **changes}.items() if value is not None}
    return receive(json.dumps(payload).encode(), NOW_US, CONTEXT)


def problems_of(body: bytes) -> tuple[int, tuple[Problem, ...]]:
    with pytest.raises(EventRefused) as caught:
        receive(body, NOW_US, CONTEXT)
    return caught.value.status, caught.value.problems


def first_problem(**changes: Any) -> tuple[int, str, str]:
    payload = {name: value for name, value in {**PAYMENT, **changes}.items() if value is not None}
    status, problems = problems_of(json.dumps(payload).encode())
    return status, problems[0].place, problems[0].code


def test_payment_becomes_folded_attributes() -> None:
    event = take()
    assert event.at_us == 1_795_309_323_000_000
    expected = {
        "email": "a.lee@example.com",
        "email_domain": "example.com",
        "card_country": "US",
        "card_funding": "prepaid",
        "card_bin": "424242",
        "payment_method_type": "card",
        "digital_wallet": "none",
        "amount": 2500,
        "amount_in_usd": 25.0,
        "hour_of_day": 1,
        "day_of_week": 7,
        "risk_score": 80,
        "is_anonymous_ip": True,
        "::CustomerType::": "guest",
        "event_type": "payment",
    }
    assert {name: event.record[name] for name in expected} == expected
    assert event.given == {"risk_score", "is_anonymous_ip"}
    assert not event.is_outcome


def test_body_is_canonical_and_received_again_gives_the_same_event() -> None:
    event = take(occurred_at="2026-11-22T10:02:03+09:00", phone="+65 9123 4567")
    again = receive(event.body, 0, CONTEXT)
    assert again == event
    assert b'"2026-11-22T01:02:03Z"' in event.body
    assert b"+6591234567" in event.body


def test_order_of_keys_does_not_change_the_body() -> None:
    backwards = dict(reversed(PAYMENT.items()))
    assert receive(json.dumps(backwards).encode(), NOW_US, CONTEXT).body == take().body


def test_missing_time_is_the_time_of_arrival() -> None:
    assert take(occurred_at=None).at_us == NOW_US


def test_whole_seconds_are_a_time() -> None:
    assert take(occurred_at=1_795_309_323).at_us == 1_795_309_323_000_000


def test_given_attribute_wins_over_what_is_derived() -> None:
    assert take(attributes={"card_country": "jp"}).record["card_country"] == "JP"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("risk_score", 0),
        ("risk_score", 100),
        ("bot_score", 99.0),
        ("risk_level", "Highest"),
        ("transaction_type", "setup_intent"),
        ("distance_between_ip_and_billing_address", 20_000.5),
    ],
)
def test_given_attribute_within_its_bounds_is_taken(name: str, value: Any) -> None:
    due = value.casefold() if isinstance(value, str) else value
    assert take(attributes={name: value}).record[name] == due


@pytest.mark.parametrize(
    ("changes", "place", "code"),
    [
        ({"amount": -1}, "amount", "out_of_range"),
        ({"amount": 10**12}, "amount", "out_of_range"),
        ({"amount": "25"}, "amount", "wrong_type"),
        ({"amount": 25.5}, "amount", "wrong_type"),
        ({"currency": "usx"}, "currency", "bad_currency"),
        ({"currency": None}, "currency", "missing_field"),
        ({"id": None}, "id", "missing_field"),
        ({"id": "x" * 256}, "id", "too_long"),
        ({"emial": "a@example.com"}, "emial", "unknown_field"),
        ({"card": {"colour": "red"}}, "card.colour", "unknown_field"),
        ({"card": {"country": "Japan"}}, "card.country", "bad_country"),
        ({"email": "no-at-sign"}, "email", "bad_email"),
        ({"email": "a@b c.example"}, "email", "bad_email"),
        ({"ip_address": "203.0.113.9:80"}, "ip_address", "bad_ip_address"),
        ({"phone": "call me"}, "phone", "bad_phone"),
        ({"occurred_at": "2026-11-22T01:02:03"}, "occurred_at", "bad_time"),
        ({"occurred_at": "1950-01-01T00:00:00Z"}, "occurred_at", "bad_time"),
        ({"occurred_at": 10**18}, "occurred_at", "out_of_range"),
        ({"attributes": {"risk_scor": 1}}, "attributes.risk_scor", "unknown_attribute"),
        ({"attributes": {"risk_score": "80"}}, "attributes.risk_score", "wrong_type"),
        ({"attributes": {"risk_score": True}}, "attributes.risk_score", "wrong_type"),
        ({"attributes": {"risk_score": 101}}, "attributes.risk_score", "out_of_range"),
        ({"attributes": {"risk_score": -0.1}}, "attributes.risk_score", "out_of_range"),
        ({"attributes": {"bot_score": 100}}, "attributes.bot_score", "out_of_range"),
        ({"attributes": {"hour_of_day": 24}}, "attributes.hour_of_day", "out_of_range"),
        ({"attributes": {"amount_in_usd": -1}}, "attributes.amount_in_usd", "out_of_range"),
        ({"attributes": {"risk_level": "high"}}, "attributes.risk_level", "bad_value"),
        ({"attributes": {"cvc_check": "PASS"}}, "attributes.cvc_check", "bad_value"),
        ({"attributes": {"transaction_type": "x"}}, "attributes.transaction_type", "bad_value"),
        ({"transaction_type": "intent"}, "transaction_type", "bad_value"),
        ({"attributes": {"is_anonymous_ip": 1}}, "attributes.is_anonymous_ip", "wrong_type"),
        ({"attributes": {"event_type": "x"}}, "attributes.event_type", "counter_given"),
        (
            {"attributes": {"total_charges_per_customer_hourly": 1}},
            "attributes.total_charges_per_customer_hourly",
            "counter_given",
        ),
        ({"metadata": {"a": [1]}}, "metadata.a", "wrong_type"),
        ({"metadata": {"customer:a": "x"}}, "metadata.customer:a", "bad_metadata_key"),
        ({"metadata": {"a": "x\0y"}}, "metadata.a", "bad_text"),
        ({"metadata": {"cvc": "123"}}, "metadata.cvc", "sensitive_field"),
        ({"cvv": "123"}, "cvv", "sensitive_field"),
        ({"card": {"number": "4242424242424242"}}, "card.number", "card_number"),
        ({"description": "4242 4242 4242 4242"}, "description", "card_number"),
        ({"type": "paymant"}, "type", "unknown_type"),
        ({"type": None}, "type", "missing_field"),
    ],
)
def test_refusal_names_the_place_and_the_kind_of_problem(
    changes: dict[str, Any], place: str, code: str
) -> None:
    assert first_problem(**changes) == (422, place, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_json"),
        (b"{", 400, "not_json"),
        (b"[]", 422, "not_an_object"),
        (b"null", 422, "not_an_object"),
        (b'{"type": "payment"} x', 400, "not_json"),
        (b'{"type": "\xff"}', 400, "not_utf8"),
        (b'{"type": "payment", "id": "\\ud800"}', 400, "bad_text"),
        (b'{"type": "payment", "id": "\\udc00x"}', 400, "bad_text"),
        (b'{"type": "payment", "id": "p", "amount": NaN}', 400, "bad_number"),
        (b'{"type": "payment", "id": "p", "amount": -Infinity}', 400, "bad_number"),
        (b'{"type": "payment", "id": "p", "amount": 1e999}', 400, "bad_number"),
        (b'{"type": "payment", "id": "p", "amount": 1' + b"0" * 400 + b"}", 422, "out_of_range"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, 400, "too_deep"),
        (b"[" * 60_000, 400, "too_deep"),
        (b'{"a":' * 13_000, 400, "too_deep"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "too_large"),
    ],
)
def test_malformed_bodies_are_refused_with_their_status(
    body: bytes, status: int, code: str
) -> None:
    found, problems = problems_of(body)
    assert (found, problems[0].code) == (status, code)


def test_all_problems_are_told_at_once() -> None:
    changes = {"amount": -1, "emial": "x", "email": "bad", "card": {"country": "Japan"}}
    _, problems = problems_of(json.dumps({**PAYMENT, **changes}).encode())
    assert {problem.place for problem in problems} == {"amount", "emial", "email", "card.country"}
    hints = {problem.place: problem.hint for problem in problems}
    assert hints["card.country"] == "did you mean `JP`?"
    assert hints["emial"] == "did you mean `email`?"


def test_refusal_never_quotes_a_card_number() -> None:
    number = "4242424242424242"
    for changes in (
        {"name": number},
        {"metadata": {number: "x"}},
        {number: 1},
        {"amount": int(number)},
        {"attributes": {number: 1}},
        {"currency": number},
        {"type": number},
    ):
        _, problems = problems_of(json.dumps({**PAYMENT, **changes}).encode())
        assert {problem.code for problem in problems} == {"card_number"}
        assert number not in repr(problems)


def test_trusted_place_may_hold_a_number_that_looks_like_a_card() -> None:
    context = ReceiveContext(trusted_places=frozenset({"metadata.order"}))
    body = json.dumps({**PAYMENT, "metadata": {"order": "4242424242424242"}}).encode()
    assert receive(body, NOW_US, context).record["::order::"] == "4242424242424242"


def test_metadata_of_every_scope_is_text_under_its_own_name() -> None:
    record = take(
        metadata={"Customer Age": 25, "vip": True},
        customer_metadata={"vip": "no"},
        destination_metadata={"vip": 2.5},
        account_metadata={"vip": 3.0},
    ).record
    fields = (
        "::Customer Age::",
        "::vip::",
        "::customer:vip::",
        "::destination:vip::",
        "::account:vip::",
    )
    assert [record[field] for field in fields] == ["25", "true", "no", "2.5", "3"]


def test_outcome_without_id_gets_the_same_id_for_the_same_content() -> None:
    body = (
        b'{"type":"dispute","about":"pay_1","occurred_at":"2026-12-01T00:00:00Z",'
        b'"reason":"fraudulent"}'
    )
    first, second = receive(body, 0, CONTEXT), receive(body, NOW_US, CONTEXT)
    assert first == second
    assert first.is_outcome
    assert first.about == "pay_1"
    assert first.record["is_fraudulent"] is True


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"type": "authorization", "approved": True, "cvc_check": "fail"},
            {"outcome": "authorized", "cvc_check": "fail"},
        ),
        (
            {"type": "authorization", "approved": False, "decline_code": "do_not_honor"},
            {"outcome": "declined"},
        ),
        (
            {"type": "dispute", "reason": "duplicate"},
            {"is_fraudulent": False, "dispute_reason": "duplicate"},
        ),
        (
            {"type": "refund", "amount": 500, "currency": "jpy", "reason": "fraudulent"},
            {"amount_in_jpy": 500.0},
        ),
        ({"type": "return", "code": "R10"}, {"return_code": "r10"}),
        ({"type": "review_verdict", "verdict": "approved"}, {"verdict": "approved"}),
        (
            {"type": "label", "label": "fraud", "source": "Bank"},
            {"label": "fraud", "label_source": "bank"},
        ),
        (
            {"type": "early_fraud_warning", "fraud_type": "Made_With_Stolen_Card"},
            {"fraud_type": "made_with_stolen_card"},
        ),
    ],
)
def test_outcomes_say_what_became_of_an_event(
    payload: dict[str, Any], expected: dict[str, Any]
) -> None:
    event = receive(json.dumps({"about": "pay_1", **payload}).encode(), NOW_US, CONTEXT)
    assert {name: event.record[name] for name in expected} == expected


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_every_type_is_received_with_its_least_fields(kind: str) -> None:
    least: dict[str, Any] = {"type": kind, "id": "e1"}
    if kind in OUTCOME_TYPES:
        least["about"] = "e0"
    extra = {
        "authorization": {"approved": True},
        "review_verdict": {"verdict": "approved"},
        "label": {"label": "fraud"},
    }
    event = receive(json.dumps(least | extra.get(kind, {})).encode(), NOW_US, CONTEXT)
    assert event.type == kind
    assert event.record["event_type"] == kind


def test_transfer_has_its_other_side() -> None:
    payload = {
        "type": "outbound_transfer",
        "id": "t1",
        "account": "acct_1",
        "network": "ACH",
        "counterparty": {"id": "cp_1", "name": "Bob  Stone", "country": "de"},
        "bank_account": {"fingerprint": "ba_1", "bank_code": "1234", "country": "DE"},
    }
    record = receive(json.dumps(payload).encode(), NOW_US, CONTEXT).record
    assert record["counterparty"] == "cp_1"
    assert record["counterparty_country"] == "DE"
    assert record["network"] == "ach"
    assert record["bank_account_fingerprint"] == "ba_1"
    assert record["bank_code"] == "1234"
