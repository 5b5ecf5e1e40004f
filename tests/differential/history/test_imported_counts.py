"""Imported history counts as the same events do one by one: in columns, replayed, recomputed."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.events import (
    OUTCOME_TYPES,
    Event,
    ReceiveContext,
    default_catalogue,
    history_from_frame,
    indicative_rates,
    load_map,
)
from sekisho.flow import Subject, count_decision, count_outcome
from sekisho.history import Archive, count_imported
from sekisho.sandbox import World
from sekisho.velocity import Counters, compute_counters, family_names, family_spec, parse_counter

CATALOGUE = default_catalogue()
CONTEXT = ReceiveContext(CATALOGUE, indicative_rates(), ["usd"])
SEED = 11
STREAMS = ("payment", "outcomes", "login", "signup")
DECLARED: dict[str, dict[str, Any]] = {
    "known_fraud": {"aggregate": "count", "of": "payment", "by": ["card_fingerprint"],
                    "where": ":label: = 'fraud'", "window": "30d"},
    "declined": {"aggregate": "count", "of": "payment", "by": ["email"],
                 "where": ":outcome: = 'declined'", "window": "30d"},
    "failed_checks": {"aggregate": "ratio", "of": "payment", "by": ["customer"],
                      "value": ":cvc_check: = 'fail'", "window": "30d"},
    "disputed": {"aggregate": "sum", "of": ["dispute", "refund"], "by": ["card_fingerprint"],
                 "value": "amount_in_usd", "window": "365d"},
    "answered_ips": {"aggregate": "distinct", "of": "authorization", "by": ["card_fingerprint"],
                     "value": "ip_address", "window": "90d"},
    "spent_jpy": {"aggregate": "avg", "of": "payment", "by": ["customer"],
                  "value": "amount_in_jpy", "window": "90d"},
    "kinds": {"aggregate": "distinct", "of": "payment", "by": ["ip_address"],
              "value": "::CustomerType::", "window": "30d"},
}  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """A world's events and outcomes as records, in no order."""
    folder = tmp_path_factory.mktemp("world")
    World(300, 40, 5).write(folder)
    parts: list[pl.DataFrame] = []
    for name in STREAMS:
        frame = pl.read_parquet(folder / f"{name}.parquet")
        records = history_from_frame(frame, load_map(folder / f"{name}.map.toml"), CONTEXT).records
        if name != "outcomes":
            records = records.drop("label", "label_known_at_us", strict=False)
        parts.append(records)
    return pl.concat(parts, how="diagonal_relaxed").sample(fraction=1, shuffle=True, seed=3)


@pytest.fixture(scope="module")
def archive(history: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The history in three segments whose times overlap."""
    made = Archive(tmp_path_factory.mktemp("data") / "history")
    third = history.height // 3 + 1
    for part in history.iter_slices(third):
        made.add(part.sort("at_us"), "import", batch="imp_1")
    return made


def counters() -> Counters:
    families = [family_spec(name) for name in sorted(family_names())][::5]
    declared = [parse_counter(name, told, CATALOGUE) for name, told in DECLARED.items()]
    return Counters([*(one for one in families if one), *declared], CATALOGUE, SEED)


def events(records: pl.DataFrame) -> Iterator[Event]:
    for row in records.iter_rows(named=True):
        record = {name: value for name, value in row.items() if value is not None}
        keys = [record.pop(name, "") for name in ("event", "type", "at_us", "about")]
        yield Event(keys[0], keys[1], keys[2], record, frozenset(), keys[3], b"")


def in_jpy(records: pl.DataFrame) -> pl.DataFrame:
    """The amounts that the archive does not store, by the door's own rates."""
    rate = {code: dict(CONTEXT.exchange.factors(code, ["jpy"])) for code in ("usd", "eur")}
    assert rate["usd"]
    from sekisho.events import with_amounts  # noqa: PLC0415 — only here

    return with_amounts(records, ReceiveContext(CATALOGUE, indicative_rates(), ["usd", "jpy"]))


def test_history_in_columns_counts_as_one_event_after_the_other(
    archive: Archive, history: pl.DataFrame
) -> None:
    quick, slow = counters(), counters()
    wanted = ReceiveContext(CATALOGUE, indicative_rates(), ["usd", "jpy"])
    latest = max(one.last_us for one in archive.imported)
    count_imported(archive, quick, wanted, latest)
    ordered = list(events(in_jpy(history).sort("at_us", maintain_order=True)))
    subjects: dict[str, Subject] = {}
    for event in ordered:
        if event.type not in OUTCOME_TYPES:
            subjects[event.id] = Subject(event, event.record)
            count_decision(slow, event, event.record)
    counted = 0
    for event in ordered:
        subject = subjects.get(event.about)
        if event.type in OUTCOME_TYPES and subject is not None:
            count_outcome(slow, subject, event)
            known = (*subject.outcomes, event)
            subjects[event.about] = Subject(subject.event, subject.record, known)
            counted += 1
    assert counted > 1000
    while not slow.evict(latest):
        pass
    assert quick.held_events == slow.held_events > 10_000
    asked = random.Random(4).sample(ordered, 3000)
    for event in asked:
        for later in (0, 86_400_000_000):
            at_us = max(event.at_us, latest - later)
            seen = quick.read(event.type, at_us, event.record)
            assert seen == slow.read(event.type, at_us, event.record), event


@pytest.mark.parametrize("snapshot", [True, False], ids=["with a snapshot", "without one"])
def test_imports_and_live_decisions_count_as_the_whole_history_computed(
    history: pl.DataFrame, tmp_path: Path, snapshot: bool
) -> None:
    """The last tenth is decided live; every counter is what columns over everything give."""
    payments = history.filter(pl.col("type") == "payment").sort("at_us", maintain_order=True)
    cut = payments.height * 9 // 10
    past = Archive(tmp_path / "history")
    shuffled = payments[:cut].sample(fraction=1, shuffle=True, seed=1)
    past.add(shuffled[: cut // 2], "import", batch="imp_1")
    past.add(shuffled[cut // 2 :], "import", batch="imp_2")
    names = ["spent_jpy", "kinds"]
    whole = in_jpy(payments)
    specs = [parse_counter(name, DECLARED[name], CATALOGUE) for name in names]
    families = ["total_charges_per_card_number_weekly", "total_charges_per_customer_all_time"]
    specs += [spec for name in families if (spec := family_spec(name))]
    computed = compute_counters(whole, specs, CATALOGUE)
    settings = Settings(data=tmp_path)
    node = Node(settings)
    for spec in specs[:2]:
        declare(node, spec.name)
    node.close()
    if not snapshot:
        for file in (tmp_path / "snapshots").iterdir():
            file.unlink()
    node = Node(settings)
    live = node.policy.counters
    wanted = {row["event"]: row for row in computed[cut:].iter_rows(named=True)}
    for event in events(whole[cut:]):
        seen = live.read(event.type, event.at_us, event.record)
        told = wanted[event.id]
        for name in live.names & set(told):
            assert seen.get(name) == pytest.approx(told[name]), (name, event.id)
        live.apply(event.type, event.at_us, event.record)
    assert set(names) <= live.names
    node.close()


def declare(node: Node, name: str) -> None:
    import asyncio  # noqa: PLC0415 — only here

    told = asyncio.run(node.policy.declare(name, DECLARED[name]))
    assert told["status"] == "live"
