"""What operators look at: health, metrics, documentation."""

import re
from collections.abc import Callable
from typing import Any

import httpx


def test_ready_server_says_so_to_anybody(server: Any) -> None:
    with server.client("") as nobody:
        assert nobody.get("/healthz").json() == {"status": "ok"}
        told = nobody.get("/readyz")
    assert told.status_code == 200
    assert told.json()["status"] == "ready"


def test_metrics_count_decisions_and_refusals(api: Any, http: httpx.Client, rules: Any) -> None:
    (rule,) = rules("Block if :amount_in_usd: > 5000")["rules"]

    def figure(line: str) -> float:
        found = re.search(rf"^{re.escape(line)} (\S+)$", http.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    blocked = 'sekisho_decisions_total{outcome="block",type="payment"}'
    hit = f'sekisho_rule_hits_total{{rule="{rule["id"]}"}}'
    refused = 'sekisho_refused_requests_total{status="422"}'
    before = [figure(one) for one in (blocked, refused)]
    api.decide(amount=600_000)
    http.post("/v1/decisions", json={"type": "payment"})
    assert [figure(one) for one in (blocked, refused)] == [one + 1 for one in before]
    assert figure(hit) == 1
    assert figure("sekisho_pending_decisions") == 0
    assert figure("sekisho_decision_seconds_count") > 0


def test_documentation_needs_no_other_host(http: httpx.Client) -> None:
    page = http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    places = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert len(places) >= 3
    for place in places:
        assert place.startswith("/"), place
        assert not place.startswith("//"), place
        assert http.get(place).status_code == 200
    assert not re.search(r"https?://", page.text)


def test_documentation_describes_the_hot_route_too(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    asked = document["paths"]["/v1/decisions"]["post"]
    assert asked["requestBody"]["content"]["application/json"]["schema"]
    assert {"200", "400", "409", "413", "422", "429", "503"} <= set(asked["responses"])
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', http.get("/openapi.json").text))
    assert references <= set(document["components"]["schemas"])


def test_documentation_lists_every_event_type(http: httpx.Client) -> None:
    text = http.get("/openapi.json").text
    for name in ("payment", "card_authorization", "inbound_transfer", "signup", "otp_request"):
        assert f'"{name}"' in text


def test_every_answer_has_a_request_id_of_its_own(
    http: httpx.Client, event: Callable[..., dict[str, Any]]
) -> None:
    answers = [http.post("/v1/decisions", json=event()) for _ in range(2)]
    answers += [http.post("/v1/decisions", content=b""), http.get("/v1/nothing")]
    answers += [http.get("/v1/radar/value_lists"), http.get("/v1/radar/value_lists/nope")]
    ids = [answer.headers["request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("req_") for one in ids)


def test_attributes_are_listed_with_type_and_meaning(http: httpx.Client) -> None:
    told = {one["name"]: one for one in http.get("/v1/attributes").json()["data"]}
    assert len(told) > 280
    assert told["card_country"]["type"] == "country"
    assert all(one["meaning"] for one in told.values())


def test_clock_moves_forward_only(http: httpx.Client) -> None:
    before = http.post("/dev/clock", json={"advance_s": 0}).json()["now"]
    after = http.post("/dev/clock", json={"advance_s": 90}).json()["now"]
    assert after > before
    assert http.post("/dev/clock", json={"advance_s": -1}).status_code == 422
