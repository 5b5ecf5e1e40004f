"""A backtest decides as the checkpoint would have, event by event."""

from pathlib import Path
from random import Random

import polars as pl
import pytest

from sekisho.events import (
    History,
    default_catalogue,
    history_from_frame,
    indicative_rates,
    load_map,
)
from sekisho.flow import Live, replay
from sekisho.history import Archive
from sekisho.learning import Past
from sekisho.learning.blocks import blocks, wanted_of
from sekisho.learning.judging import Judge, at_position, in_order, outcome_of
from sekisho.rules import (
    DEFAULT_LISTS,
    DraftRule,
    ListBook,
    StoredRule,
    assemble,
    build_ruleset,
    builtin_rules,
)
from sekisho.sandbox import World
from sekisho.scoring import Scorecard
from sekisho.velocity import Counters, family_spec

CATALOGUE = default_catalogue()
TESTS = (
    ":card_funding: = 'prepaid'",
    ":card_brand: in ('mallory', 'visa')",
    ":card_country: != :ip_country:",
    ":amount_in_usd: > {n}",
    ":amount_in_eur: < {n}",
    ":risk_score: > {m}",
    ":risk_level: = 'elevated'",
    ":total_charges_per_customer_hourly: >= {k}",
    ":declined_charges_per_card_number_daily: > {k}",
    ":dispute_count_on_card_number_all_time: > 0",
    ":average_usd_amount_successful_on_card_all_time: > {n}",
    ":hours_since_card_first_seen: < {n}",
    "is_missing(:hours_since_card_first_seen:)",
    "::CustomerType:: = 'guest'",
    ":email_domain: in @watched",
    "NOT :is_recurring:",
    ":hour_of_day: < {k}",
    ":cvc_check: = 'fail'",
)


def random_rules(rng: Random) -> list[str]:
    names = ("Allow", "Block", "Review", "Request 3D Secure", "Hold", "Challenge")
    texts: list[str] = []
    for _ in range(rng.randrange(3, 14)):
        parts = [
            rng.choice(TESTS).format(
                n=rng.choice((5, 50, 300)), m=rng.randrange(5, 80), k=rng.randrange(4)
            )
            for _ in range(rng.randrange(1, 4))
        ]
        joiner = " or " if rng.random() < 0.2 else " and "
        texts.append(f"{rng.choice(names)} if {joiner.join(parts)}")
    return list(dict.fromkeys(texts))


def book_of() -> ListBook:
    book = ListBook()
    for alias, (item_type, _) in DEFAULT_LISTS.items():
        book.replace(alias, item_type, ())
    book.replace("watched", "string", [("example.org", 0), ("example.net", 0)])
    book.replace("email_domain_blocklist", "string", [("example.edu", 0)])
    return book


def rules_of(texts: list[str], book: ListBook, rng: Random) -> tuple[StoredRule, ...]:
    numbers = iter(range(1_000))
    stored = [
        rule
        for text in texts
        for rule in assemble(
            [DraftRule(text)],
            CATALOGUE,
            book.types,
            lambda: f"r{next(numbers)}",
            now_us=rng.randrange(4),
        )
    ]
    return (*builtin_rules(CATALOGUE, book.types), *stored)


def history_of(folder: Path, seed: int) -> pl.DataFrame:
    """Payments and logins of a small world with their outcomes, in the order of their times."""
    World(40, 12, seed, "mallory").write(folder)
    parts: list[pl.DataFrame] = []
    for name in ("payment", "login", "outcomes"):
        event_map = load_map(folder / f"{name}.map.toml")
        told: History = history_from_frame(pl.read_parquet(folder / f"{name}.parquet"), event_map)
        parts.append(told.records)
    whole = pl.concat(parts, how="diagonal_relaxed").sort("at_us", maintain_order=True)
    # An issuer's answer is known with its payment in what an import brings.
    return whole.filter(pl.col("type") != "authorization")


Told = dict[str, tuple[str, str | None, frozenset[str]]]


def replayed(records: pl.DataFrame, rules: tuple[StoredRule, ...], book: ListBook) -> Told:
    builtin = [rule for rule in rules if rule.builtin]
    ruleset = build_ruleset("x", [rule for rule in rules if not rule.builtin], builtin)
    scorecard = Scorecard(CATALOGUE)
    reported = tuple(sorted(ruleset.fields | scorecard.fields))
    live = Live(CATALOGUE, ruleset, scorecard, "none", reported)
    specs = [spec for name in reported if (spec := family_spec(name)) is not None]
    found: Told = {}
    for one in replay(records, live, Counters(specs, CATALOGUE, 0), book.values):
        decision = one.assessment.decision
        credited = decision.credited.rule.id if decision.credited else None
        hits = frozenset(hit.rule.id for hit in decision.hits)
        found[one.event] = (decision.outcome.value, credited, hits)
    return found


def backtested(archive: Archive, rules: tuple[StoredRule, ...], book: ListBook) -> Told:
    past = Past(
        archive, rules, book.values, CATALOGUE, Scorecard(CATALOGUE), rates=indicative_rates()
    )
    settled = past.settled()
    ordered = in_order(rules)
    judge = Judge(past, (ordered,))
    fields = frozenset[str]().union(*(rule.fields for rule in ordered))
    found: Told = {}
    for block in blocks(settled, wanted_of(settled, fields)):
        hits = judge.hits(block.frame).filter(pl.Series(block.counts))
        places = hits.select(judge.credited(0)).to_series()
        columns = [judge.column_of(0, at) for at in range(len(ordered))]
        for event, place, row in zip(
            block.events(["event"])["event"], places, hits.select(columns).rows(), strict=True
        ):
            credited = at_position(ordered, place)
            matched = frozenset(rule.id for rule, hit in zip(ordered, row, strict=True) if hit)
            found[event] = (
                outcome_of(credited).value,
                credited.id if credited else None,
                matched,
            )
    return found


@pytest.mark.parametrize("seed", range(6))
def test_outcome_hits_and_credited_rule_are_those_of_a_replay(tmp_path: Path, seed: int) -> None:
    rng, book = Random(seed), book_of()
    records = history_of(tmp_path / "world", seed)
    archive = Archive(tmp_path / "history")
    # What a log keeps of converted amounts is what rules then read; a backtest converts the rest.
    slim = records.drop([n for n in records.columns if n.startswith("amount_in_")])
    half = slim.height // 2
    archive.add(slim.head(half), "import", batch="one")
    archive.add(slim.tail(slim.height - half), "import", batch="two")
    for _ in range(3):
        rules = rules_of(random_rules(rng), book, rng)
        expected = replayed(records, rules, book)
        found = backtested(archive, rules, book)
        assert found.keys() == expected.keys()
        assert found == expected
        assert any(outcome != "allow" for outcome, _, _ in found.values())


def test_an_event_that_stands_in_two_imports_counts_once(tmp_path: Path) -> None:
    records = history_of(tmp_path / "world", 3)
    archive = Archive(tmp_path / "history")
    archive.add(records, "import", batch="one")
    archive.add(records.head(200), "import", batch="two")
    book, rng = book_of(), Random(1)
    rules = rules_of(["Block if :amount_in_usd: > 50"], book, rng)
    past = Past(
        archive, rules, book.values, CATALOGUE, Scorecard(CATALOGUE), rates=indicative_rates()
    )
    settled = past.settled()
    events = [
        e
        for block in blocks(settled, wanted_of(settled, {"amount_in_usd"}))
        for e in block.events(["event"])["event"]
    ]
    assert (
        len(events)
        == len(set(events))
        == records.filter(pl.col("type").is_in(["payment", "login"])).height
    )
