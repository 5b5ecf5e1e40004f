"""Rules as SQL, executed by Spark, match what the oracle matches."""

import os
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_engines_agree import AT, LISTS, any_condition, any_leaf, any_record, frame_of
from test_sql_agrees import checked, is_plain

from sekisho.language import sql_matches
from sekisho.language.interpret import interpret
from sekisho.language.tree import Action, Condition, Rule

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.xdist_group("spark"), pytest.mark.timeout(1_500)]
ROUNDS = 24 if os.environ.get("SEKISHO_SOAK") else 1


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_spark_gives_the_oracles_answer(spark: "SparkSession", seed: int) -> None:
    rng = Random(seed)
    pool = [any_leaf(rng) for _ in range(20)]
    conditions: list[Condition] = [any_condition(rng, 0, pool) for _ in range(10)]
    records = [one for one in (any_record(rng) for _ in range(500)) if is_plain(one)]
    assert len(records) > 20
    rules = [Rule(Action.BLOCK, condition, "", AT) for condition in conditions]
    frame = frame_of(records).with_row_index("event").cast({"event": pl.Int64})
    spark.createDataFrame(frame.to_arrow()).createOrReplaceTempView("records")
    found = pl.from_arrow(spark.sql(sql_matches(rules, "records", "spark", LISTS)).toArrow())
    assert isinstance(found, pl.DataFrame)
    found = found.sort("event")
    for number, rule in enumerate(rules, 1):
        expected = [interpret(rule.condition, record, LISTS) is True for record in records]
        assert found[f"rule_{number}"].to_list() == expected, sql_matches(
            [rule], "records", "spark", LISTS
        )


def test_lists_may_lie_in_a_table_of_the_warehouse(spark: "SparkSession") -> None:
    rule = checked("Block if :email: in @bad and not :card_country: in @countries")
    listed = pl.DataFrame({"alias": ["bad", "countries"], "item": ["a@x.io", "US"]})
    spark.createDataFrame(listed.to_arrow()).createOrReplaceTempView("list_items")
    seen = pl.DataFrame({
        "event": [1, 2, 3, 4],
        "email": ["a@x.io", "a@x.io", "b@x.io", "a@x.io"],
        "card_country": ["DE", "US", "DE", None],
    })  # fmt: skip
    spark.createDataFrame(seen.to_arrow()).createOrReplaceTempView("seen")
    rows = spark.sql(sql_matches([rule], "seen", "spark")).collect()
    assert sorted(tuple(one) for one in rows) == [(1, True), (2, False), (3, False), (4, False)]
