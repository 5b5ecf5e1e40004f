"""Payloads and files: the door takes every event, and maps give back the same records."""

import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path

import phonenumbers
import polars as pl
import pytest

from sekisho.events import (
    EventRefused,
    ReceiveContext,
    default_catalogue,
    load_map,
    payloads_from_frame,
    receive,
    records_from_frame,
)
from sekisho.language import AttributeSpec, Type, check_rule
from sekisho.sandbox import (
    World,
    default_counters,
    default_lists,
    default_rules,
    events_in_order,
    map_text,
    payloads,
)
from sekisho.sandbox.draft import Stream
from sekisho.sandbox.places import COUNTRIES
from sekisho.velocity import parse_counter

SOAK = bool(os.environ.get("SEKISHO_SOAK"))
NOW_US = 1_800_000_000_000_000
STREAMS = [stream.name.lower() for stream in Stream]


@pytest.fixture(scope="module")
def world() -> World:
    return World(10_000 if SOAK else 500, 20, seed=8, scenario="mallory")


@pytest.fixture(scope="module")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    world.write(directory)
    return directory


def test_the_door_takes_every_event_and_outcome(world: World) -> None:
    context = ReceiveContext()
    refused: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for payload in events_in_order(world):
        try:
            taken[receive(json.dumps(payload).encode(), NOW_US, context).type] += 1
        except EventRefused as refusal:
            refused.update(f"{problem.place}: {problem.message}" for problem in refusal.problems)
    assert refused == Counter()
    assert taken.total() == len(world.truth()) + len(world.outcomes())
    assert set(STREAMS) <= set(taken)


def test_events_come_in_the_order_in_which_they_happen(world: World) -> None:
    moments = [datetime.fromisoformat(str(p["occurred_at"])) for p in events_in_order(world)]
    assert moments == sorted(moments)


def test_an_outcome_never_comes_before_what_it_is_about(world: World) -> None:
    seen: set[str] = set()
    for payload in events_in_order(world):
        seen.add(str(payload["id"]))
        assert str(payload.get("about", payload["id"])) in seen


def test_hindsight_is_not_in_a_live_payload(world: World) -> None:
    for payload in payloads(world.streams()["payment"].head(500)):
        assert not {"outcome", "label", "label_known_at", "is_fraud"} & payload.keys()


def test_a_label_outcome_keeps_its_label(world: World) -> None:
    labels = world.outcomes().filter(pl.col("type") == "label")
    assert {p["label"] for p in payloads(labels)} <= {"fraud", "legitimate"}
    assert len(labels) > 0


@pytest.mark.parametrize("stream", [*STREAMS, "outcomes"])
def test_a_map_reads_its_file_as_the_door_reads_the_payloads(folder: Path, stream: str) -> None:
    frame = pl.read_parquet(folder / f"{stream}.parquet").head(200)
    mapped = load_map(folder / f"{stream}.map.toml")
    records = records_from_frame(frame, mapped)
    assert records["event"].to_list() == frame["id"].to_list()
    context = ReceiveContext()
    for sent, read in zip(payloads(frame), payloads_from_frame(frame, mapped), strict=True):
        hidden = {"outcome", "label"} if stream != "outcomes" else set[str]()
        live = {key: value for key, value in read.items() if key not in hidden}
        ours = receive(json.dumps(sent).encode(), NOW_US, context)
        theirs = receive(json.dumps(live).encode(), NOW_US, context)
        assert ours.record == theirs.record


def test_files_hold_what_the_world_tells(folder: Path, world: World) -> None:
    for name, frame in world.streams().items():
        assert pl.read_parquet(folder / f"{name}.parquet").equals(frame)
    assert pl.read_parquet(folder / "outcomes.parquet").equals(world.outcomes())
    assert pl.read_parquet(folder / "truth.parquet").equals(world.truth())
    assert pl.read_parquet(folder / "campaigns.parquet").equals(world.campaigns())
    assert not (folder / ".parts").exists()


def test_a_world_in_shards_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sekisho.sandbox.seasons.EVENTS_PER_SHARD", 1_000)
    world, steps = World(200, 12, seed=1), list[tuple[int, int]]()
    made = world.write(tmp_path, lambda done, whole: steps.append((done, whole)))
    assert len(world.shards()) > 1
    assert steps[-1] == (len(world.shards()) + 1,) * 2
    assert sorted(tmp_path.iterdir()) == made
    assert pl.read_parquet(tmp_path / "payment.parquet").equals(world.streams()["payment"])


def test_writing_again_replaces_the_files(tmp_path: Path) -> None:
    World(100, 3, seed=1).write(tmp_path)
    made = World(100, 3, seed=2).write(tmp_path)
    assert sorted(tmp_path.iterdir()) == made
    fresh = World(100, 3, seed=2).truth()
    assert pl.read_parquet(tmp_path / "truth.parquet").equals(fresh)


def test_a_map_quotes_names_that_toml_cannot_take_bare() -> None:
    text = map_text("payment", ["type", 'metadata.say "hi"', "metadata.größe"])
    assert '"say \\"hi\\"" = "metadata.say \\"hi\\""' in text
    assert '"größe" = "metadata.größe"' in text


def test_every_telephone_number_can_exist(world: World) -> None:
    streams = world.streams()
    texts = pl.concat([streams["otp_request"]["phone"], streams["signup"]["phone"]]).unique()
    numbers = [phonenumbers.parse(text, None) for text in texts]
    assert all(phonenumbers.is_possible_number(number) for number in numbers)
    valid = sum(phonenumbers.is_valid_number(number) for number in numbers) / len(numbers)
    assert valid > 0.9
    regions = {phonenumbers.region_code_for_number(number) for number in numbers}
    assert len(regions & {country.code for country in COUNTRIES}) >= 15


def test_default_rules_are_right_and_without_warnings() -> None:
    catalogue = default_catalogue()
    specs = [parse_counter(name, it, catalogue) for name, it in default_counters().items()]
    known = catalogue.extended(AttributeSpec(s.name, Type.NUMERIC, s.name) for s in specs)
    lists = {alias: kind for alias, (kind, _) in default_lists().items()}
    for text in default_rules():
        checked = check_rule(text, known, lists)
        assert (checked.errors, checked.warnings) == ((), ()), text
