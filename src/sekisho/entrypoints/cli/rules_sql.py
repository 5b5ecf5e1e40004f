"""`sekisho rules sql`: rules in the SQL of a warehouse."""

from typing import Annotated

import typer

from sekisho.entrypoints.cli.console import emit_json, fail
from sekisho.entrypoints.cli.rules import (
    AsJson,
    CountersFile,
    ListsFile,
    RulesFile,
    catalogue_with,
    read_lists,
    read_rules,
)
from sekisho.language import DIALECTS, Rule, check_rule, sql_condition, sql_matches


def sql_command(
    file: RulesFile,
    dialect: Annotated[str, typer.Option(help=f"one of {', '.join(DIALECTS)}")] = "duckdb",
    table: Annotated[str, typer.Option(help="the table of events to read")] = "events",
    lists: ListsFile = None,
    counters: CountersFile = None,
    as_json: AsJson = False,
) -> None:
    """Write rules as SQL: one row an event, a boolean column a rule.

    Items of lists are written into the query where --lists gives them; else they are looked up in
    a table `list_items(alias, item)`.
    """
    if dialect not in DIALECTS:
        fail(f"no SQL dialect {dialect}", f"use one of {', '.join(DIALECTS)}")
    catalogue, book = catalogue_with(counters), read_lists(lists)
    rules: list[Rule] = []
    for text in read_rules(file):
        checked = check_rule(text, catalogue, book.types if lists else None)
        if checked.rule is None:
            fail(f"{file}: {checked.errors[0].message}", "sekisho rules check shows where")
        rules.append(checked.rule)
    items = {alias: sorted(book.values[alias]) for alias in book.types} if lists else None
    if as_json:
        emit_json([
            {"rule": one.text, "condition": sql_condition(one.condition, dialect, items)}
            for one in rules
        ])  # fmt: skip
    else:
        typer.echo(sql_matches(rules, table, dialect, items) + ";")
