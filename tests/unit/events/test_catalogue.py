"""The attribute catalogue against the contract's table and against itself."""

import csv
import os
from pathlib import Path

import pytest

from sekisho.events import default_catalogue, is_counter
from sekisho.language import check_condition, check_rule


def test_catalogue_has_every_name_of_the_contract_with_its_type_and_flags() -> None:
    shared = os.environ.get("SEKISHO_SHARED")
    if not shared:
        pytest.skip("set SEKISHO_SHARED to the folder that holds contracts/attributes.tsv")
    catalogue = default_catalogue()
    with Path(shared, "contracts", "attributes.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    expected = {row["name"]: (row["type"], row["group"], row["flags"]) for row in rows}
    ours = {
        name: (spec.type.value, spec.group, ";".join(sorted(spec.flags)))
        for name, spec in catalogue.items()
        if "extension" not in spec.flags
    }
    assert ours == {
        name: (kind, group, ";".join(sorted(flags.split(";"))))
        for name, (kind, group, flags) in expected.items()
    }


def test_catalogue_has_the_documented_size_and_a_meaning_for_every_name() -> None:
    catalogue = default_catalogue()
    own = [spec for spec in catalogue.values() if "extension" not in spec.flags]
    assert len(own) == 293
    assert all(len(spec.meaning) > 8 for spec in catalogue.values())


def test_legacy_spellings_name_the_current_attribute() -> None:
    catalogue = default_catalogue()
    for spec in catalogue.values():
        if spec.alias_of:
            assert spec.alias_of in catalogue
            assert f"alias={spec.alias_of}" in spec.flags


def test_counters_are_told_from_attributes_that_may_be_given() -> None:
    catalogue = default_catalogue()
    counted = {name for name, spec in catalogue.items() if is_counter(spec)}
    assert {"card_count_for_email_daily", "hours_since_card_first_seen"} <= counted
    assert {"total_usd_amount_failed_on_card_all_time", "blocks_per_ip_address_hourly"} <= counted
    assert counted.isdisjoint({"risk_score", "amount_in_usd", "is_new_card_on_customer", "email"})
    assert len(counted) == 96 + 20 + 10 + 2 + 16 + 4 + 4 + 8 + 6 + 8 + 15 + 4


def test_amount_without_unit_is_for_counters_and_not_for_rules() -> None:
    catalogue = default_catalogue()
    error = check_rule("Block if :amount: > 100", catalogue).errors[0]
    assert (error.kind, error.hint) == ("unknown_attribute", ":amount_in_usd:")
    assert check_condition(":amount: > 100", catalogue).condition is not None
