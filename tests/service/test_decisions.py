"""POST /v1/decisions: the answer, its explanation, and what a repeated request gets."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

EXAMPLE = {
    "type": "payment",
    "occurred_at": "2026-11-22T01:02:03Z",
    "amount": 2500,
    "currency": "usd",
    "email": "a@example.com",
    "ip_address": "203.0.113.9",
    "card": {"fingerprint": "fp_1", "brand": "visa", "country": "US", "funding": "prepaid"},
    "metadata": {"CustomerType": "guest"},
    "attributes": {"risk_score": 80, "is_anonymous_ip": True},
}

Fresh = Callable[[str], str]
Event = Callable[..., dict[str, Any]]


def test_decision_has_the_promised_shape(api: Any, fresh: Fresh) -> None:
    told = api.decide(**EXAMPLE, id=fresh("pay"), customer=fresh("cus"))
    assert told["object"] == "decision"
    assert re.fullmatch(r"dec_[0-9a-z]+", told["id"])
    assert told["outcome"] == "block"
    assert told["rule"]["id"] == "block_if_high_risk__enabled"
    assert told["rule"]["action"] == "block"
    assert told["rule"]["predicate"] == "Block if :risk_level: = 'highest'"
    assert told["hits"] == [{"rule": "block_if_high_risk__enabled", "action": "block"}]
    assert told["risk"]["score"] == 80
    assert told["risk"]["level"] == "highest"
    assert told["attributes"]["total_charges_per_customer_hourly"] == 0
    assert set(told["versions"]) == {"ruleset", "lists", "counters", "model"}
    assert all(told["versions"].values())
    assert told["degraded"] == []


def test_decision_is_read_back_with_its_explanation(api: Any, fresh: Fresh, rules: Any) -> None:
    rules("Block if :amount_in_usd: > 1000", "Review if :card_country: != 'US'")
    given = api.decide(id=fresh("pay"), amount=200_000, card={"country": "US"})
    told = api.get(f"/v1/decisions/{given['id']}")
    assert {name: told[name] for name in given} == given
    by_text = {one["predicate"]: one for one in told["explanation"]["rules"]}
    assert by_text["Block if :amount_in_usd: > 1000"]["matched"] is True
    assert by_text["Review if :card_country: != 'US'"]["matched"] is False
    assert "2000" in str(by_text["Block if :amount_in_usd: > 1000"]["why"])
    assert told["input"]["id"] == given["event"]


def test_decision_is_found_by_its_event_too(api: Any, fresh: Fresh) -> None:
    given = api.decide(id=fresh("pay"))
    assert api.get(f"/v1/decisions/{given['event']}")["id"] == given["id"]


def test_unknown_decision_is_404(http: httpx.Client) -> None:
    refused = http.get("/v1/decisions/dec_nope")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "resource_missing"


def test_newest_decisions_come_first_and_page_on(api: Any, fresh: Fresh) -> None:
    ids = [api.decide(id=fresh("pay"))["id"] for _ in range(3)]
    first = api.get("/v1/decisions", limit=2)
    assert [one["id"] for one in first["data"]] == ids[:0:-1]
    assert first["has_more"] is True
    second = api.get("/v1/decisions", limit=1, starting_after=ids[1])
    assert [one["id"] for one in second["data"]] == [ids[0]]


def test_given_attributes_win_over_derived_ones(api: Any, fresh: Fresh, rules: Any) -> None:
    rules("Block if :card_country: = 'JP'", "Review if :email_domain: = 'given.example'")
    told = api.decide(
        id=fresh("pay"),
        email="a@derived.example",
        card={"country": "US"},
        attributes={"card_country": "JP", "email_domain": "given.example"},
    )
    assert told["attributes"]["card_country"] == "JP"
    assert {hit["action"] for hit in told["hits"]} == {"block", "review"}


def test_counters_cannot_be_given(http: httpx.Client, event: Event) -> None:
    given = {"total_charges_per_customer_hourly": 0}
    refused = http.post("/v1/decisions", json=event(attributes=given))
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert error["code"] == "counter_given"
    assert error["param"] == "attributes.total_charges_per_customer_hourly"


# ── the same event again ────────────────────────────────────────────────────────────────────────


def test_duplicate_event_returns_first_decision(http: httpx.Client, event: Event) -> None:
    sent = event(customer="cus_twice")
    first = http.post("/v1/decisions", json=sent)
    again = http.post("/v1/decisions", json=dict(reversed(sent.items())))
    assert again.status_code == 200
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


def test_duplicate_event_is_counted_once(api: Any, http: httpx.Client, fresh: Fresh) -> None:
    customer, sent = fresh("cus"), {"type": "payment", "id": fresh("pay")}
    for _ in range(3):
        http.post("/v1/decisions", json={**sent, "customer": customer})
    seen = api.decide(id=fresh("pay"), customer=customer)["attributes"]
    assert seen["total_charges_per_customer_hourly"] == 1


def test_event_id_with_other_content_is_409(http: httpx.Client, event: Event) -> None:
    sent = event(amount=100)
    assert http.post("/v1/decisions", json=sent).status_code == 200
    refused = http.post("/v1/decisions", json={**sent, "amount": 101})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "event_id_in_use"


def test_parallel_duplicates_get_one_decision(http: httpx.Client, event: Event) -> None:
    sent = event(customer="cus_parallel")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: http.post("/v1/decisions", json=sent), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


# ── idempotency keys ────────────────────────────────────────────────────────────────────────────


def test_idempotency_key_replays_byte_for_byte(http: httpx.Client, event: Event) -> None:
    sent, headers = event(), {"idempotency-key": "key-replay"}
    first = http.post("/v1/decisions", json=sent, headers=headers)
    again = http.post("/v1/decisions", json=sent, headers=headers)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


def test_idempotency_key_with_another_body_is_422(http: httpx.Client, event: Event) -> None:
    headers = {"idempotency-key": "key-mismatch"}
    http.post("/v1/decisions", json=event(), headers=headers)
    refused = http.post("/v1/decisions", json=event(), headers=headers)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "idempotency_error"


def test_nothing_is_kept_for_a_key_when_validation_fails(http: httpx.Client, event: Event) -> None:
    headers = {"idempotency-key": "key-invalid"}
    assert http.post("/v1/decisions", json=event(amount=-1), headers=headers).status_code == 422
    assert http.post("/v1/decisions", json=event(), headers=headers).status_code == 200


def test_idempotency_keys_of_outcomes_and_decisions_are_apart(
    http: httpx.Client, event: Event
) -> None:
    headers, sent = {"idempotency-key": "key-two-doors"}, event()
    assert http.post("/v1/decisions", json=sent, headers=headers).status_code == 200
    outcome = {"type": "refund", "about": sent["id"], "id": "ref_two_doors"}
    first = http.post("/v1/events", json=outcome, headers=headers)
    assert first.status_code == 200
    again = http.post("/v1/events", json=outcome, headers=headers)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


def test_idempotency_key_may_have_255_characters(http: httpx.Client, event: Event) -> None:
    longest, longer = {"idempotency-key": "k" * 255}, {"idempotency-key": "k" * 256}
    assert http.post("/v1/decisions", json=event(), headers=longest).status_code == 200
    assert http.post("/v1/decisions", json=event(), headers=longer).status_code == 400


def test_parallel_requests_with_one_key_make_one_decision(
    api: Any, http: httpx.Client, fresh: Fresh, event: Event
) -> None:
    customer = fresh("cus")
    sent, headers = event(customer=customer), {"idempotency-key": fresh("key")}

    def send(_: int) -> httpx.Response:
        return http.post("/v1/decisions", json=sent, headers=headers)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(12)))
    decided = [answer for answer in answers if answer.status_code == 200]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(decided) + len(waiting) == 12
    assert len({answer.content for answer in decided}) == 1
    assert {one.json()["error"]["code"] for one in waiting} <= {"idempotency_key_in_use"}
    assert send(0).content == decided[0].content
    seen = api.decide(customer=customer)["attributes"]
    assert seen["total_charges_per_customer_hourly"] == 1


# ── batches ─────────────────────────────────────────────────────────────────────────────────────


def test_batch_events_see_each_other_in_their_order(
    http: httpx.Client, fresh: Fresh, event: Event
) -> None:
    customer = fresh("cus")
    events = [event(customer=customer) for _ in range(4)]
    told = http.post("/v1/decisions/batch", json={"events": events}).json()["data"]
    seen = [one["decision"]["attributes"]["total_charges_per_customer_hourly"] for one in told]
    assert seen == [0, 1, 2, 3]
    assert [one["decision"]["event"] for one in told] == [one["id"] for one in events]


def test_refused_event_does_not_stop_its_batch(http: httpx.Client, event: Event) -> None:
    bad = event(amount=-5)
    answer = http.post("/v1/decisions/batch", json={"events": [event(), bad, event()]})
    assert answer.status_code == 200
    told = answer.json()["data"]
    assert [one["status"] for one in told] == [200, 422, 200]
    assert told[1]["error"]["param"] == "amount"


def test_batch_repeats_give_the_first_answers(http: httpx.Client, event: Event) -> None:
    batch = {"events": [event(), event()]}
    first = http.post("/v1/decisions/batch", json=batch)
    assert http.post("/v1/decisions/batch", json=batch).content == first.content


def test_batch_of_too_many_events_is_refused(http: httpx.Client, event: Event) -> None:
    batch = {"events": [event() for _ in range(1_001)]}
    assert http.post("/v1/decisions/batch", json=batch).status_code == 422


def test_event_at_the_wrong_door_is_sent_to_the_right_one(http: httpx.Client, event: Event) -> None:
    refused = http.post("/v1/decisions", json={"type": "refund", "about": "pay_x"})
    assert refused.status_code == 422
    assert "/v1/events" in refused.json()["error"]["message"]
    refused = http.post("/v1/events", json=event())
    assert refused.status_code == 422
    assert "/v1/decisions" in refused.json()["error"]["message"]
