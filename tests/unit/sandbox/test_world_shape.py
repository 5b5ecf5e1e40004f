"""What a world promises: the same bytes for the same seed, order, bounds, complete columns."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sekisho.sandbox import HINDSIGHT, World, WorldError
from sekisho.sandbox.draft import Stream, chance, drafts, generator, in_order, joined, taken
from sekisho.sandbox.entities import Table, scrambled
from sekisho.sandbox.places import COUNTRIES, SEGMENTS

SIZE = (300, 14)


@pytest.fixture(scope="module")
def world() -> World:
    return World(*SIZE, seed=5)


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
    }


def test_same_seed_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sekisho.sandbox.seasons.EVENTS_PER_SHARD", 1_500)
    first, second = World(*SIZE, seed=5), World(*SIZE, seed=5)
    assert len(first.shards()) > 2
    first.write(tmp_path / "a")
    second.write(tmp_path / "b")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_another_seed_gives_another_world(world: World) -> None:
    other = World(*SIZE, seed=6)
    assert not world.streams()["payment"].head(50).equals(other.streams()["payment"].head(50))


def test_the_order_of_asking_does_not_change_the_world(world: World) -> None:
    other = World(*SIZE, seed=5)
    assert other.truth().equals(world.truth())
    assert other.outcomes().equals(world.outcomes())
    assert (
        next(iter(World(*SIZE, seed=5).slices()))
        .streams["login"]
        .equals(next(iter(world.slices())).streams["login"])
    )


def test_streams_and_outcomes_are_in_time_order(world: World) -> None:
    for frame in [*world.streams().values(), world.outcomes()]:
        assert frame["occurred_at"].is_sorted()


def test_shards_join_without_gap_or_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sekisho.sandbox.seasons.EVENTS_PER_SHARD", 1_500)
    world = World(*SIZE, seed=5)
    shards = world.shards()
    assert shards[0].from_us == world.calendar.start_us
    assert shards[-1].to_us == world.calendar.end_us
    assert all(one.to_us == two.from_us for one, two in pairwise(shards))
    for part in world.slices():
        for frame in part.streams.values():
            moments = frame["occurred_at"].to_physical()
            assert ((moments >= part.shard.from_us) & (moments < part.shard.to_us)).all()
    assert world.outcomes()["occurred_at"].is_sorted()


def test_ids_are_unique_and_outcomes_point_at_events(world: World) -> None:
    ids = pl.concat([frame["id"] for frame in world.streams().values()])
    outcomes = world.outcomes()
    assert ids.is_unique().all()
    assert outcomes["id"].is_unique().all()
    assert outcomes["about"].is_in(ids.implode()).all()


def test_every_payment_gets_one_answer_of_its_issuer(world: World) -> None:
    payments = world.streams()["payment"]
    answers = world.outcomes().filter(pl.col("type") == "authorization")
    both = payments.join(answers, left_on="id", right_on="about", suffix="_answer")
    assert len(both) == len(payments) == len(answers)
    assert (both["occurred_at_answer"] > both["occurred_at"]).all()
    assert ((both["outcome"] == "authorized") == both["approved"]).all()
    assert (both["decline_code"].is_null() == both["approved"]).all()


def test_no_outcome_comes_before_its_event(world: World) -> None:
    events = pl.concat(
        [frame.select(about="id", then="occurred_at") for frame in world.streams().values()]
    )
    later = world.outcomes().join(events, on="about")
    assert (later["occurred_at"] > later["then"]).all()


def test_labels_say_when_they_became_known(world: World) -> None:
    for frame in world.streams().values():
        assert (frame["label"].is_null() == frame["label_known_at"].is_null()).all()
        known = frame.filter(pl.col("label").is_not_null())
        assert (known["label_known_at"] > known["occurred_at"]).all()


def test_truth_has_one_row_for_every_event_and_stands_apart(world: World) -> None:
    truth = world.truth()
    assert len(truth) == sum(map(len, world.streams().values()))
    for frame in [*world.streams().values(), world.outcomes()]:
        assert not {"is_fraud", "kind", "campaign", "hard_negative"} & set(frame.columns)


def test_hindsight_is_the_only_thing_that_can_be_missing_everywhere(world: World) -> None:
    for name, frame in world.streams().items():
        empty = [c for c in frame.columns if frame[c].null_count() and c not in HINDSIGHT]
        optional = {"metadata.promo"} | {c for c in frame.columns if c.startswith("shipping_")}
        assert set(empty) <= optional, name


def test_amounts_are_positive_whole_minor_units_of_known_currencies(world: World) -> None:
    known = {country.currency for country in COUNTRIES}
    for name in ("payment", "inbound_transfer", "outbound_transfer"):
        frame = world.streams()[name]
        assert frame["amount"].dtype == pl.Int64
        assert frame["amount"].min() >= 1
        assert set(frame["currency"]) <= known


def test_customers_act_only_after_they_signed_up(world: World) -> None:
    truth = world.truth().filter(~pl.col("is_fraud"))["event"].implode()
    joined_at = world.streams()["signup"].select("customer", since="occurred_at")
    for name in ("login", "payment", "sensitive_change", "outbound_transfer"):
        honest = world.streams()[name].filter(pl.col("id").is_in(truth))
        early = honest.join(joined_at, on="customer").filter(
            pl.col("occurred_at") < pl.col("since")
        )
        assert len(early) == 0, name


def test_the_mallory_flood_is_prepaid_gift_cards_by_hurried_guests() -> None:
    world = World(400, 20, seed=2, scenario="mallory")
    payments = world.streams()["payment"]
    mallory = world.truth().filter(pl.col("kind") == "mallory")["event"].implode()
    flood = payments.filter(pl.col("id").is_in(mallory))
    assert len(flood) > 150
    assert set(flood["card_brand"]) == {"mallory"}
    assert set(flood["card_funding"]) == {"prepaid"}
    assert set(flood["metadata.segment"]) == {"gift_cards"}
    assert set(flood["metadata.CustomerType"]) == {"guest"}
    pace = flood.with_columns(
        before=pl.int_range(pl.len()).over("customer"),
    )
    assert (pace["before"] > 2).mean() > 0.3
    daily = flood.group_by_dynamic("occurred_at", every="1d").agg(pl.len())["len"].to_list()
    assert max(daily) > 3 * daily[0]
    assert len(daily) >= 7


def test_without_the_scenario_there_is_no_flood(world: World) -> None:
    assert "mallory" not in set(world.truth()["kind"])


def test_honest_people_hold_mallory_cards_too() -> None:
    payments = World(2_000, 20, seed=2).streams()["payment"]
    same = payments.filter(card_brand="mallory", card_funding="prepaid")
    assert len(same) > 50


@pytest.mark.parametrize(
    ("customers", "days", "seed", "scenario", "named"),
    [
        (5, 10, 1, None, "customers"),
        (10**9, 10, 1, None, "customers"),
        (100, 0, 1, None, "days"),
        (100, 5_000, 1, None, "days"),
        (100, 10, -1, None, "seed"),
        (100, 10, 1, "alice", "mallory"),
    ],
)
def test_a_world_out_of_range_is_refused_with_what_to_change(
    customers: int, days: int, seed: int, scenario: str | None, named: str
) -> None:
    with pytest.raises(WorldError, match=named):
        World(customers, days, seed, scenario)


@pytest.mark.parametrize(("customers", "days"), [(20, 1), (20, 60), (1_000, 1), (21, 2)])
def test_the_smallest_worlds_work(customers: int, days: int) -> None:
    for seed in range(4):
        world = World(customers, days, seed, scenario="mallory")
        assert len(world.truth()) > 0
        assert world.outcomes()["occurred_at"].is_sorted()


def test_shares_of_the_tables_are_whole() -> None:
    assert sum(country.share for country in COUNTRIES) == pytest.approx(1.0)
    assert sum(segment.share for segment in SEGMENTS) == pytest.approx(1.0)


def test_a_table_gives_consecutive_rows_and_keeps_earlier_values() -> None:
    table = Table()
    assert table.add(3, a=7).tolist() == [0, 1, 2]
    for number in range(50):
        table.add(2, a=number)
    assert table.column("a")[:5].tolist() == [7, 7, 7, 0, 0]
    assert len(table) == len(table.column("a")) == 103


def test_scrambled_rows_stay_different() -> None:
    assert len(np.unique(scrambled(np.arange(1 << 16), 24, 11))) == 1 << 16


def test_rows_in_order_keep_ties_as_they_came() -> None:
    rows = drafts(Stream.LOGIN, np.array([5, 3, 5, 3]), person=np.arange(4))
    assert in_order(rows)["person"].tolist() == [1, 3, 0, 2]
    assert taken(rows, rows["at_us"] == 5)["person"].tolist() == [0, 2]
    assert len(joined([])) == 0
    assert joined([rows, rows])["person"].tolist() == [0, 1, 2, 3] * 2


def test_parts_of_the_randomness_do_not_depend_on_each_other() -> None:
    one, other = generator(1, 4, 0), generator(1, 4, 1)
    assert one.integers(10**9) != other.integers(10**9)
    assert 0.2 < chance(generator(9), 10_000, 0.25).mean() < 0.3
