"""Rules as SQL, executed by DuckDB, match what the oracle matches, and their texts are golden."""

import os
import sys
from pathlib import Path
from random import Random

import duckdb
import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_engines_agree import (
    AT,
    LISTS,
    RECORDS,
    any_condition,
    any_leaf,
    any_record,
    frame_of,
)

from sekisho.events import default_catalogue
from sekisho.language import DIALECTS, check_rule, sql_condition, sql_matches
from sekisho.language.interpret import interpret
from sekisho.language.tree import Action, Condition, Rule

GOLDEN = Path(__file__).parents[2] / "language" / "sql"
EXAMPLES = (
    "Block if :card_country: in ('US', 'CA') and not :is_anonymous_ip:",
    "Review if :email: like 'fraud_%@example.com' or :email_domain: includes '.ru'",
    "Block if ::CustomerType:: = 'guest' and ::age:: < 30",
    "Block if :amount_in_usd: > 2 * :average_usd_amount_successful_on_customer_all_time:",
    "Allow if :ip_address: in @trusted_ips and :risk_score: <= 64.5",
    "Block if :card_country: != :ip_country: and is_missing(:hours_since_card_first_seen:)",
)


def is_plain(record: dict[str, object]) -> bool:
    """Whether the texts fold alike everywhere, and hold no NUL, which SQL texts cannot carry."""
    texts = [one for one in record.values() if isinstance(one, str)]
    return all(one.isascii() and "\0" not in one for one in texts)


@pytest.mark.parametrize("seed", range(6))
def test_duckdb_gives_the_oracles_answer(seed: int) -> None:
    rng = Random(seed)
    pool = [any_leaf(rng) for _ in range(20)]
    conditions: list[Condition] = [any_condition(rng, 0, pool) for _ in range(40)]
    records = [one for one in (any_record(rng) for _ in range(3 * RECORDS)) if is_plain(one)]
    assert len(records) > 30
    frame = frame_of(records).with_row_index("event")
    rules = [Rule(Action.BLOCK, condition, "", AT) for condition in conditions]
    with duckdb.connect() as connection:
        connection.register("records", frame.to_arrow())
        query = sql_matches(rules, "records", "duckdb", LISTS)
        found = pl.from_arrow(connection.sql(query).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    found = found.sort("event")
    for number, condition in enumerate(conditions, 1):
        expected = [interpret(condition, record, LISTS) is True for record in records]
        assert found[f"rule_{number}"].to_list() == expected, sql_condition(
            condition, "duckdb", LISTS
        )


def test_lists_may_lie_in_a_table_of_the_warehouse() -> None:
    rule = checked("Block if :email: in @bad and not :card_country: in @countries")
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE list_items(alias VARCHAR, item VARCHAR)")
        connection.execute("INSERT INTO list_items VALUES ('bad', 'a@x.io'), ('countries', 'US')")
        connection.execute(
            "CREATE TABLE seen AS SELECT * FROM (VALUES (1, 'a@x.io', 'DE'), (2, 'a@x.io', 'US'),"
            " (3, 'b@x.io', 'DE'), (4, 'a@x.io', NULL)) AS t(event, email, card_country)"
        )
        rows = connection.execute(sql_matches([rule], "seen", "duckdb")).fetchall()
    assert sorted(rows) == [(1, True), (2, False), (3, False), (4, False)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_is_written_as_before(dialect: str) -> None:
    rules = [checked(text) for text in EXAMPLES]
    written = sql_matches(rules, "charges", dialect) + "\n"
    golden = GOLDEN / f"{dialect}.sql"
    if os.environ.get("SEKISHO_UPDATE"):
        golden.write_text(written)
    assert written == golden.read_text(), f"SEKISHO_UPDATE=1 rewrites {golden.name}"


def test_an_unknown_dialect_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="use one of duckdb"):
        sql_condition(checked(EXAMPLES[0]).condition, "cobol")


def checked(text: str) -> Rule:
    rule = check_rule(text, default_catalogue(), None).rule
    assert rule is not None, text
    return rule
