"""A server that ends, in good order or not, and comes back with everything it had acknowledged."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

Event = Callable[..., dict[str, Any]]
COUNTER = {
    "aggregate": "sum",
    "of": "payment",
    "by": ["customer"],
    "where": ":outcome: = 'declined'",
    "value": "amount_in_usd",
    "window": "30d",
}


@dataclass
class Known:
    """What was set up and answered before the server ended."""

    version: str
    key: str
    answers: dict[str, bytes]
    sent: dict[str, dict[str, Any]]


def set_up(api: Any, event: Event) -> Known:
    http: httpx.Client = api.http
    made = http.post("/v1/keys", json={"name": "kept", "scopes": ["decide", "read"]}).json()
    http.post("/v1/lists", json={"alias": "kept_list"})
    http.post("/v1/lists/kept_list/items", json={"items": ["kept.example", "gone.example"]})
    (gone,) = http.get("/v1/lists/kept_list/items?limit=1").json()["data"]
    http.delete(f"/v1/lists/kept_list/items/{gone['id']}")
    assert http.put("/v1/counters/declined_usd", json=COUNTER).json()["status"] == "live"
    version = api.publish(
        "Block if :email_domain: in @kept_list",
        "Review if :declined_usd: > 100000",
        "Review if :refund_count_on_card_weekly: > 24",
    )["version"]
    api.draft("Block if :amount_in_usd: > 12345")
    sent = {f"key-{n}": event(customer="cus_kept", card={"fingerprint": "fp_k"}) for n in range(6)}
    answers = {
        key: http.post("/v1/decisions", json=one, headers={"idempotency-key": key}).content
        for key, one in sent.items()
    }
    about = [one["id"] for one in sent.values()]
    api.report(type="authorization", about=about[0], approved=False)
    api.report(type="authorization", about=about[1], approved=False)
    api.report(type="refund", about=about[2])
    api.report(type="dispute", about=about[3], reason="fraudulent")
    return Known(version, made["key"], answers, sent)


def check_everything_is_there(api: Any, known: Known, extra: int) -> None:
    http: httpx.Client = api.http
    for key, answer in known.answers.items():
        headers = {"idempotency-key": key}
        replayed = http.post("/v1/decisions", json=known.sent[key], headers=headers)
        assert replayed.content == answer
        assert replayed.headers["idempotent-replayed"] == "true"
        assert http.post("/v1/decisions", json=known.sent[key]).content == answer
    other = {**known.sent["key-0"], "amount": 1}
    assert http.post("/v1/decisions", json=other).status_code == 409
    assert http.get("/v1/rulesets/live").json()["version"] == known.version
    assert http.get("/v1/rulesets/draft").json()["rules"][0]["predicate"].endswith("> 12345")
    seen = api.decide(customer="cus_kept", card={"fingerprint": "fp_k"})["attributes"]
    assert seen["declined_usd"] == 50
    assert seen["refund_count_on_card_weekly"] == 1
    assert seen["dispute_count_on_card_number_all_time"] == 1
    assert seen["total_charges_per_customer_hourly"] == 6 + extra
    assert api.decide(email="a@kept.example")["outcome"] == "block"
    assert api.decide(email="a@gone.example")["outcome"] == "allow"
    with httpx.Client(base_url=http.base_url) as kept:
        kept.headers["authorization"] = f"Bearer {known.key}"
        assert kept.get("/v1/rulesets").status_code == 200
        assert kept.get("/v1/keys").status_code == 403


def test_restart_keeps_everything_after_either_end(
    new_server: Callable[..., Any], api_of: Callable[[httpx.Client], Any], event: Event
) -> None:
    server = new_server()
    with server.client() as client:
        known = set_up(api_of(client), event)
    assert server.stop() == 0
    server = new_server()
    with server.client() as client:
        check_everything_is_there(api_of(client), known, extra=0)
        lists = client.get("/v1/decisions?limit=1").json()["data"][0]["versions"]
        acknowledged = _load_until_killed(server, event)
    assert acknowledged
    server = new_server()
    with server.client() as client:
        check_everything_is_there(api_of(client), known, extra=1)
        newest = client.get("/v1/decisions?limit=1").json()["data"][0]["versions"]
        assert newest == lists
        for sent, answer in acknowledged:
            assert client.post("/v1/decisions", json=sent).content == answer
        seen = api_of(client).decide(customer="cus_load")["attributes"]
        counted = seen["total_charges_per_customer_hourly"]
        recorded = client.get("/readyz").json()["recorded"]
    # Beyond what was acknowledged there may be what was written and not yet answered.
    assert len(acknowledged) <= counted <= len(acknowledged) + 8
    assert recorded >= counted


def _load_until_killed(server: Any, event: Event) -> list[tuple[dict[str, Any], bytes]]:
    """Decisions answered by a server that is killed under load."""
    acknowledged: list[tuple[dict[str, Any], bytes]] = []

    def send(number: int) -> None:
        sent = event(customer="cus_load")
        if number == 150:
            server.kill()
        try:
            answer = client.post("/v1/decisions", json=sent)
        except httpx.TransportError:
            return
        if answer.status_code == 200:
            acknowledged.append((sent, answer.content))

    with server.client() as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(300)))
    return acknowledged
