"""A whole rule set in shadow: judged beside the live one, recorded, compared, and put in force."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

LIVE = "Block if :amount_in_usd: > 100"
NARROWER = "Block if :amount_in_usd: > 500"
MORE = "Review if :amount_in_usd: > 20"


@pytest.fixture
def in_shadow(api: Any, rules: Any, http: httpx.Client) -> Iterator[Callable[..., dict[str, Any]]]:
    """Publishes one set and puts another in shadow; nothing is left behind."""
    rules(LIVE)

    def put(*texts: str | dict[str, Any]) -> dict[str, Any]:
        api.draft(*texts)
        told: dict[str, Any] = http.post("/v1/rulesets/draft/shadow", json={"note": "try"}).json()
        return told

    yield put
    http.delete("/v1/rulesets/shadow")


def test_set_in_shadow_is_recorded_and_changes_nothing(api: Any, in_shadow: Any) -> None:
    told = in_shadow(NARROWER, MORE)
    block, review = (one["id"] for one in told["rules"])
    answer = api.decide(amount=30_000)
    assert (answer["outcome"], answer["versions"]["ruleset"]) == ("block", told["beside"])
    assert answer["shadow_ruleset"] == {
        "version": told["version"], "outcome": "review", "rule": review,
        "hits": [{"rule": review, "action": "review"}], "request_3ds": False,
    }  # fmt: skip
    assert answer["hits"][0]["rule"] not in {block, review}
    assert api.decide(amount=90_000)["shadow_ruleset"]["outcome"] == "block"
    assert api.decide(amount=100)["shadow_ruleset"]["hits"] == []


def test_difference_is_counted_in_number_and_money(api: Any, in_shadow: Any) -> None:
    told = in_shadow(NARROWER, MORE)
    flipped = [api.decide(amount=30_000) for _ in range(3)]
    api.decide(amount=90_000)
    api.report(type="dispute", about=flipped[0]["event"], reason="fraudulent")
    found = api.get("/v1/rulesets/shadow/metrics")
    assert found["version"] == told["version"]
    assert found["decisions"] == {"count": 4, "volume": {"usd": 180_000}}
    assert found["agreed"] == {"count": 1, "volume": {"usd": 90_000}}
    (flip,) = found["flips"]
    assert (flip["live"], flip["shadow"]) == ("block", "review")
    assert (flip["count"], flip["volume"]) == (3, {"usd": 90_000})
    assert flip["fraud"] == {"count": 1, "volume": {"usd": 30_000}}
    assert flip["rules"] == [{"rule": told["rules"][1]["id"], "count": 3}]
    assert set(flip["events"]) == {one["event"] for one in flipped}
    text = api.http.get("/metrics").text
    assert 'sekisho_shadow_ruleset_decisions_total{live="block",shadow="review"}' in text


def test_set_in_shadow_survives_a_kill_and_publishes_as_it_was(
    new_server: Callable[..., Any], api_of: Callable[[httpx.Client], Any]
) -> None:
    server = new_server()
    with server.client() as http:
        api = api_of(http)
        api.publish(LIVE)
        api.draft(LIVE, {"predicate": MORE, "rollout": {"percent": 100, "by": "customer"}})
        before = http.post("/v1/rulesets/draft/shadow").json()
        api.draft("Block if :amount_in_usd: > 1")
    server.kill()
    with server.start().client() as http:
        api = api_of(http)
        assert api.get("/v1/rulesets/shadow") == before
        assert api.decide(amount=5_000, customer="c")["shadow_ruleset"]["outcome"] == "review"
        api.publish(NARROWER)  # a new live set; the one in shadow stays beside it
        answer = api.decide(amount=30_000)
        assert (answer["outcome"], answer["shadow_ruleset"]["outcome"]) == ("allow", "block")
        api.draft("Block if :amount_in_usd: > 2")
        published = http.post("/v1/rulesets/shadow/publish").json()
        assert [one["id"] for one in published["rules"]] == [one["id"] for one in before["rules"]]
        assert published["version"].rpartition("_")[2] == before["version"].rpartition("_")[2]
        assert published["note"] == before["note"]
        answer = api.decide(amount=5_000, customer="c")
        assert answer["outcome"] == "review"
        assert "shadow_ruleset" not in answer
        assert http.get("/v1/rulesets/shadow").status_code == 404
        assert api.get("/v1/rulesets/draft")["rules"][0]["predicate"].endswith("> 2")


def test_what_a_set_in_shadow_reads_cannot_go(api: Any, http: httpx.Client, in_shadow: Any) -> None:
    assert http.post("/v1/lists", json={"alias": "tried", "item_type": "email"}).is_success
    counter = {"aggregate": "count", "of": "payment", "by": ["customer"], "window": "2h"}
    assert http.put("/v1/counters/tried_2h", json=counter).is_success
    in_shadow("Block if :email: in @tried", "Review if :tried_2h: > 1")
    assert http.delete("/v1/lists/tried").status_code == 400
    assert http.delete("/v1/counters/tried_2h").status_code == 400
    answers = [api.decide(customer="often", email="a@b.test") for _ in range(3)]
    assert [one["shadow_ruleset"]["outcome"] for one in answers] == ["allow", "allow", "review"]
    assert answers[2]["attributes"]["tried_2h"] == 2
    assert http.delete("/v1/rulesets/shadow").is_success
    assert http.delete("/v1/lists/tried").is_success
    assert http.delete("/v1/counters/tried_2h").is_success


def test_shadow_of_nothing_is_refused_and_differences_are_told(
    api: Any, http: httpx.Client, in_shadow: Any
) -> None:
    for path in ("/v1/rulesets/shadow", "/v1/rulesets/shadow/metrics"):
        assert http.get(path).status_code == 404, path
    assert http.delete("/v1/rulesets/shadow").status_code == 404
    assert http.post("/v1/rulesets/shadow/publish").status_code == 404
    assert http.post("/v1/rulesets/draft/shadow").status_code == 404
    in_shadow(LIVE, MORE)
    diff = api.get("/v1/rulesets/diff", before="live", after="shadow")
    assert (diff["added"], diff["removed"], diff["changed"]) == ([MORE], [], [])
