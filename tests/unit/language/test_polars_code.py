"""Rules over columns: each test once, any shape of history, in memory or in blocks from disk."""

from pathlib import Path

import polars as pl
import pytest

from sekisho.language import (
    Action,
    And,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    IsMissing,
    Not,
    Number,
    Op,
    Rule,
    Span,
    Text,
    Type,
    match_columns,
)

AT = Span(0, 0)
AMOUNT = Attribute("amount_in_usd", Type.NUMERIC, AT)
COUNTRY = Attribute("card_country", Type.COUNTRY, AT)
FLAG = Flag(Attribute("is_anonymous_ip", Type.BOOLEAN, AT), AT)
LARGE = Compare(Op.GT, AMOUNT, Number(100.0, "100", AT), AT)
AMERICAN = Compare(Op.EQ, COUNTRY, Text("US", AT), AT)
NEAR = InItems(COUNTRY, (Text("us", AT), Text("ca", AT)), AT)
HISTORY = pl.DataFrame(
    {
        "amount_in_usd": [50.0, 150.0, None, 250.0],
        "card_country": ["US", "CA", "US", None],
        "is_anonymous_ip": [True, None, False, True],
    }
)


def rules(*conditions: Condition) -> list[Rule]:
    return [Rule(Action.BLOCK, condition, "", AT) for condition in conditions]


def test_each_rule_is_a_column_without_nulls() -> None:
    both = And((LARGE, Not(AMERICAN, AT)), AT)
    found = match_columns(rules(LARGE, NEAR, both, Not(FLAG, AT)), HISTORY, {}).collect()
    assert found.to_dict(as_series=False) == {
        "0": [False, True, False, True],
        "1": [True, True, True, False],
        "2": [False, True, False, False],
        "3": [False, True, True, False],
    }


def test_a_test_is_evaluated_once_whoever_shares_it() -> None:
    shared = rules(And((LARGE, AMERICAN), AT), And((LARGE, NEAR), AT), Not(AMERICAN, AT), NEAR)
    plan = match_columns(shared, HISTORY.lazy(), {}).explain(optimized=False)
    assert plan.count("100.0") == plan.count('"US"') == plan.count('"CA"') == 1


@pytest.mark.parametrize("height", [0, 1, 4])
def test_rules_that_read_no_column_have_an_answer_for_every_row(height: int) -> None:
    flag_missing, there = IsMissing(FLAG.attribute, AT), HISTORY.head(height)
    constant = rules(flag_missing, Not(flag_missing, AT), IsMissing(AMOUNT, AT), AMERICAN)
    found = match_columns(constant, there.select("is_anonymous_ip"), {}).collect()
    assert found.rows() == [(False, True, True, False)] * height


def test_no_rules_are_no_columns() -> None:
    assert match_columns([], HISTORY, {}).collect().width == 0


def test_a_history_on_disk_is_matched_in_blocks(tmp_path: Path) -> None:
    file = tmp_path / "history.parquet"
    pl.concat([HISTORY] * 1000).write_parquet(file, row_group_size=500)
    counts = match_columns(rules(LARGE, NEAR), pl.scan_parquet(file), {}).select(pl.all().sum())
    assert counts.collect(engine="streaming").row(0) == (2000, 3000)
