"""Indicators as SQL, executed by DuckDB and Spark, equal plain Python; their texts are golden."""

import datetime as dt
import math
import os
import re
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from plain_indicators import Answer, Plain, Tables, random_tables

from sekisho.insight import DIALECTS, Wanted, all_indicators, indicator_sql

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GOLDEN = Path(__file__).parent / "golden"
SHARED = os.environ.get("SEKISHO_SHARED")
WRITTEN = (
    "auth_rate_charges", "dispute_percent_30d_rolling", "fraud_volume_percent",
    "mastercard_ratio_percent", "nacha_unauthorised_percent", "visa_ratio_percent",
)  # fmt: skip
"""One of each form: the others differ in conditions."""
BREAKDOWNS = ("", "card_brand", "::shelf::", "currency")


def with_tables(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    for name, frame in tables.items():
        connection.register(f"{name}_given", frame.to_arrow())
        connection.execute(f"create table {name} as select * from {name}_given")  # noqa: S608 — a test's


def answered(rows: list[Any]) -> Answer:
    return {
        (period, segment): (above, below, value) for period, segment, above, below, value in rows
    }


def assert_same(found: Answer, expected: Answer, told: str) -> None:
    assert found.keys() == expected.keys(), told
    for place, figures in expected.items():
        for mine, plain in zip(found[place], figures, strict=True):
            assert (mine is None) == (plain is None), (told, place)
            assert mine is None or math.isclose(mine, plain, rel_tol=1e-9), (told, place)


def can(name: str, by: str) -> bool:
    return not name.startswith("nacha") or by in {"", "currency"}


@pytest.mark.parametrize("seed", range(3))
def test_duckdb_counts_as_plain_python_does(seed: int) -> None:
    tables = random_tables(Random(seed))
    with duckdb.connect() as connection:
        with_tables(connection, tables)
        for by in BREAKDOWNS:
            plain = Plain(tables, by)
            for name in all_indicators():
                if can(name, by):
                    query = indicator_sql(name, "duckdb", Wanted(by))
                    found = answered(connection.execute(query).fetchall())
                    assert_same(found, plain.answer(name), f"{name} by {by}")


@pytest.mark.xdist_group("spark")
@pytest.mark.timeout(1_500)
def test_spark_counts_as_plain_python_does(spark: "SparkSession") -> None:
    tables = random_tables(Random(11), 120)
    for name, frame in tables.items():
        spark.createDataFrame(frame.to_arrow()).cache().createOrReplaceTempView(name)
    soaks = bool(os.environ.get("SEKISHO_SOAK"))
    for name in all_indicators() if soaks else WRITTEN:
        for by in ("currency", "::shelf::") if soaks else ("currency",):
            if can(name, by):
                rows = spark.sql(indicator_sql(name, "spark", Wanted(by))).collect()
                expected = Plain(tables, by).answer(name)
                assert_same(answered([tuple(row) for row in rows]), expected, f"{name} by {by}")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_is_written_as_before(dialect: str) -> None:
    wanted = Wanted("::shelf::", dt.date(2026, 1, 1), dt.date(2026, 7, 1))
    asked = [(name, wanted if can(name, wanted.by) else Wanted()) for name in WRITTEN]
    written = "\n\n".join(f"-- {one}\n{indicator_sql(one, dialect, part)};" for one, part in asked)
    golden = GOLDEN / f"{dialect}.sql"
    if os.environ.get("SEKISHO_UPDATE"):
        golden.write_text(written + "\n")
    assert written + "\n" == golden.read_text(), f"SEKISHO_UPDATE=1 rewrites {golden.name}"


def test_only_periods_asked_for_are_told_and_windows_still_reach_back() -> None:
    tables = random_tables(Random(4))
    name, first = "dispute_percent_30d_rolling", dt.date(2026, 3, 1)
    with duckdb.connect() as connection:
        with_tables(connection, tables)
        query = indicator_sql(name, "duckdb", Wanted("", first, dt.date(2026, 4, 1)))
        found = answered(connection.execute(query).fetchall())
    every = Plain(tables).answer(name)
    inside = {place: one for place, one in every.items() if place[0].month == 3}
    assert inside
    assert_same(found, inside, name)


def test_the_example_of_the_brief() -> None:
    """1,000 intents, 1,150 charges: 100 declined, 50 blocked at level highest, 5 disputed."""
    kinds = ["authorized"] * 1_000 + ["issuer_declined"] * 100 + ["blocked"] * 50
    day = dt.datetime(2026, 5, 1, 9)  # noqa: DTZ001 — as warehouses hold it
    charges = pl.DataFrame({
        "id": [f"c{n}" for n in range(1_150)],
        "created": [day] * 1_150,
        "payment_intent": [f"p{n % 1_000}" for n in range(1_150)],
        "outcome_type": kinds,
        "outcome_risk_level": ["normal"] * 1_100 + ["highest"] * 50,
        "paid": [one == "authorized" for one in kinds],
    })  # fmt: skip
    disputes = pl.DataFrame({
        "charge_id": [f"c{n}" for n in (0, 1, 2, 3, 4, 4)],
        "reason": ["fraudulent"] * 6,
    })  # fmt: skip
    none = pl.DataFrame(schema={"charge_id": pl.String, "reason": pl.String})
    tables = {
        "charges": charges,
        "disputes": disputes,
        "early_fraud_warnings": none,
        "refunds": none,
    }
    expected = {
        "charges_raw": 1150, "intents": 1000, "retries_per_intent": 1.15,
        "auth_rate_charges": 1000 / 1100, "auth_rate_intents": 1.0,
        "issuer_decline_rate": 100 / 1100, "block_rate_raw": 50 / 1150, "block_rate_intents": 0.05,
        "raw_high_risk_percent": 100 * 50 / 1150, "dispute_percent": 0.5,
        "dispute_percent_30d_rolling": 0.5,
    }  # fmt: skip
    with duckdb.connect() as connection:
        with_tables(connection, tables)
        for name, value in expected.items():
            (row,) = connection.execute(indicator_sql(name, "duckdb")).fetchall()
            assert math.isclose(row[-1], value), name


@pytest.mark.skipif(SHARED is None, reason="SEKISHO_SHARED is not set: no contract to compare with")
def test_the_queries_of_the_contract_say_the_same() -> None:
    assert SHARED is not None
    text = (Path(SHARED) / "contracts/indicators.md").read_text()
    queries = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    daily = next(one for one in queries if "product_segment" in one)
    monthly = next(one for one in queries if "visa_ratio_percent" in one)
    tables = random_tables(Random(8))
    tables["disputes"] = tables["disputes"].with_columns(pl.col("status").fill_null("lost"))
    tables["charges_metadata"] = tables["charges_metadata"].with_columns(
        pl.col("key").replace("shelf", "product_segment")
    )
    with duckdb.connect() as connection:
        with_tables(connection, tables)
        told = connection.execute(daily)
        names = [one[0] for one in told.description]
        mine = {name: by_place(connection, name, "::product_segment::") for name in names[2:]
                if name in all_indicators()}  # fmt: skip
        assert len(mine) == 12
        for row in connection.execute(daily).fetchall():
            told_row = dict(zip(names, row, strict=True))
            place = told_row["day"].date(), told_row["product_segment"]
            for name, values in mine.items():
                assert_close(values[place], told_row[name], name)
        told = connection.execute(monthly)
        names = [one[0] for one in told.description]
        for row in told.fetchall():
            told_row = dict(zip(names, row, strict=True))
            network = {"Visa": "visa", "MasterCard": "mastercard"}.get(told_row["card_brand"])
            for name in (name for name in names if network and name.startswith(network)):
                place = told_row["month"].date(), told_row["card_brand"]
                with connection.cursor() as cursor:
                    values = by_place(cursor, name, "card_brand")
                # A month of sales alone is no month of a number of items: none is none.
                assert_close(values.get(place, 0), told_row[name], name)


def by_place(
    connection: duckdb.DuckDBPyConnection, name: str, by: str
) -> dict[tuple[dt.date, str], float | None]:
    rows = connection.execute(indicator_sql(name, "duckdb", Wanted(by))).fetchall()
    return {(row[0], row[1]): row[-1] for row in rows}


def assert_close(mine: float | None, told: float | None, name: str) -> None:
    assert (mine is None) == (told is None), name
    assert mine is None or told is None or math.isclose(mine, told, rel_tol=1e-9), name
