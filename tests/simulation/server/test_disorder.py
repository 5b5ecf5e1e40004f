"""Repeats, shuffled and late events, and clocks that jump: the counters follow event time."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from harness import SOAK
from recount import recounted
from stream import DECISIONS, LATE_US, Request, Stream

from sekisho.flow import Asking, SubjectUnknown
from sekisho.flow import checkpoint as flow

if TYPE_CHECKING:
    from sekisho.entrypoints.node import Node

AT_US = 1_790_000_000_000_000
DAY_S = 86_400
SEEDS = 40 if SOAK else 3
REQUESTS = 500 if SOAK else 200


def disordered(seed: int, count: int) -> list[Request]:
    """Each request one to five times, shuffled within ten minutes of event time."""
    rng = random.Random(seed)
    stream = Stream(f"o{seed}", AT_US)
    requests = {one.event_id: one for one in stream.take(count)}
    arrivals: list[tuple[float, Request]] = []
    for number, one in enumerate(requests.values()):
        for _ in range(rng.choice((1, 1, 2, 5))):
            delay = rng.uniform(0, LATE_US) if rng.random() < 0.9 else 12 * LATE_US
            arrivals.append((number * 4_600_000 + delay, one))
    return [one for _, one in sorted(arrivals, key=lambda arrival: arrival[0])]


def send(node: Node, request: Request, first: dict[str, bytes]) -> None:
    """Decide or report, and hold the answer against the first one."""
    way = node.decide if request.path == DECISIONS else node.report
    body = way(request.body, Asking("me", request.key)).body
    assert first.setdefault(request.event_id, body) == body


def send_all(node: Node, requests: list[Request]) -> dict[str, bytes]:
    """Send everything; outcomes that come before their event are sent again at the end."""
    first: dict[str, bytes] = {}
    early: list[Request] = []
    for request in requests:
        try:
            send(node, request, first)
        except SubjectUnknown:
            early.append(request)
    for request in early:
        send(node, request, first)
    return first


def recorded(node: Any) -> int:
    """Events in the log; rows that tell what came into force are none."""
    return sum(row.kind != "control" for row in node.ledger.read_from())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_repeated_shuffled_late_events_count_once_at_their_time(new_node: Any, seed: int) -> None:
    node = new_node()
    first = send_all(node, disordered(seed, REQUESTS))
    assert recorded(node) == len(first) > 100
    recount, wrong = recounted(node)
    assert wrong == [], f"seed {seed}"
    assert recount.keys_asked > 50


def test_decision_left_uncounted_is_found(new_node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded bug: now and then a decision is not counted."""
    rng, count = random.Random(1), flow.count_decision

    def forgetful(*given: Any) -> Any:
        return count(*given) if rng.random() < 0.7 else lambda _: None

    monkeypatch.setattr(flow, "count_decision", forgetful)
    node = new_node()
    send_all(node, disordered(0, 120))
    _, wrong = recounted(node)
    assert any("saw" in one for one in wrong), wrong
    assert any("after row" in one for one in wrong)


def payment(number: int, **more: Any) -> bytes:
    plain = {"type": "payment", "id": f"p{number}", "customer": "c", "amount": 100}
    return json.dumps({**plain, "currency": "usd", "email": "a@x.example", **more}).encode()


def timely(node: Node, numbers: range) -> list[int]:
    """Payments without a time of their own; how many each saw within the hour before."""
    seen: list[int] = []
    for number in numbers:
        told = json.loads(node.decide(payment(number), Asking("me", f"k{number}")).body)
        seen.append(told["attributes"]["total_charges_per_customer_hourly"])
    return seen


def test_clock_set_back_and_far_ahead_keeps_counters_exact(new_node: Any) -> None:
    node = new_node()
    assert timely(node, range(5)) == [0, 1, 2, 3, 4]
    node.clock.advance(-1800)
    assert timely(node, range(5, 8)) == [0, 1, 2]
    node.clock.advance(1800 + 3 * DAY_S)
    assert timely(node, range(8, 11)) == [0, 1, 2]
    node.clock.advance(-3 * DAY_S)
    assert timely(node, range(11, 13)) == [8, 9]
    assert recounted(node)[1] == []


def test_repeats_get_the_first_answer_whatever_the_clock_says(new_node: Any) -> None:
    node = new_node()
    first = {n: node.decide(payment(n), Asking("me", f"k{n}")).body for n in range(4)}
    for jump_s in (-600, 3 * DAY_S, 9 * DAY_S, -12 * DAY_S, -3 * DAY_S):
        node.clock.advance(jump_s)
        for number, body in first.items():
            again = node.decide(payment(number), Asking("me", f"k{number}"))
            assert (again.body, again.replayed) == (body, True)
            assert node.decide(payment(number)).body == body
    assert recorded(node) == 4


def test_key_used_anew_after_it_expired_replays_its_newest_answer(new_node: Any) -> None:
    node = new_node()
    node.decide(payment(1), Asking("me", "k"))
    node.clock.advance(3 * DAY_S)
    second = node.decide(payment(2), Asking("me", "k")).body
    node.clock.advance(-3 * DAY_S)
    assert node.decide(payment(2), Asking("me", "k")).body == second
