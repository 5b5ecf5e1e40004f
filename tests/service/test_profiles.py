"""Profiles and parameters over HTTP: in force at once, versioned, durable, reproduced."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

SCHEMA = {"attributes": {"industry": "string_ci", "usual": "numeric", "abroad": "numeric"}}
RULES = (
    "Review if :amount_in_jpy: > :company.limit:",
    "Block if :amount_in_jpy: > 3 * :company.usual:",
    "Review if :company.abroad: = 0 and :card_country: != 'JP'",
)


def put(http: httpx.Client, path: str, body: Any) -> dict[str, Any]:
    told = http.put(f"/v1/{path}", json=body)
    assert told.status_code == 200, told.text
    return told.json()


def declare(http: httpx.Client) -> None:
    put(http, "profiles/schemas/company", SCHEMA)
    put(http, "parameters/company.limit", {"default": 50_000})


def test_profile_decides_from_the_next_event_on(api: Any, http: httpx.Client, rules: Any) -> None:
    declare(http)
    rules(*RULES)
    event = {"company": "co_next", "amount": 40_000, "currency": "jpy"}
    assert api.decide(**event)["outcome"] == "allow"
    told = put(http, "profiles/company/co_next", {"attributes": {"usual": 9_000, "abroad": 0}})
    assert (told["changed"], told["attributes"]) == (True, {"usual": 9_000, "abroad": 0})
    decided = api.decide(**event)
    assert decided["outcome"] == "block"
    assert decided["attributes"]["company.usual"] == 9_000
    again = put(http, "profiles/company/co_next", {"attributes": {"usual": 9_000, "abroad": 0}})
    assert again["changed"] is False
    assert again["known_since"] == told["known_since"]
    assert http.delete("/v1/profiles/company/co_next").json()["deleted"] is True
    assert api.decide(**event)["outcome"] == "allow"
    assert http.get("/v1/profiles/company/co_next").status_code == 404


def test_versions_are_told_with_the_moment_they_were_known(api: Any, http: httpx.Client) -> None:
    declare(http)
    moments = []
    for usual in (1, 2, 3):
        told = put(http, "profiles/company/co_story", {"attributes": {"usual": usual}})
        moments.append(told["known_since"])
        api.advance(3600)
    assert api.get("/v1/profiles/company/co_story")["profile_age_hours"] >= 1
    told = api.get("/v1/profiles/company/co_story", history=10)
    versions = [one["attributes"]["usual"] for one in told["history"]]
    assert versions == [3, 2, 1]
    assert [one["known_since"] for one in told["history"]] == moments[::-1]
    then = api.get("/v1/profiles/company/co_story", as_of=moments[1])
    assert then["attributes"] == {"usual": 2}
    before = http.get("/v1/profiles/company/co_story", params={"as_of": "2020-01-01T00:00:00Z"})
    assert before.status_code == 404


def test_parameter_has_a_default_values_and_history(
    api: Any, http: httpx.Client, rules: Any
) -> None:
    declare(http)
    rules(*RULES)
    event = {"company": "co_par", "amount": 60_000, "currency": "jpy"}
    assert api.decide(**event)["outcome"] == "review"
    put(http, "parameters/company.limit/co_par", {"value": 100_000})
    assert api.decide(**event)["outcome"] == "allow"
    table = "id,value\nco_par,55000\nco_other,1\n"
    told = http.post("/v1/parameters/company.limit/csv", content=table).json()
    assert (told["changed"], told["unchanged"]) == (2, 0)
    assert http.post("/v1/parameters/company.limit/csv", content=table).json()["unchanged"] == 2
    assert api.decide(**event)["outcome"] == "review"
    told = api.get("/v1/parameters/company.limit/co_par", history=5)
    assert [one["attributes"]["limit"] for one in told["history"]] == [55_000, 100_000]
    assert http.delete("/v1/parameters/company.limit/co_par").json()["is_default"] is True
    put(http, "parameters/company.limit", {"default": 70_000})
    assert api.decide(**event)["outcome"] == "allow"
    assert api.get("/v1/parameters/company.limit", history=9)["default"] == 70_000


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("PUT", "profiles/device/d1", {"attributes": {"a": 1}}, 404, "no profiles of `device`"),
        ("PUT", "profiles/company/c", {"attributes": {"size": 1}}, 422, "no attribute `size`"),
        ("PUT", "profiles/company/c", {"attributes": {"usual": "x"}}, 422, "takes a number"),
        ("PUT", "profiles/company/c", {"usual": 1}, 422, "attributes: field required"),
        ("PUT", "profiles/schemas/firm", SCHEMA, 422, "`firm` is no entity"),
        ("PUT", "profiles/schemas/company", {"attributes": {"usual": "boolean"}}, 422, "stays so"),
        ("PUT", "profiles/company/c",
         {"attributes": {"usual": 1}, "known_from": "2999-01-01T00:00:00Z"}, 422, "later moment"),
        ("POST", "profiles/company",
         {"profiles": [{"id": "a", "attributes": {"usual": 1}},
                       {"id": "b", "attributes": {"usual": True}}]}, 422, "`b`: `company.usual`"),
        ("PUT", "parameters/limit", {"default": 1}, 422, "names no entity"),
        ("PUT", "parameters/company.limit", {"default": "high"}, 422, "takes a number"),
        ("GET", "parameters/company.other", None, 404, "no parameter `company.other`"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(
    http: httpx.Client, method: str, path: str, body: Any, status: int, said: str
) -> None:
    declare(http)
    told = http.request(method, f"/v1/{path}", json=body)
    assert told.status_code == status, told.text
    assert said in told.json()["error"]["message"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("id,usual\na,1\nb,much\n", "line 3, column usual: `much` is not a number"),
        ("id,size\na,1\n", "line 1: the columns are id and some of industry, usual, abroad"),
        ("id,usual\na,1,2\n", "line 2: it has other columns"),
        ("", "line 1: the columns are"),
    ],
)
def test_wrong_tables_are_refused_with_the_line(http: httpx.Client, table: str, said: str) -> None:
    declare(http)
    told = http.post("/v1/profiles/company/csv", content=table)
    assert told.status_code == 422, told.text
    assert said in told.json()["error"]["message"]


def test_kill_loses_nothing_and_every_decision_is_reproduced(
    new_server: Callable[..., Any], api_of: Callable[[httpx.Client], Any]
) -> None:
    running = new_server(SEKISHO_SNAPSHOT_EVERY="400")
    with running.client() as http:
        api = api_of(http)
        declare(http)
        api.publish(*RULES)
        outcomes = [tell(api, http, turn) for turn in range(6)]
        many = [{"id": f"co_{n}", "attributes": {"usual": n}} for n in range(2_500)]
        told = http.post("/v1/profiles/company", json={"profiles": many}).json()
        assert told["changed"] == 2_500
        outcomes.append(tell(api, http, 9))
        before = api.get("/v1/profiles/company/co_7", history=50)
    running.kill()
    with running.start().client() as http:
        api = api_of(http)
        after = api.get("/v1/profiles/company/co_7", history=50)
        assert after["history"] == before["history"]
        assert len(after["history"]) > 5
        assert tell(api, http, 9) == outcomes[-1]
        put(
            http,
            "profiles/schemas/company",
            {"attributes": {**SCHEMA["attributes"], "x": "numeric"}},
        )
        api.publish(*RULES, "Block if :company.x: > 1")
        put(http, "profiles/company/co_7", {"attributes": {"x": 2}})
        assert api.decide(company="co_7")["outcome"] == "block"
    assert running.stop() == 0
    with running.start().client() as http:  # from the snapshot of the stop
        assert api_of(http).get("/v1/profiles/company/co_7")["attributes"] == {"x": 2}
        assert api_of(http).get("/v1/profiles/schemas/company")["profiles"] == 2_500
    running.stop()
    status, found = verify(running.data)
    assert (status, found["mismatched"], found["unverifiable"]) == (0, 0, {}), found
    assert found["verified"] == found["decisions"] > 20


def tell(api: Any, http: httpx.Client, turn: int) -> list[str]:
    put(http, "profiles/company/co_7", {"attributes": {"usual": 500 + turn, "abroad": turn % 2}})
    put(http, "parameters/company.limit/co_7", {"value": 1_000 - 10 * turn})
    return [
        api.decide(company="co_7", amount=amount, currency="jpy", card={"country": country})[
            "outcome"
        ]
        for amount in (10, 990, 5_000)
        for country in ("JP", "US")
    ]


def verify(data: Path) -> tuple[int, dict[str, Any]]:
    command = Path(sys.executable).with_name("sekisho")
    done = subprocess.run(
        [command, "verify-parity", "--data", data, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_many_push_at_once_while_decisions_go_on(api: Any, server: Any, http: httpx.Client) -> None:
    declare(http)

    def push(worker: int) -> int:
        with server.client() as own:
            many = [{"id": f"co_busy_{n}", "attributes": {"usual": worker}} for n in range(1_500)]
            told = own.post("/v1/profiles/company", json={"profiles": many}).json()
            return told["changed"] + told["unchanged"] + told["older"]

    with ThreadPoolExecutor(4) as pool:
        pushes = [pool.submit(push, worker) for worker in range(4)]
        assert all(api.decide(company="co_busy_1")["outcome"] for _ in range(50))
        assert [one.result() for one in pushes] == [1_500] * 4
    history = api.get("/v1/profiles/company/co_busy_1", history=10)["history"]
    assert sorted(one["attributes"]["usual"] for one in history) == [0, 1, 2, 3]
