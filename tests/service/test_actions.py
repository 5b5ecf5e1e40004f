"""Actions over HTTP and on the command line, at a real server."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

EVENT = {"specversion": "1.0", "source": "/shop", "type": "sekisho.action.again.after"}


def after(kind: str = "chain.run", delay_s: float = 0, **params: Any) -> dict[str, Any]:
    steps = {"steps": [{"kind": "again.after", "params": {}, "when": ":amount: > 1"}]}
    return {"delay_s": delay_s, "kind": kind, "params": params or steps}


def until(http: httpx.Client, action_id: str, state: str) -> dict[str, Any]:
    for _ in range(400):
        told: dict[str, Any] = http.get(f"/v1/actions/{action_id}").json()
        if told["state"] == state:
            return told
        time.sleep(0.02)
    raise AssertionError(told)


def command(*arguments: str) -> tuple[int, str]:
    sekisho = Path(sys.executable).with_name("sekisho")
    done = subprocess.run(
        [sekisho, "actions", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_same_event_is_one_action_in_either_mode(
    http: httpx.Client, fresh: Callable[[str], str]
) -> None:
    name = fresh("event")
    first = http.post("/v1/actions", json={**EVENT, "id": name, "data": after()})
    assert first.status_code == 202
    headers = {"ce-specversion": "1.0", "ce-source": "/shop", "ce-id": name}
    headers["ce-type"] = EVENT["type"]
    again = http.post("/v1/actions", json=after(), headers=headers)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = http.post("/v1/actions", json={**EVENT, "id": name, "data": after(delay_s=9)})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "id_in_use")
    told = until(http, first.json()["id"], "done")
    assert [line["what"] for line in told["history"]] == ["done"]
    assert told["origin"] == "api:key_dev:/shop"


def test_an_idempotency_key_names_the_action(
    http: httpx.Client, fresh: Callable[[str], str]
) -> None:
    headers = {"idempotency-key": fresh("key")}
    event = {**EVENT, "id": fresh("event"), "data": after()}
    first, again = (http.post("/v1/actions", json=event, headers=headers) for _ in range(2))
    assert first.content == again.content
    other = {**event, "data": after(delay_s=1)}
    assert http.post("/v1/actions", json=other, headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "not_json"),
        ("[]", 422, "event_refused"),
        ('{"specversion":"0.3","id":"x","source":"s","type":"t"}', 422, "event_refused"),
        ('{"specversion":"1.0","id":"","source":"s","type":"t"}', 422, "event_refused"),
        ('{"specversion":"1.0","id":"x","source":"s","type":"no.such"}', 422, "kind_unknown"),
        ('{"specversion":"1.0","id":"x","source":"s","type":"again.after"}', 422, "params_refused"),
        (
            '{"specversion":"1.0","id":"x","source":"s","type":"t","deadline":"2020-01-01T00:00:00Z"}',
            422,
            "out_of_range",
        ),
    ],
)
def test_what_asks_for_no_action_is_told_so(
    http: httpx.Client, body: str, status: int, code: str
) -> None:
    answer = http.post("/v1/actions", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_decision_asks_for_actions_by_policy_and_at_most_so_often(
    http: httpx.Client, api: Any, fresh: Callable[[str], str]
) -> None:
    policy = {
        "name": fresh("policy"),
        "when": ":amount: > 100 and :email_domain: = 'often.example'",
        "subject": "email",
        "at_most": {"times": 1, "per_s": 3600},
        "actions": [
            {"kind": "again.after", "params": after("chain.run"), "ordering_key": ":email:"}
        ],
    }
    put = http.put("/v1/action-policies", json={"policies": [policy]})
    assert put.status_code == 200, put.text
    try:
        for amount in (50, 500, 600):
            api.decide(amount=amount, email="x@often.example")
        for _ in range(200):
            found = http.get("/v1/actions", params={"kind": "chain.run"}).json()["data"]
            mine = [one for one in found if one["subject"] == "x@often.example"]
            if mine and mine[0]["state"] == "done":
                break
            time.sleep(0.02)
        (chain,) = mine
        assert chain["cause"]["attributes"]["amount"] == 500
        assert chain["state"] == "done", chain
        assert chain["result"] == {"next": "again.after", "passed_over": []}
        assert chain["ordering_key"] == "x@often.example"
        unread = {**policy, "when": ":total_charges_per_email_hourly: > 3"}
        refused = http.put("/v1/action-policies", json={"policies": [unread]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "policy_refused")
        assert http.get("/v1/action-policies").json()["version"] == put.json()["version"]
    finally:
        http.put("/v1/action-policies", json={"policies": []})


def test_notes_of_decisions_are_never_carried_out(http: httpx.Client, api: Any) -> None:
    decided = api.decide(amount=100, ip_address="8.8.8.8")
    assert decided["outcome"] == "allow"
    told = http.get("/v1/actions", params={"state": "noted"}).json()
    assert all(one["attempts"] == 0 for one in told["data"])


def test_the_command_line_reaches_a_running_server(new_server: Any) -> None:
    server = new_server()
    with server.client() as http:
        event = {**EVENT, "id": "e", "data": {"delay_s": 0, "kind": "no.such", "params": {}}}
        first = http.post("/v1/actions", json=event).json()["id"]
        until(http, first, "done")
        (follower, _) = http.get("/v1/actions").json()["data"]
        dead = until(http, follower["id"], "dead")
        assert http.post("/v1/actions/pause", json={"of": "kind", "name": "no.such"}).is_success
        reach = ["--url", server.url, "--key", "sk_test_sekisho"]
        assert command("replay", dead["id"], *reach)[1].split()[-1] == "ready"
        assert command("cancel", first, *reach)[0] == 2
        status, told = command("list", "--data", str(server.data))
        assert (status, "--url" in told) == (2, True)
        assert 'sekisho_actions{state="' in http.get("/metrics").text
