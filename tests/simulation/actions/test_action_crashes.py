"""Killed at any seam, every action ends, its effect is one, and the order of its key is kept."""

import asyncio
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.durable import ACTION_SEAMS, Job, State, Store, Wanted
from sekisho.durable.sqlite import SqliteQueue

from .receiver import Receiver

CHILD = Path(__file__).with_name("action_child.py")
KILLS = 200 if os.environ.get("SEKISHO_SOAK") else 4
STARTS_MAX = 8
PASSES_MAX = 25
"""Passes of a seam before a kill; a run makes some sixty attempts."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(seed=1)
    yield made
    made.close()


def run(directory: Path, receiver: Receiver, crash_at: str, what: str, bug: str = "none") -> int:
    environment = {**os.environ, "SEKISHO_CRASH_AT": crash_at}
    command = [sys.executable, CHILD, directory, str(receiver.port), what, bug]
    return subprocess.run(command, env=environment, check=False, timeout=120).returncode


def actions(directory: Path) -> list[Job]:
    store = Store(directory / "queue.db")
    try:
        return asyncio.run(SqliteQueue(store).newest(Wanted(limit=100)))
    finally:
        store.close()


def problems(jobs: list[Job], receiver: Receiver) -> list[str]:
    """What is wrong with the outcome of a run; nothing when every promise was kept."""
    wrong = [f"{job.id} ended as {job.state.name}" for job in jobs if job.state < State.DONE]
    ids = [action_id for _, _, action_id in receiver.effects]
    done = {job.id for job in jobs if job.state is State.DONE}
    wrong += [f"{one} is done without an effect" for one in sorted(done - set(ids))]
    wrong += [f"{one} took effect twice" for one in sorted(ids) if ids.count(one) > 1]
    for job in jobs:
        if (job.kind == "crash.poison") != (job.state is State.DEAD):
            wrong.append(f"{job.id} is {job.state.name}: {job.error}")
    orders: dict[str, list[int]] = defaultdict(list)
    for key, number, _ in receiver.effects:
        orders[key].append(number)
    keyed = {key: order for key, order in orders.items() if key != "free"}
    return wrong + [f"{k}: {order}" for k, order in keyed.items() if order != sorted(order)]


def test_killed_at_seams_every_action_ends_with_one_effect_in_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    chance = random.Random(20261125)
    killed = 0
    for number in range(KILLS):
        directory = tmp_path / str(number // STARTS_MAX)
        directory.mkdir(exist_ok=True)
        seam = f"{ACTION_SEAMS[number % len(ACTION_SEAMS)]}:{chance.randint(1, PASSES_MAX)}"
        killed += run(directory, receiver, seam, "usual") != 0
        if (number + 1) % STARTS_MAX == 0 or number + 1 == KILLS:
            assert run(directory, receiver, "", "usual") == 0
            assert problems(actions(directory), receiver) == []
            receiver.forget()
    assert killed >= KILLS // 3, "the kills must meet actions under way"


def test_an_action_that_kills_its_process_is_dead_after_its_last_attempt(
    tmp_path: Path, receiver: Receiver
) -> None:
    assert [run(tmp_path, receiver, "", "killer") for _ in range(3)] == [-9, -9, 0]
    (job,) = actions(tmp_path)
    assert (job.state, job.error) == (State.DEAD, "its attempts are used up")


def test_attempts_counted_after_running_never_end_and_are_seen(
    tmp_path: Path, receiver: Receiver
) -> None:
    starts = [run(tmp_path, receiver, "", "killer", "count_after_running") for _ in range(3)]
    assert starts == [-9, -9, -9]
    assert actions(tmp_path)[0].state is State.LEASED


def test_an_end_written_before_the_attempt_loses_effects_and_is_seen(
    tmp_path: Path, receiver: Receiver
) -> None:
    bug = "acknowledge_before_running"
    assert run(tmp_path, receiver, "action.before:3", "usual", bug) == -9
    assert run(tmp_path, receiver, "", "usual", bug) == 0
    assert any("without an effect" in one for one in problems(actions(tmp_path), receiver))
