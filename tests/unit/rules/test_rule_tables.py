"""Rule sets on disk: versions stay, and a draft outlives the publication of an older one."""

from collections.abc import Iterator

import apsw
import pytest

from sekisho.rules import DraftRule, FailurePolicy, HoldoutPlan, Mode, Rollout
from sekisho.rules import sqlite as tables
from sekisho.rules.sqlite import Draft, KeptRule, Published


@pytest.fixture
def connection() -> Iterator[apsw.Connection]:
    with apsw.Connection(":memory:") as opened:
        for migration in tables.MIGRATIONS:
            opened.execute(migration.sql)
        yield opened
    opened.close()


def version(number: int, at_us: int) -> Published:
    rule = KeptRule("r1", "Block if :amount_in_usd: > 1", 5, "closed")
    return Published(number, f"rs_{number}", at_us, "me", "why", (rule,))


def test_draft_comes_back_as_saved(connection: apsw.Connection) -> None:
    assert tables.load_draft(connection) is None
    tried = DraftRule("y", "", None, Mode.SHADOW, Rollout(12.5, "customer"))
    held = HoldoutPlan(0.01, 100, 1_000, "usd")
    mine = DraftRule("Block if :amount_in_usd: > 1", "mine", FailurePolicy.CLOSED)
    draft = Draft([mine, DraftRule("x"), tried], held)
    tables.save_draft(connection, draft, "me", 7)
    assert tables.load_draft(connection) == draft


def test_publishing_clears_its_own_draft_only(connection: apsw.Connection) -> None:
    tables.save_draft(connection, Draft([DraftRule("first")]), "me", 10)
    tables.publish(connection, version(1, at_us=10))
    assert tables.load_draft(connection) is None
    tables.save_draft(connection, Draft([DraftRule("saved meanwhile")]), "me", 30)
    tables.publish(connection, version(2, at_us=20))
    assert tables.load_draft(connection) == Draft([DraftRule("saved meanwhile")])


def test_versions_are_found_by_name_number_or_age(connection: apsw.Connection) -> None:
    for number in (1, 2):
        tables.publish(connection, version(number, at_us=number))
    assert tables.load_published(connection) == version(2, 2)
    assert tables.load_published(connection, "rs_1") == version(1, 1)
    assert tables.load_published(connection, "1") == version(1, 1)
    assert tables.load_published(connection, "3") is None
    assert [one.number for one in tables.all_published(connection)] == [2, 1]


def test_fingerprints_allowed_before_there_was_a_limit_get_one() -> None:
    month_us = 30 * 24 * 3_600_000_000
    with apsw.Connection(":memory:") as older:
        older.execute(tables.MIGRATIONS[0].sql)
        for alias in ("card_fingerprint_allowlist", "mine"):
            kind = "card_fingerprint"
            row = tables.ListRow(f"rsl_{alias}", alias, alias, kind, {}, 1, "me")
            tables.insert_list(older, row)
            items = [
                tables.ItemRow(f"rsli_{alias}{until}", row.id, f"fp{until}", f"fp{until}", 5, "me",
                               until)
                for until in (0, 9, 2 * month_us)
            ]  # fmt: skip
            tables.insert_items(older, items, tables.edition_of(older, row.id))
        older.execute(tables.MIGRATIONS[1].sql)
        kept = {alias: dict(tables.values_of(older, f"rsl_{alias}"))
                for alias in ("card_fingerprint_allowlist", "mine")}  # fmt: skip
    older.close()
    latest = 5 + month_us
    assert sorted(kept["card_fingerprint_allowlist"].values()) == [9, latest, latest]
    assert sorted(kept["mine"].values()) == [0, 9, 2 * month_us]
