"""Rules on trial: in shadow, for a share of customers, and blocks that a holdout lets pass."""

from collections.abc import Callable
from typing import Any

import httpx

from sekisho.rules import Rollout, is_rolled_out

USD = {"share": 0.2, "per_payment": 10_000, "per_day": 50_000, "currency": "usd"}


def publish(http: httpx.Client, rules: list[Any], **settings: Any) -> dict[str, Any]:
    drafted = http.put("/v1/rulesets/draft", json={"rules": rules, **settings})
    assert drafted.is_success, drafted.text
    return http.post("/v1/rulesets/draft/publish").json()


def test_rule_in_shadow_is_recorded_and_changes_nothing(api: Any, rules: Any) -> None:
    told = rules({"predicate": "Block if :amount_in_usd: > 10", "mode": "shadow"})
    assert told["rules"][0]["mode"] == "shadow"
    answer = api.decide()
    rule = told["rules"][0]["id"]
    assert (answer["outcome"], answer["hits"]) == ("allow", [])
    assert answer["shadow"] == [{"rule": rule, "action": "block"}]
    assert answer["shadow_outcome"] == "block"
    explained = api.get(f"/v1/decisions/{answer['id']}")["explanation"]["rules"]
    assert next(one for one in explained if one["rule"] == rule)["mode"] == "shadow"
    assert f'sekisho_shadow_hits_total{{rule="{rule}"}}' in api.http.get("/metrics").text
    assert f'sekisho_rule_hits_total{{rule="{rule}"}}' not in api.http.get("/metrics").text


def test_shadow_and_rollout_survive_versions_and_a_restart(
    new_server: Callable[..., Any],
) -> None:
    server = new_server()
    tried = {
        "predicate": "Block if :amount_in_usd: > 10",
        "mode": "shadow",
        "rollout": {"percent": 25, "by": "customer"},
    }
    with server.client() as http:
        first = publish(http, [tried], holdout=USD)
        publish(http, [])
        http.post(f"/v1/rulesets/{first['version']}/publish")
        live = http.get("/v1/rulesets/live").json()
    assert server.stop() == 0
    with server.start().client() as http:
        again = http.get("/v1/rulesets/live").json()
    assert again["version"] == live["version"]
    for told in (live, again):
        rule = next(one for one in told["rules"] if not one["builtin"])
        assert (rule["mode"], rule["rollout"]) == ("shadow", {"percent": 25, "by": "customer"})
        assert told["holdout"] == USD


def test_rollout_is_in_force_for_its_share_and_grows_by_addition(api: Any, rules: Any) -> None:
    blocked: dict[int, set[str]] = {}
    customers = [f"cus_{n}" for n in range(200)]
    for percent in (20, 60):
        rule = {
            "id": "rule_rolled",
            "predicate": "Block if :amount_in_usd: > 10",
            "rollout": {"percent": percent, "by": "customer"},
        }
        rules(rule)
        answers = {one: api.decide(customer=one)["outcome"] for one in customers}
        blocked[percent] = {one for one, outcome in answers.items() if outcome == "block"}
        share = Rollout(percent, "customer")
        expected = {
            one for one in customers if is_rolled_out("rule_rolled", share, {"customer": one})
        }
        assert blocked[percent] == expected
    assert blocked[20] < blocked[60]
    assert api.decide()["outcome"] == "allow"  # without a customer it is out


def test_experiment_named_in_metadata_composes_with_a_rollout(api: Any, rules: Any) -> None:
    rules({
        "predicate": "Block if :amount_in_usd: > 10 and ::experiment:: = 'strict'",
        "rollout": {"percent": 100, "by": "customer"},
    })  # fmt: skip
    strict = {"metadata": {"experiment": "strict"}}
    assert api.decide(customer="c", **strict)["outcome"] == "block"
    assert api.decide(customer="c", metadata={"experiment": "control"})["outcome"] == "allow"
    assert api.decide(customer="c")["outcome"] == "allow"
    assert api.decide(**strict)["outcome"] == "allow"


def test_settings_that_make_no_sense_are_refused(http: httpx.Client) -> None:
    rule = "Block if :amount_in_usd: > 10"
    for wrong in (
        {"rules": [{"predicate": rule, "rollout": {"percent": 10, "by": "custommer"}}]},
        {"rules": [{"predicate": rule, "rollout": {"percent": 110, "by": "customer"}}]},
        {"rules": [{"predicate": rule, "mode": "ghost"}]},
        {"rules": [rule], "holdout": {**USD, "share": 0.5}},
        {"rules": [rule], "holdout": {**USD, "per_day": 5_000}},
        {"rules": [{"predicate": "Resolve dispute if :amount_in_usd: < 5", "mode": "shadow"}]},
    ):
        assert http.put("/v1/rulesets/draft", json=wrong).status_code in {400, 422}, wrong


def test_holdout_passes_some_blocks_under_its_caps_across_restarts(
    new_server: Callable[..., Any], api_of: Callable[[httpx.Client], Any]
) -> None:
    server = new_server()
    held: list[dict[str, Any]] = []
    rules = ["Block if :amount_in_usd: > 10", "Review if :amount_in_usd: > 10"]
    for start in range(2):
        with server.client() if not start else server.start().client() as http:
            api = api_of(http)
            if not start:
                publish(http, rules, holdout=USD)
            answers = [api.decide(id=f"h{start}_{n}", amount=9_000) for n in range(60)]
            held += [one for one in answers if one["holdout"]["passed"]]
            stopped = [one for one in answers if not one["holdout"]["passed"]]
            assert {one["outcome"] for one in stopped} == {"block"}
        server.kill() if not start else server.stop()
    assert {one["outcome"] for one in held} == {"review"}
    assert all(one["holdout"]["would_have_been"] == "block" for one in held)
    assert all(one["holdout"]["probability"] == 0.2 for one in held)
    assert 0 < len(held) * 9_000 <= USD["per_day"]
    assert answers[-1]["holdout"]["probability"] == 0  # the day's cap is reached


def test_block_by_a_list_is_never_held_out(api: Any, http: httpx.Client) -> None:
    publish(http, ["Block if :email: in @email_blocklist"], holdout={**USD, "share": 0.2})
    added = http.post("/v1/lists/email_blocklist/items", json={"items": ["known@fraud.test"]})
    assert added.is_success
    try:
        for number in range(40):
            answer = api.decide(id=f"listed_{number}", email="known@fraud.test", amount=100)
            assert answer["outcome"] == "block"
            assert "holdout" not in answer
    finally:
        publish(http, [])


def test_large_and_foreign_payments_are_never_held_out(api: Any, http: httpx.Client) -> None:
    publish(http, ["Block if :amount_in_usd: > 1"], holdout=USD)
    try:
        for number in range(40):
            large = api.decide(id=f"large_{number}", amount=10_001)
            assert (large["outcome"], large["holdout"]["probability"]) == ("block", 0)
            foreign = api.decide(id=f"foreign_{number}", amount=5_000, currency="eur")
            assert foreign["outcome"] == "block"
            assert "holdout" not in foreign
    finally:
        publish(http, [])


def test_rule_metrics_are_told_while_the_server_runs(api: Any, rules: Any) -> None:
    version = rules("Review if :amount_in_usd: > 10")
    rule = version["rules"][0]["id"]
    answers = [api.decide() for _ in range(3)]
    api.report(type="dispute", about=answers[0]["event"], reason="fraudulent")
    found = api.get(f"/v1/rules/{rule}/metrics")
    assert found["sent_to_review"] == {"count": 3, "volume": {"usd": 7500}}
    assert found["fraud_among_matched"]["count"] == 1
    marks = [edit for day in found["days"] for edit in day["edits"]]
    assert {"version": version["version"], "what": "added"} in marks
    listed = api.http.get(f"/v1/rules/{rule}/matches").text.splitlines()
    assert len(listed) == 4
    assert answers[0]["event"] in listed[1]
    assert api.http.get("/v1/rules/rule_none/metrics").status_code == 404
