"""Profiles in a backtest: what was known at each event, never what came later."""

import asyncio
import json
from pathlib import Path
from typing import Any

import polars as pl

from sekisho.collect import DEFAULT, HOUR_US, table_spec
from sekisho.entrypoints.backtesting import Question, fold_history, job_of, run_job
from sekisho.entrypoints.settings import read_settings
from sekisho.entrypoints.wiring import open_node
from sekisho.learning import versions_of
from sekisho.learning.known import columns_for, with_known

COMPANY = {"attributes": {"usual": "numeric", "industry": "string_ci"}}
READ = ("company.usual", "company.profile_age_hours")


def events(*rows: tuple[str | None, int, int | None]) -> pl.DataFrame:
    schema = {"company": pl.String, "at_us": pl.Int64, "recorded_us": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_each_event_sees_the_version_of_its_moment() -> None:
    table = versions_of(
        table_spec("company", COMPANY),
        [
            ("a", HOUR_US, {"usual": 1}),
            ("b", HOUR_US, {"usual": 9}),
            ("a", 3 * HOUR_US, {"usual": 2}),
            ("a", 5 * HOUR_US, {}),
        ],
    )
    happened = events(
        ("a", 4 * HOUR_US, None),  # imported: as of when it happened
        ("a", HOUR_US - 1, None),
        ("a", HOUR_US, None),
        ("a", 0, 3 * HOUR_US),  # decided here: as of when it was decided
        ("a", 6 * HOUR_US, None),
        ("b", 6 * HOUR_US, None),
        (None, 6 * HOUR_US, None),
    )
    seen = with_known(happened, [table], READ)
    assert seen["company.usual"].to_list() == [2, None, 1, 2, None, 9, None]
    assert seen["company.profile_age_hours"].to_list() == [1, None, 0, 0, None, 5, None]
    assert seen.select(happened.columns).equals(happened)
    assert columns_for([table], READ) == {"company", "recorded_us"}
    assert columns_for([table], ["amount"]) == set()


def test_default_of_a_parameter_is_as_of_the_moment_too() -> None:
    spec = table_spec("company.limit", {"attributes": {"limit": "numeric"}})
    told: list[tuple[str, int, dict[str, Any]]] = [
        (DEFAULT, 1, {"limit": 10}),
        ("a", 2, {"limit": 7}),
        (DEFAULT, 3, {"limit": 20}),
        ("a", 4, {}),
    ]
    happened = events(("a", 0, None), ("a", 1, None), ("a", 3, None), ("a", 5, None), (None, 2, 2))
    seen = with_known(happened, [versions_of(spec, told)], ["company.limit"])
    assert seen["company.limit"].to_list() == [None, 10, 7, 20, 10]


def test_what_stands_in_history_wins() -> None:
    table = versions_of(table_spec("company", COMPANY), [("a", 0, {"usual": 1})])
    happened = events(("a", 5, None), ("a", 6, None))
    stored = happened.with_columns(pl.Series("company.usual", [4.0, None]))
    assert with_known(stored, [table], READ)["company.usual"].to_list() == [4, 1]


def test_backtest_reads_what_a_log_knew(tmp_path: Path) -> None:
    node = open_node(read_settings({}, data=tmp_path / "data"))
    try:
        asyncio.run(node.policy.declare_table(table_spec("company", COMPANY)))
        for turn, usual in enumerate((50, 5_000)):
            node.push("company", [("co_1", {"usual": usual})])
            for amount in (100, 900):
                body = {"type": "payment", "id": f"p{turn}{amount}", "amount": amount,
                        "currency": "usd", "company": "co_1"}  # fmt: skip
                node.decide(json.dumps(body).encode())
        fold_history(node)
        rule = "Review if :amount_in_usd: * 100 > 3 * :company.usual:"
        told = run_job(job_of(node, Question("rule", (rule,))))
    finally:
        node.close()
    assert told["matched"]["count"] == 1, told
    assert told["samples"][0]["event"] == "p0900"
