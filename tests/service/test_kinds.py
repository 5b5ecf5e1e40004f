"""The kinds of action that are brought along, asked for over HTTP and carried out for real."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

Act = Callable[..., dict[str, Any]]
Fresh = Callable[[str], str]


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, server_on: Any) -> Iterator[Any]:
    """Nobody moves its clock, so that receivers find its signatures fresh."""
    running = server_on(tmp_path_factory.mktemp("kinds") / "data").start()
    yield running
    running.kill()


@pytest.fixture
def http(own_server: Any) -> Iterator[httpx.Client]:
    with own_server.client() as client:
        yield client


@pytest.fixture
def act(http: httpx.Client, fresh: Fresh) -> Act:
    """Asks for an action and waits until it has come to something."""

    def ask(kind: str, end: str = "done", **params: Any) -> dict[str, Any]:
        event = {"specversion": "1.0", "source": "/t", "id": fresh("e"), "data": params}
        asked = http.post("/v1/actions", json={**event, "type": f"sekisho.action.{kind}"})
        assert asked.status_code == 202, asked.text
        return ended(http, asked.json()["id"], end)

    return ask


def ended(http: httpx.Client, action_id: str, end: str = "done") -> dict[str, Any]:
    for _ in range(600):
        told: dict[str, Any] = http.get(f"/v1/actions/{action_id}").json()
        if told["state"] == end:
            return told
        time.sleep(0.02)
    raise AssertionError(told)


def undone(http: httpx.Client, action: dict[str, Any]) -> dict[str, Any]:
    asked = http.post(f"/v1/actions/{action['id']}/undo")
    assert asked.status_code == 202, asked.text
    return ended(http, asked.json()["id"])


def values(http: httpx.Client, alias: str) -> list[str]:
    return [one["value"] for one in http.get(f"/v1/lists/{alias}/items").json()["data"]]


def held(http: httpx.Client, **which: str) -> list[str]:
    return [one["feature"] for one in http.get("/v1/restraints", params=which).json()["data"]]


def test_decision_reaches_a_receiver_as_a_signed_webhook_through_a_policy(
    http: httpx.Client, api_of: Any, receiver: Any
) -> None:
    api = api_of(http)
    made = http.post("/v1/webhook_endpoints", json={"url": receiver.url}).json()
    send = {"kind": "webhook.send", "params": {"endpoint": made["id"], "type": "decision.blocked"}}
    policy = {"name": "tell", "outcomes": ["block"], "when": ":amount: > 1", "actions": [send]}
    put = http.put("/v1/action-policies", json={"policies": [policy]})
    assert put.status_code == 200, put.text
    api.publish("Block if :amount_in_usd: > 900")
    decision = api.decide(id="pay_hook", amount=99_000)
    assert decision["outcome"] == "block"
    for _ in range(600):
        if receiver.heard:
            break
        time.sleep(0.02)
    api.publish()
    http.put("/v1/action-policies", json={"policies": []})
    headers, body = receiver.heard[0]
    told = Webhook(made["secret"]).verify(body, headers)
    assert told["type"] == "decision.blocked"
    assert told["data"]["decision"] == decision["id"]
    assert told["data"]["event"] == "pay_hook"
    assert headers["webhook-id"] == headers["idempotency-key"]
    assert ended(http, headers["webhook-id"])["result"] == {"status": 200}


def test_policy_names_what_is_there_and_keeps_its_list(http: httpx.Client, fresh: Fresh) -> None:
    alias = fresh("watched")
    add = {"kind": "list.add", "params": {"list": alias, "value": ":email:"}}
    policies = {"policies": [{"name": "watch", "outcomes": ["block"], "actions": [add]}]}
    refused = http.put("/v1/action-policies", json=policies)
    assert (refused.status_code, alias in refused.json()["error"]["message"]) == (422, True)
    assert http.post("/v1/lists", json={"alias": alias, "item_type": "email"}).is_success
    assert http.put("/v1/action-policies", json=policies).is_success
    kept = http.delete(f"/v1/lists/{alias}")
    assert kept.status_code in {400, 409}, kept.text
    assert "an action policy" in kept.text
    send = {"kind": "webhook.send", "params": {"endpoint": "whe_none", "type": ":outcome:"}}
    policies["policies"][0]["actions"] = [send]
    refused = http.put("/v1/action-policies", json=policies)
    assert (refused.status_code, "whe_none" in refused.text) == (422, True)
    http.put("/v1/action-policies", json={"policies": []})
    assert http.delete(f"/v1/lists/{alias}").is_success


def test_what_a_policy_names_may_be_gone_at_the_next_start(new_server: Any, api_of: Any) -> None:
    server = new_server()
    with server.client() as http:
        endpoint = http.post("/v1/webhook_endpoints", json={"url": "http://127.0.0.1:9/"}).json()
        send = {"kind": "webhook.send", "params": {"endpoint": endpoint["id"], "type": "t"}}
        policy = {"name": "tell", "outcomes": ["block"], "actions": [send]}
        assert http.put("/v1/action-policies", json={"policies": [policy]}).is_success
        api_of(http).publish("Block if :amount_in_usd: > 1")
        assert http.delete(f"/v1/webhook_endpoints/{endpoint['id']}").is_success
    server.kill()
    server.start()
    with server.client() as http:
        assert api_of(http).decide()["outcome"] == "block"
        (action,) = http.get("/v1/actions").json()["data"]
        assert endpoint["id"] in ended(http, action["id"], "dead")["error"]


def test_webhook_comes_again_under_its_id_until_it_is_taken(
    http: httpx.Client, act: Act, receiver: Any
) -> None:
    endpoint = http.post("/v1/webhook_endpoints", json={"url": receiver.url}).json()["id"]
    receiver.status = 500

    def mend() -> None:
        while not receiver.heard:
            time.sleep(0.01)
        receiver.status = 204

    threading.Thread(target=mend, daemon=True).start()
    told = act("webhook.send", endpoint=endpoint, type="t", data={"n": 1})
    ids = {headers["webhook-id"] for headers, _ in receiver.heard}
    assert ids == {told["id"]}
    assert len(receiver.heard) == told["attempts"] >= 2
    assert len({body for _, body in receiver.heard}) == 1


def test_webhook_that_is_refused_for_good_is_dead_and_says_why(
    http: httpx.Client, act: Act, receiver: Any
) -> None:
    endpoint = http.post("/v1/webhook_endpoints", json={"url": receiver.url}).json()["id"]
    receiver.status, receiver.answer = 410, b"gone"
    told = act("webhook.send", "dead", endpoint=endpoint, type="t")
    assert (told["attempts"], told["error"]) == (1, "the receiver answered 410: gone")
    inward = {"url": "https://169.254.169.254/"}
    endpoint = http.post("/v1/webhook_endpoints", json=inward).json()["id"]
    assert "credentials" in act("webhook.send", "dead", endpoint=endpoint, type="t")["error"]


def test_value_is_put_into_a_list_and_taken_out_again_by_undo(
    http: httpx.Client, api_of: Any, act: Act, fresh: Fresh
) -> None:
    api, alias = api_of(http), fresh("list")
    http.post("/v1/lists", json={"alias": alias})
    api.publish(f"Block if :email_domain: in @{alias}")
    added = act("list.add", list=alias, value="bad.example", expires_in_s=3600)
    assert added["result"]["added"] is True
    assert added["result"]["expires_at"]
    assert api.decide(email="a@bad.example")["outcome"] == "block"
    again = act("list.add", list=alias, value="bad.example")
    assert again["result"] == {"added": False, "expires_at": added["result"]["expires_at"]}
    assert http.post(f"/v1/actions/{again['id']}/undo").status_code == 409
    assert undone(http, added)["result"]["removed"] is True
    assert api.decide(email="b@bad.example")["outcome"] == "allow"
    assert act("list.remove", list=alias, value="bad.example")["result"] == {"removed": False}
    api.publish()


def test_value_that_was_taken_out_comes_back_with_its_expiry(
    http: httpx.Client, act: Act, fresh: Fresh
) -> None:
    alias = fresh("list")
    http.post("/v1/lists", json={"alias": alias})
    added = act("list.add", list=alias, value="x", expires_at="2099-01-01T00:00:00Z")
    removed = act("list.remove", list=alias, value="X")
    assert values(http, alias) == []
    back = undone(http, removed)
    assert values(http, alias) == ["X"]
    assert back["result"]["expires_at"] == added["result"]["expires_at"] == "2099-01-01T00:00:00Z"


def test_review_is_open_until_a_verdict_about_its_event(
    http: httpx.Client, api_of: Any, act: Act, fresh: Fresh
) -> None:
    api, event = api_of(http), fresh("pay")
    api.decide(id=event)
    review = act("review.open", event=event, reason="odd", priority=7)["result"]["review"]
    told = http.get(f"/v1/reviews/{review}").json()
    assert (told["state"], told["event"], told["reason"]) == ("open", event, "odd")
    api.report(type="review_verdict", id=fresh("v"), about=event, verdict="approved")
    told = http.get(f"/v1/reviews/{review}").json()
    assert (told["state"], told["verdict"]) == ("closed", "approved")
    other = act("review.open", event=fresh("pay"), reason="odd too")["result"]["review"]
    for state, wanted in (("open", other), ("closed", review)):
        found = http.get("/v1/reviews", params={"state": state, "limit": 1}).json()
        assert found["data"][0]["id"] == wanted
    page = http.get("/v1/reviews", params={"limit": 1}).json()
    assert (page["data"][0]["id"], page["has_more"]) == (other, True)
    rest = http.get("/v1/reviews", params={"starting_after": other}).json()
    assert rest["data"][0]["id"] == review
    assert http.get("/v1/reviews/rev_none").status_code == 404


def test_account_may_not_do_what_is_restricted_until_it_is_lifted(
    http: httpx.Client, act: Act, fresh: Fresh
) -> None:
    account = fresh("acc")
    first = act("account.restrict", account=account, features=["payout"], reason="mule")
    both = act("account.restrict", account=account, features=["login", "payout"])
    assert first["result"] == {"restricted": ["payout"]}
    assert both["result"] == {"restricted": ["login"]}
    assert held(http, of="account", id=account) == ["login", "payout"]
    undone(http, both)
    assert held(http, of="account", id=account) == ["payout"]
    lifted = act("account.unrestrict", account=account, features=["payout", "login"])
    assert lifted["result"] == {"lifted": ["payout"]}
    assert held(http, of="account", id=account) == []
    undone(http, lifted)
    assert held(http, of="account", id=account) == ["payout"]


def test_transfer_is_held_for_a_while_or_until_released(
    http: httpx.Client, act: Act, fresh: Fresh
) -> None:
    transfer, short = fresh("tr"), fresh("tr")
    hold = act("transfer.hold", transfer=transfer, reason="new payee")
    assert held(http, of="transfer", id=transfer) == ["release"]
    undone(http, hold)
    assert held(http, of="transfer", id=transfer) == []
    assert act("transfer.release", transfer=transfer)["result"] == {"released": False}
    act("transfer.hold", transfer=short, expires_in_s=0.001)
    assert held(http, of="transfer", id=short) == []


@pytest.mark.parametrize(
    ("kind", "params", "word"),
    [
        ("webhook.send", {"endpoint": "whe_none", "type": "t"}, "whe_none"),
        ("webhook.send", {"type": "t"}, "endpoint"),
        ("list.add", {"list": "no_such", "value": "x"}, "no_such"),
        ("list.add", {"list": "email_blocklist", "value": "  "}, "empty"),
        ("list.add", {"list": "email_blocklist", "value": "x", "expires_in_s": -1}, "expires_in_s"),
        ("list.add", {"list": "email_blocklist", "value": "x", "until": "1"}, "until"),
        ("review.open", {"event": "e", "priority": 101}, "priority"),
        ("account.restrict", {"account": "a", "features": []}, "features"),
        ("account.restrict", {"account": "a", "features": ["No!"]}, "features"),
        ("account.restrict", {"account": "", "features": ["x"]}, "account"),
        ("transfer.hold", {"transfer": "t", "expires_in_s": 1e12}, "expires_in_s"),
    ],
)
def test_parameters_that_cannot_be_are_refused_at_the_door(
    http: httpx.Client, fresh: Fresh, kind: str, params: dict[str, Any], word: str
) -> None:
    event = {"specversion": "1.0", "source": "/t", "id": fresh("e"), "data": params}
    refused = http.post("/v1/actions", json={**event, "type": f"sekisho.action.{kind}"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "params_refused")
    assert word in refused.json()["error"]["message"]
