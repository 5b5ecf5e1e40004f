"""`sekisho indicators` on a history of a few payments, and on two imports that overlap."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sekisho.history import Archive
from sekisho.kit.clock import to_us

Run = Callable[..., tuple[int, str, str]]
DAY = 86_400_000_000
START = to_us(datetime(2026, 5, 1, 8, tzinfo=UTC))


def paid(number: int, day: int, **given: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "event": f"p{number}", "type": "payment", "at_us": START + day * DAY, "amount": 1000.0,
        "currency": "usd", "card_brand": "visa", "::shelf::": "tea", "outcome": "authorized",
    }  # fmt: skip
    return {**plain, **given}


def told(kind: str, about: str, day: int, **given: Any) -> dict[str, Any]:
    return {"event": f"{kind}_{about}_{day}", "type": kind, "about": about,
            "at_us": START + day * DAY, **given}  # fmt: skip


ROWS = [
    paid(1, 0),
    paid(2, 0, **{"::shelf::": "coffee", "::payment_intent::": "same"}),
    paid(3, 0, outcome="declined", **{"::payment_intent::": "same"}),
    paid(4, 0, outcome=None, decided="block"),
    paid(5, 12, card_brand="mastercard", outcome=None, **{"::shelf::": None}),
    paid(6, 12, outcome=None),
    told("authorization", "p6", 12, outcome="declined"),
    told("dispute", "p1", 20, is_fraudulent=True),
    told("dispute", "p1", 25, is_fraudulent=True),
    told("dispute", "p2", 40, is_fraudulent=False, dispute_reason="fraudulent"),
    told("early_fraud_warning", "p2", 21),
    {"event": "d1", "type": "inbound_transfer", "at_us": START, "amount": 5.0, "currency": "usd"},
    {"event": "d2", "type": "inbound_transfer", "at_us": START, "amount": 5.0, "currency": "usd"},
    told("return", "d1", 3, return_code="r10"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shop's data")
    archive = Archive(place / "history")
    kinds = {"is_fraudulent": pl.Boolean, "at_us": pl.Int64, "amount": pl.Float64}
    names = dict.fromkeys(name for row in ROWS for name in row)
    schema = {name: kinds.get(name, pl.String) for name in names}
    archive.add(pl.DataFrame(ROWS[:6], schema=schema), "import", batch="one")
    archive.add(pl.DataFrame(ROWS[2:], schema=schema), "import", batch="two")
    return place


def figures(run: Run, data: Path, *asked: str) -> dict[tuple[str, str], list[Any]]:
    status, out, err = run("indicators", *asked, "--data", data, "--json")
    assert status == 0, err
    (one,) = json.loads(out)["indicators"].values()
    return {
        (row["period"], row["segment"]): [row["numerator"], row["denominator"], row["value"]]
        for row in one["figures"]
    }


def test_an_event_of_two_imports_counts_once_and_retries_collapse(run: Run, data: Path) -> None:
    found = figures(run, data, "retries_per_intent")
    first = [4, 3, 4 / 3]
    assert found == {("2026-05-01", "all"): first, ("2026-05-13", "all"): [2, 2, 1.0]}


def test_what_nobody_stopped_is_paid(run: Run, data: Path) -> None:
    assert figures(run, data, "auth_rate_charges") == {
        ("2026-05-01", "all"): [2, 3, 2 / 3],
        ("2026-05-13", "all"): [1, 2, 0.5],
    }


def test_only_fraud_disputes_count_and_two_on_one_payment_once(run: Run, data: Path) -> None:
    assert figures(run, data, "dispute_percent", "--to", "2026-05-02") == {
        ("2026-05-01", "all"): [1, 2, 50.0]
    }
    rolled = figures(run, data, "dispute_percent_30d_rolling", "--from", "2026-05-02")
    assert rolled == {("2026-05-13", "all"): [1, 3, 100 / 3]}


def test_a_breakdown_by_metadata_names_what_has_none(run: Run, data: Path) -> None:
    found = figures(run, data, "efw_percent", "--by", "::shelf::")
    assert found["2026-05-01", "coffee"] == [1, 1, 100.0]
    assert found["2026-05-13", "none"] == [0, 1, 0.0]


def test_programmes_count_items_by_their_own_month(run: Run, data: Path) -> None:
    found = figures(run, data, "visa_ratio_percent")
    assert found["2026-05-01", "all"] == [3, 2, 150.0]
    assert found["2026-06-01", "all"] == [1, 0, None]
    assert figures(run, data, "nacha_unauthorised_percent")["2026-05-04", "all"] == [1, 2, 50.0]


def test_all_of_them_are_shown_with_the_limits_of_others(run: Run, data: Path) -> None:
    status, out, _ = run("indicators", "--data", data, "--json")
    told_all = json.loads(out)
    assert status == 0
    assert told_all["as_of"] == "2026-06-10T08:00:00Z"
    reached = {one["name"] for one in told_all["programmes"] if one["is_reached"]}
    assert reached == {"NACHA, unauthorised returns", "NACHA, overall returns"}
    _, shown, _ = run("indicators", "--data", data)
    assert "dispute_percent_30d_rolling" in shown
    assert "as of 2026-06-10" in shown
    _, shown, _ = run("indicators", "intents", "--by", "card_brand", "--data", data)
    assert "MasterCard" in shown


def test_the_query_is_written_for_a_warehouse_without_any_data(run: Run) -> None:
    status, out, _ = run("indicators", "dispute_percent", "--sql", "snowflake")
    assert status == 0
    assert out.startswith("-- dispute_percent: ")
    assert "FROM charges AS charge" in out
    _, every, _ = run("indicators", "--sql", "trino", "--by", "::shelf::")
    assert "nacha_overall_percent" not in every
    assert every.count(";") == every.count("-- ")


@pytest.mark.parametrize(
    ("asked", "told_why"),
    [
        (("no_such_rate",), "no indicator `no_such_rate`"),
        (("intents", "--sql", "cobol"), "no SQL dialect `cobol`"),
        (("intents", "--by", "shoe_size"), "cannot be broken down by `shoe_size`"),
        (("nacha_overall_percent", "--by", "::shelf::"), "cannot be broken down"),
        (("intents", "--from", "soon"), "--from `soon` is no date"),
        (("--by", "shoe_size"), "cannot be broken down"),
    ],
)
def test_what_cannot_be_asked_says_what_can(
    run: Run, data: Path, asked: tuple[str, ...], told_why: str
) -> None:
    status, _, err = run("indicators", *asked, "--data", data)
    assert status == 2
    assert told_why in err


def test_a_directory_without_history_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, _, err = run("indicators", "--data", tmp_path / "empty")
    assert status == 2
    assert "no history yet" in err
