"""Who may do what: API keys, their scopes, and how they end."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

NewKey = Callable[..., dict[str, Any]]

NEEDED: dict[tuple[str, str], str] = {
    ("POST", "/v1/decisions"): "decide",
    ("POST", "/v1/decisions/batch"): "decide",
    ("POST", "/v1/events"): "decide",
    ("GET", "/v1/decisions"): "read",
    ("GET", "/v1/decisions/{decision_id}"): "read",
    ("GET", "/v1/attributes"): "read",
    ("POST", "/v1/rules/check"): "read",
    ("GET", "/v1/rules/{rule_id}/metrics"): "read",
    ("GET", "/v1/rules/{rule_id}/matches"): "read",
    ("GET", "/v1/rulesets"): "read",
    ("GET", "/v1/rulesets/diff"): "read",
    ("GET", "/v1/rulesets/draft"): "read",
    ("GET", "/v1/rulesets/{version}"): "read",
    ("PUT", "/v1/rulesets/draft"): "rules",
    ("POST", "/v1/rulesets/draft/publish"): "rules",
    ("POST", "/v1/rulesets/{version}/publish"): "rules",
    ("POST", "/v1/backtests"): "read",
    ("GET", "/v1/backtests/{job_id}"): "read",
    ("GET", "/v1/counters"): "read",
    ("GET", "/v1/counters/{name}"): "read",
    ("PUT", "/v1/counters/{name}"): "rules",
    ("DELETE", "/v1/counters/{name}"): "rules",
    ("GET", "/v1/lists"): "read",
    ("GET", "/v1/lists/{alias}"): "read",
    ("GET", "/v1/lists/{alias}/items"): "read",
    ("POST", "/v1/lists"): "lists",
    ("DELETE", "/v1/lists/{alias}"): "lists",
    ("POST", "/v1/lists/{alias}/items"): "lists",
    ("PUT", "/v1/lists/{alias}/items"): "lists",
    ("DELETE", "/v1/lists/{alias}/items/{item_id}"): "lists",
    ("POST", "/v1/rulesets/draft/shadow"): "rules",
    ("GET", "/v1/rulesets/shadow"): "read",
    ("DELETE", "/v1/rulesets/shadow"): "rules",
    ("POST", "/v1/rulesets/shadow/publish"): "rules",
    ("GET", "/v1/rulesets/shadow/metrics"): "read",
    ("GET", "/v1/rules/summary"): "read",
    ("PUT", "/v1/profiles/schemas/{entity}"): "rules",
    ("GET", "/v1/profiles/schemas"): "read",
    ("GET", "/v1/profiles/schemas/{entity}"): "read",
    ("POST", "/v1/profiles/{entity}"): "profiles",
    ("POST", "/v1/profiles/{entity}/csv"): "profiles",
    ("PUT", "/v1/profiles/{entity}/{entity_id}"): "profiles",
    ("GET", "/v1/profiles/{entity}/{entity_id}"): "read",
    ("DELETE", "/v1/profiles/{entity}/{entity_id}"): "profiles",
    ("PUT", "/v1/parameters/{name}"): "rules",
    ("GET", "/v1/parameters"): "read",
    ("GET", "/v1/parameters/{name}"): "read",
    ("POST", "/v1/parameters/{name}/csv"): "profiles",
    ("PUT", "/v1/parameters/{name}/{entity_id}"): "profiles",
    ("GET", "/v1/parameters/{name}/{entity_id}"): "read",
    ("DELETE", "/v1/parameters/{name}/{entity_id}"): "profiles",
    ("GET", "/v1/reviews"): "read",
    ("GET", "/v1/reviews/{review_id}"): "read",
    ("GET", "/v1/restraints"): "read",
    ("GET", "/v1/webhook_endpoints"): "read",
    ("POST", "/v1/webhook_endpoints"): "admin",
    ("GET", "/v1/webhook_endpoints/{endpoint_id}"): "read",
    ("PATCH", "/v1/webhook_endpoints/{endpoint_id}"): "admin",
    ("DELETE", "/v1/webhook_endpoints/{endpoint_id}"): "admin",
    ("POST", "/v1/webhook_endpoints/{endpoint_id}/rotate"): "admin",
    ("POST", "/v1/webhook_endpoints/{endpoint_id}/test"): "admin",
    ("POST", "/v1/actions"): "act",
    ("GET", "/v1/actions"): "read",
    ("GET", "/v1/actions/kinds"): "read",
    ("GET", "/v1/actions/pauses"): "read",
    ("POST", "/v1/actions/pause"): "act",
    ("POST", "/v1/actions/resume"): "act",
    ("GET", "/v1/actions/{action_id}"): "read",
    ("POST", "/v1/actions/{action_id}/cancel"): "act",
    ("POST", "/v1/actions/{action_id}/replay"): "act",
    ("POST", "/v1/actions/{action_id}/undo"): "act",
    ("POST", "/v1/actions/{action_id}/settle"): "act",
    ("GET", "/v1/action-policies"): "read",
    ("PUT", "/v1/action-policies"): "act",
    ("GET", "/v1/action-policies/versions"): "read",
    ("GET", "/v1/keys"): "admin",
    ("POST", "/v1/keys"): "admin",
    ("DELETE", "/v1/keys/{key_id}"): "admin",
}
STRIPE: dict[tuple[str, str], str] = {
    ("GET", "/v1/radar/value_lists"): "read",
    ("GET", "/v1/radar/value_lists/x"): "read",
    ("GET", "/v1/radar/value_list_items"): "read",
    ("GET", "/v1/radar/value_list_items/x"): "read",
    ("POST", "/v1/radar/value_lists"): "lists",
    ("POST", "/v1/radar/value_lists/x"): "lists",
    ("DELETE", "/v1/radar/value_lists/x"): "lists",
    ("POST", "/v1/radar/value_list_items"): "lists",
    ("DELETE", "/v1/radar/value_list_items/x"): "lists",
}
OPEN = {("GET", path) for path in ("/healthz", "/readyz", "/metrics")}
DEVELOPER = ("/dev/",)
BODIES: dict[str, Any] = {
    "/v1/rules/check": {"rules": []},
    "/v1/backtests": {"rule": "Block if :risk_score: > 90"},
    "/v1/rulesets/draft": {"rules": []},
    "/v1/lists": {"alias": "x"},
    "/v1/lists/{alias}/items": {"items": []},
    "/v1/keys": {"name": "x"},
    "/v1/actions/pause": {"of": "kind", "name": "x"},
    "/v1/actions/resume": {"of": "kind", "name": "x"},
    "/v1/actions/{action_id}/settle": {"verdict": "done"},
    "/v1/counters/{name}": {},
    "/v1/webhook_endpoints": {"url": "https://example.com/"},
    "/v1/webhook_endpoints/{endpoint_id}": {},
    "/v1/webhook_endpoints/{endpoint_id}/rotate": {},
    "/v1/profiles/schemas/{entity}": {"attributes": {"x": "numeric"}},
    "/v1/profiles/{entity}": {"profiles": []},
    "/v1/profiles/{entity}/{entity_id}": {"attributes": {}},
    "/v1/parameters/{name}": {"default": 1},
    "/v1/parameters/{name}/{entity_id}": {"value": 1},
}
SCOPES = ("decide", "read", "rules", "lists", "profiles", "act", "admin")


@pytest.fixture
def new_key(http: httpx.Client) -> NewKey:
    def make(*scopes: str) -> dict[str, Any]:
        made = http.post("/v1/keys", json={"name": "test", "scopes": list(scopes)})
        assert made.status_code == 201, made.text
        told: dict[str, Any] = made.json()
        return told

    return make


def ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    place = path
    for name in ("decision_id", "version", "name", "alias", "item_id", "key_id"):
        place = place.replace(f"{{{name}}}", "nope")
    return client.request(method, place, json=BODIES.get(path) if method != "GET" else None)


def test_every_route_of_the_documentation_has_its_row(http: httpx.Client) -> None:
    told = http.get("/openapi.json").json()["paths"]
    documented = {(method.upper(), path) for path in told for method in told[path]}
    plain = {one for one in documented if not one[1].startswith((*DEVELOPER, "/v1/radar/"))}
    assert plain - OPEN == set(NEEDED)


def test_without_a_key_every_route_is_closed(server: Any) -> None:
    with server.client("") as nobody, server.client("sk_test_wrong") as stranger:
        for method, path in (*NEEDED, *STRIPE):
            refused = ask(nobody, method, path)
            assert refused.status_code == 401, (method, path, refused.text)
            assert refused.json()["error"]["code"] == "api_key_missing"
            assert ask(stranger, method, path).json()["error"]["code"] == "api_key_invalid"


@pytest.mark.parametrize("scope", SCOPES)
def test_key_opens_its_scope_and_no_other(server: Any, new_key: NewKey, scope: str) -> None:
    with server.client(new_key(scope)["key"]) as client:
        for (method, path), needed in (*NEEDED.items(), *STRIPE.items()):
            if needed == scope and method != "GET":
                continue  # would change what other tests see; other tests open these doors
            status = ask(client, method, path).status_code
            assert (status == 403) == (needed != scope), (method, path, status)
            assert status < 500


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_stranger_learns_nothing_about_bodies(server: Any, body: bytes) -> None:
    with server.client("sk_test_wrong") as stranger:
        for method, path in (*NEEDED, *STRIPE):
            place = path.replace("{", "").replace("}", "")
            headers = {"content-type": "application/json"}
            refused = stranger.request(method, place, content=body, headers=headers)
            assert refused.status_code == 401, (method, path, refused.text)


def test_basic_user_name_is_a_key_too(server: Any) -> None:
    with httpx.Client(base_url=server.url, auth=("sk_test_sekisho", "")) as client:
        assert client.get("/v1/rulesets").status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x y", "Basic !!!", "Basic /w==", "Digest x", "sk_test_sekisho"]
)
def test_odd_authorization_is_401(server: Any, header: str) -> None:
    refused = httpx.get(f"{server.url}/v1/rulesets", headers={"authorization": header})
    assert refused.status_code == 401


def test_key_is_told_once_and_kept_as_a_hash(
    http: httpx.Client, server: Any, new_key: NewKey
) -> None:
    made = new_key("read")
    assert made["key"].startswith("sk_test_")
    listed = http.get("/v1/keys")
    assert made["id"] in listed.text
    assert made["key"] not in listed.text
    files = [one for one in server.data.rglob("*") if one.is_file()]
    assert files
    assert not any(made["key"].encode() in one.read_bytes() for one in files)


def test_revoked_key_is_shut_out_at_once(http: httpx.Client, server: Any, new_key: NewKey) -> None:
    made = new_key("read")
    with server.client(made["key"]) as client:
        assert client.get("/v1/rulesets").status_code == 200
        assert http.delete(f"/v1/keys/{made['id']}").json()["revoked"] is True
        assert client.get("/v1/rulesets").status_code == 401
    assert http.delete(f"/v1/keys/{made['id']}").status_code == 404


def test_unknown_scope_is_refused(http: httpx.Client) -> None:
    refused = http.post("/v1/keys", json={"name": "x", "scopes": ["everything"]})
    assert refused.status_code == 422
    assert refused.json()["error"]["param"] == "scopes"


def test_idempotency_keys_of_two_callers_are_apart(
    http: httpx.Client, server: Any, new_key: NewKey, event: Callable[..., dict[str, Any]]
) -> None:
    headers = {"idempotency-key": "shared-by-two"}
    http.post("/v1/decisions", json=event(), headers=headers)
    with server.client(new_key("decide")["key"]) as other:
        answer = other.post("/v1/decisions", json=event(), headers=headers)
    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers
