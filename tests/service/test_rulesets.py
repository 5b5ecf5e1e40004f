"""Rule sets over HTTP: draft, diagnostics, publish, versions, differences, going back."""

from collections.abc import Callable
from typing import Any

import httpx

Rules = Callable[..., dict[str, Any]]


def test_wrong_draft_is_refused_with_every_error_of_every_rule(http: httpx.Client) -> None:
    texts = [
        "Block if :risk_scor: > 65",
        "Review if :amount_in_usd: > 10",
        "Block if :card_country: = 'Japan'",
    ]
    refused = http.put("/v1/rulesets/draft", json={"rules": texts})
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "radar_rule_unknown_attribute"
    assert error["param"] == "rules[0]"
    assert (error["line"], error["column"], error["length"]) == (1, 10, 11)
    assert error["hint"] == ":risk_score:"
    assert "`:risk_scor:`" in error["message"]
    assert [(one["index"], one["errors"][0]["kind"]) for one in error["diagnostics"]] == [
        (0, "unknown_attribute"),
        (2, "invalid_country"),
    ]


def test_refused_draft_leaves_the_kept_one(http: httpx.Client, api: Any) -> None:
    api.draft("Block if :amount_in_usd: > 77")
    assert http.put("/v1/rulesets/draft", json={"rules": ["Block when"]}).status_code == 400
    kept = api.get("/v1/rulesets/draft")["rules"]
    assert [one["predicate"] for one in kept] == ["Block if :amount_in_usd: > 77"]


def test_draft_changes_nothing_until_it_is_published(
    api: Any, http: httpx.Client, rules: Rules
) -> None:
    before = api.get("/v1/rulesets/live")["version"]
    api.draft("Block if :amount_in_usd: > 0")
    assert api.decide()["outcome"] == "allow"
    assert api.get("/v1/rulesets/live")["version"] == before
    version = rules("Block if :amount_in_usd: > 0")["version"]
    told = api.decide()
    assert told["outcome"] == "block"
    assert told["versions"]["ruleset"] == version != before
    assert http.get("/v1/rulesets/draft").status_code == 404


def test_draft_tells_warnings(api: Any) -> None:
    told = api.draft("Block if :refund_count_on_card_daily: > 25")
    assert told["rules"][0]["warnings"]


def test_rules_are_checked_without_being_kept(http: httpx.Client) -> None:
    texts = ["block  if :amount_in_usd:>5", "Block if :amount_in_usd: = 'x'"]
    told = http.post("/v1/rules/check", json={"rules": texts}).json()["data"]
    assert told[0]["ok"] is True
    assert told[0]["formatted"] == "Block if :amount_in_usd: > 5"
    assert told[1]["ok"] is False
    assert told[1]["errors"][0]["kind"] == "expected_number"


def test_nothing_to_publish_is_404(http: httpx.Client, rules: Rules) -> None:
    rules()
    assert http.post("/v1/rulesets/draft/publish").status_code == 404


def test_rule_keeps_its_identity_while_its_text_stays(rules: Rules) -> None:
    first = rules("Block if :amount_in_usd: > 900", "Review if :amount_in_usd: > 90")
    second = rules("Review if  :amount_in_usd: > 90", "Allow if :amount_in_usd: > 9000")
    assert second["rules"][0]["id"] == first["rules"][1]["id"]
    assert second["rules"][1]["id"] not in {one["id"] for one in first["rules"]}
    edited = {"id": first["rules"][1]["id"], "predicate": "Review if :amount_in_usd: > 80"}
    assert rules(edited)["rules"][0]["id"] == edited["id"]


def test_version_stays_readable_after_the_next(api: Any, http: httpx.Client, rules: Rules) -> None:
    first = rules("Block if :amount_in_usd: > 901")
    second = rules("Block if :amount_in_usd: > 902")
    told = api.get(f"/v1/rulesets/{first['version']}")
    assert told["live"] is False
    assert told["rules"] == first["rules"]
    assert api.get(f"/v1/rulesets/{second['number']}")["live"] is True
    listed = [one["version"] for one in api.get("/v1/rulesets")["data"][:2]]
    assert listed == [second["version"], first["version"]]
    assert http.get("/v1/rulesets/rs_nope").status_code == 404


def test_difference_of_two_versions_names_each_rule(api: Any, rules: Rules) -> None:
    first = rules("Block if :amount_in_usd: > 11", "Review if :amount_in_usd: > 12")
    edited = {"id": first["rules"][1]["id"], "predicate": "Review if :amount_in_usd: > 13"}
    second = rules(edited, "Allow if :amount_in_usd: > 14")
    told = api.get("/v1/rulesets/diff", before=first["version"], after=second["version"])
    assert told["added"] == ["Allow if :amount_in_usd: > 14"]
    assert told["removed"] == ["Block if :amount_in_usd: > 11"]
    assert told["changed"] == [
        {
            "id": edited["id"],
            "before": "Review if :amount_in_usd: > 12",
            "after": "Review if :amount_in_usd: > 13",
        }
    ]


def test_difference_of_draft_and_live_shows_only_what_changes(api: Any, rules: Rules) -> None:
    rules("Block if :amount_in_usd: > 21", "Review if :amount_in_usd: > 22")
    api.draft("Block if :amount_in_usd: > 21", "Allow if :amount_in_usd: > 23")
    told = api.get("/v1/rulesets/diff", before="live", after="draft")
    assert told["added"] == ["Allow if :amount_in_usd: > 23"]
    assert told["removed"] == ["Review if :amount_in_usd: > 22"]
    assert told["changed"] == []


def test_going_back_publishes_the_old_rules_anew(
    api: Any, http: httpx.Client, rules: Rules
) -> None:
    first = rules("Block if :amount_in_usd: > 0")
    rules()
    assert api.decide()["outcome"] == "allow"
    back = http.post(f"/v1/rulesets/{first['version']}/publish").json()
    assert back["rules"] == first["rules"]
    assert back["number"] == first["number"] + 2
    told = api.decide()
    assert told["outcome"] == "block"
    assert told["rule"]["id"] == first["rules"][0]["id"]


def test_explanation_uses_the_rules_that_decided(api: Any, rules: Rules) -> None:
    rules("Block if :amount_in_usd: > 1")
    told = api.decide()
    rules("Review if :amount_in_usd: > 2")
    texts = [
        one["predicate"] for one in api.get(f"/v1/decisions/{told['id']}")["explanation"]["rules"]
    ]
    assert "Block if :amount_in_usd: > 1" in texts
    assert "Review if :amount_in_usd: > 2" not in texts


def test_two_rules_with_one_id_are_refused(http: httpx.Client) -> None:
    twice = [{"id": "mine", "predicate": f"Block if :amount_in_usd: > {n}"} for n in (1, 2)]
    assert http.put("/v1/rulesets/draft", json={"rules": twice}).status_code == 400


def test_id_of_a_built_in_rule_is_not_to_be_had(http: httpx.Client) -> None:
    taken = {"id": "block_if_in_blocklist", "predicate": "Block if :amount_in_usd: > 1"}
    assert http.put("/v1/rulesets/draft", json={"rules": [taken]}).status_code == 400


def test_failure_policy_of_a_rule_is_kept(api: Any, rules: Rules) -> None:
    given = {"predicate": "Block if :amount_in_usd: > 5", "on_failure": "closed"}
    version = rules(given)["version"]
    assert api.get(f"/v1/rulesets/{version}")["rules"][0]["on_failure"] == "closed"


def test_a_body_is_json_whatever_the_client_calls_it(http: httpx.Client) -> None:
    """`curl -d` sends a form's content type."""
    sent = b'{"rules": ["Review if :amount_in_usd: > 1"]}'
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        told = http.put("/v1/rulesets/draft", content=sent, headers={"content-type": kind})
        assert told.status_code == 200, told.text
