"""Counters over HTTP: seen by the next event, exact under concurrency, filled from history."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

Fresh = Callable[[str], str]
Event = Callable[..., dict[str, Any]]


def test_next_event_sees_the_one_before(api: Any, fresh: Fresh) -> None:
    customer = fresh("cus")
    seen = [api.decide(customer=customer)["attributes"] for _ in range(3)]
    assert [one["total_charges_per_customer_hourly"] for one in seen] == [0, 1, 2]


def test_event_time_decides_what_is_in_a_window(api: Any, fresh: Fresh) -> None:
    customer = fresh("cus")
    for minute in ("00:00", "10:00", "59:59"):
        api.decide(customer=customer, occurred_at=f"2026-03-01T10:{minute}Z")
    late = api.decide(customer=customer, occurred_at="2026-03-01T10:30:00Z")
    assert late["attributes"]["total_charges_per_customer_hourly"] == 2
    after = api.decide(customer=customer, occurred_at="2026-03-01T11:15:00Z")
    assert after["attributes"]["total_charges_per_customer_hourly"] == 2


def test_of_parallel_attempts_exactly_the_limit_passes(
    http: httpx.Client, fresh: Fresh, event: Event, rules: Any
) -> None:
    rules("Block if :total_charges_per_customer_hourly: >= 4")
    customer = fresh("cus")
    sent = [event(customer=customer) for _ in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: http.post("/v1/decisions", json=one), sent))
    outcomes = [answer.json()["outcome"] for answer in answers]
    assert outcomes.count("allow") == 4
    assert outcomes.count("block") == 20


def test_moving_the_clock_empties_the_hour(api: Any, fresh: Fresh) -> None:
    customer = fresh("cus")
    api.decide(customer=customer)
    api.advance(3_601)
    seen = api.decide(customer=customer)["attributes"]
    assert seen["total_charges_per_customer_hourly"] == 0


# ── outcomes ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("approved", "outcome"), [(False, "declined"), (True, "authorized")])
def test_issuers_answer_moves_the_outcome_counters(
    api: Any, fresh: Fresh, rules: Any, approved: bool, outcome: str
) -> None:
    names = [f"{one}_charges_per_card_number_daily" for one in ("declined", "authorized")]
    rules(*(f"Review if :{name}: > 100" for name in names))
    card = {"fingerprint": fresh("fp")}
    paid = api.decide(card=card)
    assert [paid["attributes"][name] for name in names] == [0, 0]
    api.report(type="authorization", about=paid["event"], approved=approved)
    seen = api.decide(card=card)["attributes"]
    assert seen[f"{outcome}_charges_per_card_number_daily"] == 1
    assert sum(seen[name] for name in names) == 1


def test_blocked_payment_counts_as_blocked_at_once(api: Any, fresh: Fresh, rules: Any) -> None:
    rules("Block if :amount_in_usd: > 1000", "Review if :blocked_charges_per_customer_daily: > 9")
    customer = fresh("cus")
    api.decide(customer=customer, amount=900_000)
    seen = api.decide(customer=customer)["attributes"]
    assert seen["blocked_charges_per_customer_daily"] == 1


def test_declared_counter_of_the_contract_counts_declines(
    api: Any, http: httpx.Client, fresh: Fresh
) -> None:
    name, card = fresh("declines_of_card"), {"fingerprint": fresh("fp")}
    declaration = {
        "aggregate": "count",
        "of": "payment",
        "by": ["card_fingerprint"],
        "where": ":outcome: = 'declined'",
        "window": "36h",
        "lag": "0s",
        "value": None,
    }
    for _ in range(3):
        paid = api.decide(card=card)
        api.report(type="authorization", about=paid["event"], approved=False)
    told = http.put(f"/v1/counters/{name}", json=declaration).json()
    assert told["status"] == "live"
    assert told["declaration"] == declaration
    assert api.decide(card=card)["attributes"][name] == 3
    assert api.get(f"/v1/counters/{name}")["status"] == "live"
    assert name in [one["name"] for one in api.get("/v1/counters")["data"]]


def test_fraud_dispute_counts_against_the_card(api: Any, fresh: Fresh) -> None:
    card = {"fingerprint": fresh("fp")}
    first, second = api.decide(card=card), api.decide(card=card)
    api.report(type="dispute", about=first["event"], is_fraudulent=True)
    api.report(type="dispute", about=second["event"], is_fraudulent=False, reason="duplicate")
    seen = api.decide(card=card)["attributes"]
    assert seen["dispute_count_on_card_number_all_time"] == 1


def test_warnings_and_refunds_count_against_the_card(api: Any, fresh: Fresh, rules: Any) -> None:
    rules("Review if :refund_count_on_card_daily: > 9", "Review if :efw_count_on_ip_daily: > 9")
    card, address = {"fingerprint": fresh("fp")}, "198.51.100.77"
    paid = api.decide(card=card, ip_address=address)
    api.report(type="early_fraud_warning", about=paid["event"], fraud_type="misc")
    api.report(type="refund", about=paid["event"], id=fresh("ref"), amount=100, currency="usd")
    api.report(type="refund", about=paid["event"], id=fresh("ref"), amount=100, currency="usd")
    seen = api.decide(card=card, ip_address=address)["attributes"]
    assert seen["efw_count_on_card_all_time"] == 1
    assert seen["efw_count_on_ip_daily"] == 1
    assert seen["refund_count_on_card_daily"] == 2


def test_label_reaches_declared_counters(api: Any, http: httpx.Client, fresh: Fresh) -> None:
    name, customer = fresh("frauds_of_customer"), fresh("cus")
    declaration = {
        "aggregate": "count",
        "of": "payment",
        "by": ["customer"],
        "where": ":label: = 'fraud'",
        "window": "30d",
    }
    assert http.put(f"/v1/counters/{name}", json=declaration).json()["status"] == "live"
    paid = api.decide(customer=customer)
    api.report(type="label", about=paid["event"], label="fraud")
    assert api.decide(customer=customer)["attributes"][name] == 1
    api.report(type="label", about=paid["event"], label="legitimate")
    assert api.decide(customer=customer)["attributes"][name] == 0


def test_return_is_counted_by_declared_counters(api: Any, http: httpx.Client, fresh: Fresh) -> None:
    name, account = fresh("returns"), fresh("acct")
    declaration = {"aggregate": "count", "of": "return", "by": ["account"], "window": "60d"}
    assert http.put(f"/v1/counters/{name}", json=declaration).json()["status"] == "live"
    moved = api.decide(type="inbound_transfer", account=account)
    api.report(type="return", about=moved["event"], code="R01")
    seen = api.decide(type="inbound_transfer", account=account)["attributes"]
    assert seen[name] == 1


def test_outcome_is_shown_with_its_decision(api: Any) -> None:
    paid = api.decide()
    told = api.report(type="dispute", about=paid["event"], reason="fraudulent")
    assert told["object"] == "event"
    assert told["about"] == paid["event"]
    (outcome,) = api.get(f"/v1/decisions/{paid['id']}")["outcomes"]
    assert outcome["type"] == "dispute"
    assert outcome["id"] == told["id"]


@pytest.mark.parametrize("known_by", ["id", "occurred_at"])
def test_repeated_outcome_counts_once(
    api: Any, http: httpx.Client, fresh: Fresh, known_by: str
) -> None:
    card = {"fingerprint": fresh("fp")}
    paid = api.decide(card=card)
    own = {"id": fresh("dp")} if known_by == "id" else {"occurred_at": "2026-11-01T00:00:00Z"}
    dispute = {"type": "dispute", "about": paid["event"], "reason": "fraudulent", **own}
    first, again = (http.post("/v1/events", json=dispute) for _ in range(2))
    assert first.content == again.content
    seen = api.decide(card=card)["attributes"]
    assert seen["dispute_count_on_card_number_all_time"] == 1


def test_outcome_of_an_unknown_event_is_404(http: httpx.Client) -> None:
    refused = http.post("/v1/events", json={"type": "refund", "about": "pay_never"})
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "resource_missing"


# ── counters that begin late ────────────────────────────────────────────────────────────────────


def test_new_counter_is_filled_from_history(api: Any, http: httpx.Client, fresh: Fresh) -> None:
    name, customer = fresh("spent"), fresh("cus")
    for amount in (1_000, 250, 4_000):
        api.decide(customer=customer, amount=amount)
    declaration = {
        "aggregate": "sum",
        "of": "payment",
        "by": ["customer"],
        "value": "amount_in_eur",
        "window": "7d",
    }
    assert http.put(f"/v1/counters/{name}", json=declaration).json()["status"] == "live"
    seen = api.decide(customer=customer, currency="eur", amount=100)["attributes"]
    assert seen[name] == pytest.approx(52.5 / 1.17, abs=0.001)
    assert api.decide(customer=customer)["attributes"][name] == pytest.approx(
        52.5 / 1.17 + 1, abs=0.001
    )


def test_declared_counter_may_stand_in_rules(
    api: Any, http: httpx.Client, fresh: Fresh, rules: Any
) -> None:
    name, device = fresh("customers_of_device"), fresh("dev")
    declaration = {
        "aggregate": "distinct",
        "of": "payment",
        "by": ["device"],
        "value": "customer",
        "window": "1d",
    }
    http.put(f"/v1/counters/{name}", json=declaration)
    rules(f"Block if :{name}: >= 2")
    outcomes = [api.decide(device=device, customer=fresh("cus"))["outcome"] for _ in range(3)]
    assert outcomes == ["allow", "allow", "block"]
    in_use = http.delete(f"/v1/counters/{name}")
    assert in_use.status_code == 400
    assert in_use.json()["error"]["code"] == "counter_in_use"
    changed = http.put(f"/v1/counters/{name}", json={**declaration, "window": "2d"})
    assert changed.status_code == 409


def test_unused_counter_can_be_removed(api: Any, http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("passing")
    declaration = {"aggregate": "count", "of": "payment", "by": ["customer"], "window": "1h"}
    http.put(f"/v1/counters/{name}", json=declaration)
    assert http.delete(f"/v1/counters/{name}").json()["deleted"] is True
    assert http.get(f"/v1/counters/{name}").status_code == 404
    assert name not in api.decide(customer="cus_any")["attributes"]


def test_published_rule_reads_a_warm_counter(api: Any, fresh: Fresh, rules: Any) -> None:
    address = "198.51.100.23"
    for _ in range(3):
        told = api.decide(ip_address=address, email=f"{fresh('someone')}@example.com")
        assert "total_charges_per_ip_address_weekly" not in told["attributes"]
    rules("Block if :total_charges_per_ip_address_weekly: >= 3")
    told = api.decide(ip_address=address)
    assert told["attributes"]["total_charges_per_ip_address_weekly"] == 3
    assert told["outcome"] == "block"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"aggregate": "median"}, "aggregate"),
        ({"of": "paymint"}, "of"),
        ({"by": ["custommer"]}, "by"),
        ({"by": []}, "by"),
        ({"window": "400d"}, "window"),
        ({"window": "soon"}, "window"),
        ({"lag": "-1s"}, "lag"),
        ({"where": ":amount_in_usd: >"}, "where"),
        ({"where": ":email: in @email_blocklist"}, "where"),
        ({"where": ":total_charges_per_customer_hourly: > 1"}, "where"),
        ({"value": "customer"}, "value"),
        ({"windows": "1h"}, "windows"),
    ],
)
def test_wrong_declaration_is_refused_with_its_place(
    http: httpx.Client, change: dict[str, Any], place: str
) -> None:
    declaration = {"aggregate": "count", "of": "payment", "by": ["customer"], "window": "1h"}
    refused = http.put("/v1/counters/wrong", json={**declaration, **change})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == place
    assert http.get("/v1/counters/wrong").status_code == 404


def test_counter_declared_under_load_misses_nothing_and_counts_nothing_twice(
    api: Any, http: httpx.Client, fresh: Fresh, event: Event
) -> None:
    name, customer = fresh("under_load"), fresh("cus")
    for _ in range(2):
        events = [event(customer=customer) for _ in range(600)]
        assert http.post("/v1/decisions/batch", json={"events": events}).status_code == 200
    declaration = {"aggregate": "count", "of": "payment", "by": ["customer"], "window": "7d"}
    sent = [event(customer=customer) for _ in range(120)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda one: http.post("/v1/decisions", json=one), sent)
        told = http.put(f"/v1/counters/{name}", json=declaration).json()
        assert told["status"] in {"backfilling", "live"}
        assert {answer.status_code for answer in answers} == {200}
    while api.get(f"/v1/counters/{name}")["status"] == "backfilling":
        pass
    seen = api.decide(customer=customer)["attributes"]
    assert seen[name] == 1_320
    assert seen["total_charges_per_customer_hourly"] == 1_320


def test_publishing_under_load_decides_by_one_version_or_the_other(
    http: httpx.Client, rules: Any, event: Event
) -> None:
    versions = {rules("Block if :amount_in_usd: > 0")["version"]: "block"}
    sent = [event() for _ in range(120)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda one: http.post("/v1/decisions", json=one).json(), sent)
        versions[rules("Review if :amount_in_usd: > 0")["version"]] = "review"
        told = list(answers)
    assert all(one["outcome"] == versions[one["versions"]["ruleset"]] for one in told)
