"""Rules in files: how accepted ones are written canonically, in which words others are refused.

`SEKISHO_UPDATE=1` rewrites the snapshots.
"""

import csv
import json
import os
from pathlib import Path

import pytest

from sekisho.language import (
    AttributeSpec,
    Catalogue,
    Type,
    check_rule,
    format_rule,
    render,
    split_rules,
)

HERE = Path(__file__).parent
LISTS_OF_THE_CONTRACT = {
    "card_countries_to_block": "country",
    "enforce_3ds_list": "country",
    "high_risk_card_countries_to_block": "country",
    "prepaid_card_countries_to_block": "country",
    "disposable_email_domains": "string",
    "blocked_emails": "email",
}


def _labelled(name: str) -> list[tuple[str, str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("|") for line in lines if line.strip() and not line.startswith("#")]
    return [
        (label.strip(), rule.removeprefix(" ").replace("\\n", "\n")) for label, _, rule in pairs
    ]


def _agrees_with_snapshot(name: str, text: str) -> None:
    path = HERE / name
    if os.environ.get("SEKISHO_UPDATE"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"SEKISHO_UPDATE=1 rewrites {name}"


def test_every_rule_of_the_accept_file_is_accepted_and_formatted(
    catalogue: Catalogue, lists: dict[str, str]
) -> None:
    formatted: list[str] = []
    for rule in split_rules((HERE / "accept.txt").read_text(encoding="utf-8")):
        checked = check_rule(rule.text, catalogue, lists)
        assert checked.rule is not None, render(rule.text, checked.errors)
        formatted.append(format_rule(checked.rule))
    _agrees_with_snapshot("accept.formatted.txt", "\n\n".join(formatted) + "\n")


@pytest.mark.parametrize(("kind", "rule"), _labelled("reject.txt"))
def test_refused_rule_reports_its_kind_first(
    kind: str, rule: str, catalogue: Catalogue, lists: dict[str, str]
) -> None:
    checked = check_rule(rule, catalogue, lists)
    assert checked.rule is None
    assert checked.errors[0].kind == kind, render(rule, checked.errors)


def test_the_words_of_every_refusal_are_those_of_the_snapshot(
    catalogue: Catalogue, lists: dict[str, str]
) -> None:
    blocks = [
        render(rule, check_rule(rule, catalogue, lists).errors)
        for _, rule in _labelled("reject.txt")
    ]
    _agrees_with_snapshot("reject.rendered.txt", "\n\n\n".join(blocks) + "\n")


@pytest.mark.parametrize(("kinds", "rule"), _labelled("lints.txt"))
def test_accepted_rule_earns_exactly_these_warnings(
    kinds: str, rule: str, catalogue: Catalogue, lists: dict[str, str]
) -> None:
    checked = check_rule(rule, catalogue, lists)
    assert checked.rule is not None, render(rule, checked.errors)
    assert ",".join(warning.kind for warning in checked.warnings) == kinds


@pytest.fixture(scope="module")
def contract() -> Path:
    folder = os.environ.get("SEKISHO_SHARED")
    if not folder:
        pytest.skip("SEKISHO_SHARED names no folder with the contract's corpora")
    return Path(folder) / "contracts"


def _catalogue_of(contract: Path) -> Catalogue:
    with (contract / "attributes.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return Catalogue(
        AttributeSpec(
            row["name"],
            Type(row["type"]),
            row["meaning"],
            alias_of=row["flags"].partition("alias=")[2],
        )
        for row in rows
    )


@pytest.mark.parametrize("name", ["accept", "reject"])
def test_the_corpus_of_the_contract_is_read_as_it_says(contract: Path, name: str) -> None:
    catalogue = _catalogue_of(contract)
    lines = (contract / f"rules-{name}.jsonl").read_text(encoding="utf-8").splitlines()
    for case in map(json.loads, lines):
        errors = check_rule(case["rule"], catalogue, LISTS_OF_THE_CONTRACT).errors
        found = errors[0].kind if errors else None
        assert found == case.get("error"), case["rule"]
