"""Backtests over HTTP, while the server decides."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx


def ended(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    for _ in range(600):
        if job["status"] in {"done", "failed"}:
            return job
        time.sleep(0.1)
        job = http.get(f"/v1/backtests/{job['id']}").json()
    raise AssertionError(job)


def result_of(http: httpx.Client, **question: Any) -> dict[str, Any]:
    asked = http.post("/v1/backtests", json=question)
    assert asked.status_code in {200, 202}, asked.text
    job = ended(http, asked.json())
    assert job["status"] == "done", job
    result: dict[str, Any] = job["result"]
    return result


def test_what_the_server_decided_is_history_at_once(new_server: Any, api_of: Any) -> None:
    server = new_server()
    with server.client() as http:
        api = api_of(http)
        api.publish("Block if :card_country: = 'NG'")
        for at in range(30):
            country = ("US", "NG", "GB")[at % 3]
            api.decide(id=f"p{at}", amount=1000 + at, card={"country": country})
        api.report(
            type="dispute", id="d1", about="p2", reason="fraudulent", amount=1002, currency="usd"
        )
        rule = "Block if :card_country: in ('NG', 'GB')"
        result = result_of(http, rule=rule)
        assert result["period"]["events"] == 30
        assert result["matched"]["count"] == 20
        stopped = result["by_category"]["blocked_and_failed"]
        assert stopped["count"] == 10
        assert result["incremental"]["count"] == 10
        assert [one["count"] for one in result["already_covered_by"]] == [10]
        assert result["precision"]["count"] == 1
        assert result["recall"]["value"] == 1.0
        flips = result_of(http, ruleset=[rule])["flips"]
        assert [(one["live"], one["candidate"], one["count"]) for one in flips] == [
            ("allow", "block", 10)
        ]
        points = result_of(http, sweep="Review if :amount_in_usd: > {10.00..10.30..0.10}")["points"]
        assert [one["matched"]["count"] for one in points] == [29, 19, 9, 0]
        api.decide(id="later", amount=5, card={"country": "NG"})
        assert result_of(http, rule=rule)["matched"]["count"] == 21


def test_rules_in_shadow_are_not_taken_for_rules_in_force(new_server: Any, api_of: Any) -> None:
    with new_server().client() as http:
        api = api_of(http)
        rule = "Block if :amount_in_usd: > 5"
        api.publish({"predicate": rule, "mode": "shadow"})
        api.decide(id="p1")
        result = result_of(http, rule=rule)
        assert (result["incremental"]["count"], result["already_covered_by"]) == (1, [])


def test_a_question_that_cannot_be_answered_is_refused_with_a_reason(
    http: httpx.Client, api: Any, fresh: Callable[[str], str]
) -> None:
    api.decide(id=fresh("pay"))
    said = http.post("/v1/backtests", json={"rule": "Block if :card_fundng: = 'x'"})
    assert said.status_code == 400
    assert "did you mean" in said.json()["error"]["message"]
    assert http.post("/v1/backtests", json={}).status_code == 422
    assert (
        http.post("/v1/backtests", json={"sweep": "Block if :amount_in_usd: > 5"}).status_code
        == 422
    )
    costs = http.post(
        "/v1/backtests", json={"rule": "Block if :amount_in_usd: > 5", "costs": {"x": 1}}
    )
    assert "no cost `x`" in costs.json()["error"]["message"]
    assert http.get("/v1/backtests/nope").status_code == 404
    past = {"rule": "Block if :amount_in_usd: > 5", "to": "2001-01-01T00:00:00Z"}
    job = ended(http, http.post("/v1/backtests", json=past).json())
    assert job["status"] == "failed"
    assert "period is empty" in job["error"]


def test_no_more_backtests_wait_than_fit(new_server: Any, api_of: Any) -> None:
    server = new_server()
    with server.client() as http:
        api_of(http).decide(id="p1")
        client = httpx.Client(base_url=server.url, headers=http.headers, timeout=60)
        with ThreadPoolExecutor(12) as pool, client:
            body = {"rule": "Block if :amount_in_usd: > 5"}
            said = pool.map(lambda _: client.post("/v1/backtests", json=body), range(12))
            statuses = [one.status_code for one in said]
        assert 429 in statuses
        assert statuses.count(429) < 12


def worker_of(server: Any) -> int:
    """The process id of the server's backtest, once it is one: before `exec` the server waits."""
    for _ in range(3_000):
        tasks = Path(f"/proc/{server.process.pid}/task").glob("*/children")
        found = [int(one) for task in tasks for one in task.read_text().split()]
        for one in found:
            if b"backtest_worker" in Path(f"/proc/{one}/cmdline").read_bytes():
                return one
        time.sleep(0.01)
    raise AssertionError("no backtest ever began")


def test_nothing_waits_for_a_backtest_and_it_reads_what_was_there(
    new_server: Any, api_of: Any
) -> None:
    server = new_server()
    with server.client() as http, ThreadPoolExecutor(1) as pool:
        api = api_of(http)
        rule = api.publish("Review if :amount_in_usd: > 5")["rules"][0]["id"]
        api.draft("Block if :amount_in_usd: > 5")
        assert http.post("/v1/rulesets/draft/shadow").is_success
        for number in range(10):
            api.decide(id=f"p{number}")
        with server.client() as other:
            body = {"rule": "Block if :amount_in_usd: > 5"}
            asked = pool.submit(other.post, "/v1/backtests", json=body)
            worker = worker_of(server)
            os.kill(worker, signal.SIGSTOP)  # the backtest takes as long as this test likes
            try:
                api.decide(id="later")
                assert api.get(f"/v1/rules/{rule}/metrics")["matched"]["count"] == 11
                assert api.get("/v1/rulesets/shadow/metrics")["decisions"]["count"] == 11
                week = {one["rule"]: one for one in api.get("/v1/rules/summary")["data"]}
                assert week[rule]["matched"] == 11
                assert http.get(f"/v1/rules/{rule}/matches").text.count("\n") == 12
                assert "sekisho_decisions_total" in http.get("/metrics").text
                job = asked.result().json()
                assert job["status"] == "running"
            finally:
                os.kill(worker, signal.SIGCONT)
            assert ended(http, job)["result"]["period"]["events"] == 10
        assert not list((server.data / "history" / "reading").iterdir())


def test_weekly_summary_is_told_with_hints_while_the_server_runs(
    new_server: Any, api_of: Any
) -> None:
    server = new_server()
    with server.client() as http:
        api = api_of(http)
        often, never = (
            one["id"]
            for one in api.publish("Review if :amount_in_usd: > 5", "Block if :amount_in_usd: < 0")[
                "rules"
            ]
        )
        for number in range(3):
            api.decide(id=f"early{number}")
        api.advance(7 * 86_400)
        for number in range(2):
            api.decide(id=f"late{number}")
        told = api.get("/v1/rules/summary")
        lines = {one["rule"]: one for one in told["data"]}
        assert (lines[often]["matched"], lines[often]["matched_week_before"]) == (2, 3)
        assert lines[never]["hints"] == [{"observed": "no matches", "advice": "delete the rule"}]
        before = api.get("/v1/rules/summary", before=told["week"]["from"])
        assert next(one for one in before["data"] if one["rule"] == often)["matched"] == 3
