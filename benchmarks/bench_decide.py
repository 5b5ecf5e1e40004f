"""A whole decision as a library call: what each stage costs, without the log and with it.

    python benchmarks/bench_decide.py [--quick]

Events are the simulated world's, each seen once. Figures are microseconds of CPU per decision, of
all threads, median of interleaved repeats. Before anything is timed, the answers of the timed
stages are compared with those that the checkpoint recorded for the same events.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from installation import (
    REPEATS,
    Defence,
    Row,
    bodies,
    cpu_us,
    figure,
    installed,
    many_rules,
    payments,
    sandbox_defence,
    show,
    story,
)
from sekisho.entrypoints.node import Node
from sekisho.events import Event, Record, receive
from sekisho.flow import Asking, Checkpoint, Parts, Reply, assess, encode_decision
from sekisho.ledger import Entry, Recorded
from sekisho.sandbox import Payload

GOAL_US = 30.0
NOBODY = Asking()


class NoLog:
    """Takes entries and forgets them; ids are looked up in the real log."""

    def __init__(self, node: Node) -> None:
        self.find_event: Callable[..., Recorded | None] = node.ledger.find_event
        self.last_seq = 0

    def append(self, _entry: Entry) -> int:
        """Count it."""
        self.last_seq += 1
        return self.last_seq


class Stages:
    """The stages of a decision one after another, each over all events, on counters of their own."""

    def __init__(self, node: Node, sent: list[bytes]) -> None:
        self._node = node
        self._sent = sent
        self._events: list[Event] = []
        self._records: list[Record] = []
        self._missing: dict[str, frozenset[str]] = {}
        self.answers: list[bytes] = []

    def receive(self) -> None:
        now_us, context = self._node.clock.now_us(), self._node.policy.door
        self._events = [receive(body, now_us, context) for body in self._sent]
        self._records = [event.record for event in self._events]

    def look_up(self) -> None:
        find = self._node.ledger.find_event
        for event in self._events:
            find(event.id, "decision", event.at_us)

    def count(self) -> None:
        counters = self._node.policy.counters
        for event, record in zip(self._events, self._records, strict=True):
            counters.read_into(record, event.type, event.at_us)
            counters.apply(event.type, event.at_us, record)

    def assess(self) -> None:
        live, lists = self._node.policy.live, self._node.book.values
        self._assessed = [
            assess(event.type, record, live, lists, self._missing)
            for event, record in zip(self._events, self._records, strict=True)
        ]

    def encode(self) -> None:
        live, version, new = self._node.policy.live, self._node.book.version, self._node.ids.new
        self.answers = [
            encode_decision(new("dec"), event, record, assessment, live, version)
            for event, record, assessment in zip(
                self._events, self._records, self._assessed, strict=True
            )
        ]


STAGES = ("receive", "look_up", "count", "assess", "encode")


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the runner's signature
    """All figures, as rows for the common table."""
    count = 1_000 if quick else 4_000
    rows: list[Row] = []
    for name, defence, events in (
        ("50 rules, payments", many_rules(50), payments(count)),
        ("sandbox rules, all events", sandbox_defence(), story(count)),
    ):
        with tempfile.TemporaryDirectory(prefix="bench-decide-") as directory:
            rows += measure(name, defence, events, Path(directory))
    return rows


def measure(name: str, defence: Defence, events: list[Payload], directory: Path) -> list[Row]:
    """The stages, the whole without a log, and the whole with it."""
    with installed(directory / "data", defence) as node:
        same_answers(node, events)
        bare = Checkpoint(without_log(node))
        times: dict[str, list[float]] = {one: [] for one in (*STAGES, "whole", "durable")}
        for repeat in range(REPEATS):
            gc.collect()
            gc.freeze()
            stages = Stages(node, bodies(events, f"_s{repeat}"))
            for stage in STAGES:
                times[stage].append(cpu_us(getattr(stages, stage), len(events)))
            sent = bodies(events, f"_w{repeat}")
            times["whole"].append(cpu_us(lambda: submit(bare, sent), len(events)))  # noqa: B023 — run at once
            settle_all(bare)
            sent = bodies(events, f"_d{repeat}")
            times["durable"].append(cpu_us(lambda: decide_all(node, sent), len(events)))  # noqa: B023 — used at once
    rows = [figure(f"decide, {name}: {stage}", times[stage], "us") for stage in STAGES]
    rows.append(figure(f"decide, {name}: WHOLE without log", times["whole"], "us", goal=GOAL_US))
    rows.append(figure(f"decide, {name}: whole with log, both threads", times["durable"], "us"))
    floor = sum(sorted(times[stage])[REPEATS // 2] for stage in STAGES)
    for row in rows[-2:]:
        row |= {
            "floor_or_peer": f"its stages {floor:.1f}",
            "ratio": float(str(row["value"])) / floor,
        }
    return rows


def without_log(node: Node) -> Parts:
    parts = node.checkpoint.parts
    return replace(parts, ledger=NoLog(node), max_pending=10**9)  # type: ignore[arg-type] — a ledger that settles at once


def submit(checkpoint: Checkpoint, sent: list[bytes]) -> None:
    for body in sent:
        checkpoint.decide(body, NOBODY, ignore)


def settle_all(checkpoint: Checkpoint) -> None:
    checkpoint.settle([entry for _, entry in checkpoint.in_flight(0)], None)


def decide_all(node: Node, sent: list[bytes]) -> None:
    """Hand events over as fast as they come, and wait until all of them are on disk."""
    submit(node.checkpoint, sent)
    node.owner.run_until(lambda: node.checkpoint.pending == 0)


def ignore(_reply: Reply | Exception) -> None:
    """Nobody reads the answer."""


def same_answers(node: Node, events: list[Payload]) -> None:
    """The stages give what the checkpoint answers and records, decision for decision."""
    some = events[:300]
    for payload in some:
        sent = bodies([payload], "_check")[0]
        stages = Stages(node, [sent])
        stages.receive()
        counters, event, record = node.policy.counters, stages._events[0], stages._records[0]  # noqa: SLF001 — its own stages
        stages.look_up()
        stages.count()
        stages.assess()
        stages.encode()
        counters.retract(event.type, event.at_us, record)
        reply = node.decide(sent)
        row = node.ledger.find_event(event.id)
        assert row is not None
        assert row.answer == reply.body
        assert told(reply.body) == told(stages.answers[0])


def told(answer: bytes) -> dict[str, Any]:
    """A decision without its id."""
    return {name: value for name, value in msgspec.json.decode(answer).items() if name != "id"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer events")
    show(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
