"""`sekisho demo` as a script runs it: a real server, a real stream, exact figures, a clean end."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from rich.console import Console

from sekisho.entrypoints.cli.demo.client import Answer, Connection
from sekisho.entrypoints.cli.demo.screen import Screen
from sekisho.entrypoints.cli.demo.story import make_story
from sekisho.entrypoints.cli.demo.stream import Stream
from sekisho.entrypoints.cli.demo.tally import Tally
from sekisho.kit.clock import to_us
from sekisho.sandbox import Payload

NOW_US = 1_795_000_000_000_000
PATIENCE_S = 240
DEMO = [sys.executable, "-m", "sekisho.entrypoints.cli", "demo", "--headless", "--seed", "7"]


@pytest.fixture(scope="module")
def run() -> subprocess.CompletedProcess[str]:
    """A demo of a few seconds, with its figures as JSON."""
    return subprocess.run(
        [*DEMO, "--json", "--seconds", "3", "--rate", "200"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture(scope="module")
def told(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_standard_output_is_one_line_of_json_and_the_steps_are_told_elsewhere(
    run: subprocess.CompletedProcess[str],
) -> None:
    assert run.stdout.count("\n") == 1
    for step in ("generating the world", "rules in force", "streaming 200 events a second"):
        assert step in run.stderr


def test_nothing_is_refused_and_every_event_is_accounted_for(told: dict[str, Any]) -> None:
    assert told["refused"] == {"count": 0, "first": None}
    assert told["sent"] == told["decided"] + told["reported"] > 50
    assert sum(told["outcomes"].values()) == told["decided"]
    truth = told["truth"]
    assert truth["fraud"] + truth["honest"] == told["decided"]
    assert truth["caught"] + truth["missed"] == truth["fraud"]
    assert sum(one["caught"] for one in told["kinds"]) == truth["caught"]


def test_rules_are_told_by_their_text(told: dict[str, Any]) -> None:
    assert told["rules"]
    for rule in told["rules"]:
        assert " if " in rule["rule"]
        assert rule["hits"] == rule["fraud"] + rule["honest"]


def test_the_server_has_ended_when_the_demo_has(told: dict[str, Any]) -> None:
    port = int(told["server"].rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_sigterm_in_the_middle_gives_the_summary_and_ends_the_server() -> None:
    with subprocess.Popen([*DEMO, "--rate", "60"], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        seen = [_line_with(demo.stdout, "streaming 60"), _line_with(demo.stdout, " sent ")]
        demo.send_signal(signal.SIGTERM)
        rest = demo.stdout.read()
        assert demo.wait(PATIENCE_S) == 0
    assert "fraudulent events caught" in rest
    assert rest.rstrip().endswith("stopping the server")
    port = int(seen[0].rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def _line_with(lines: Iterator[str], text: str) -> str:
    return next(line.strip() for line in lines if text in line)


def test_a_scenario_nobody_knows_is_bad_usage_and_leaves_no_server() -> None:
    done = subprocess.run(
        [*DEMO, "--scenario", "sheriff"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert "unknown scenario `sheriff`: there is mallory" in done.stderr


def test_the_story_is_the_same_for_a_seed_and_ends_before_now() -> None:
    story = make_story(800, 3, "mallory", NOW_US)
    first, second = list(story.tell("")), list(make_story(800, 3, "mallory", NOW_US).tell(""))
    assert first == second
    assert len(first) == story.events
    moments = [to_us(datetime.fromisoformat(str(event["occurred_at"]))) for event in first]
    assert moments == sorted(moments)
    assert NOW_US - 86_400_000_000 < story.world.calendar.end_us + story.moved_us <= NOW_US
    assert moments[-1] <= NOW_US


def test_the_truth_is_never_part_of_what_is_sent() -> None:
    story = make_story(800, 3, "mallory", NOW_US)
    for event in story.tell(""):
        assert not {"kind", "is_fraud", "campaign", "hard_negative", "outcome"} & set(event)


def test_a_tag_keeps_a_second_run_apart_from_the_first() -> None:
    story = make_story(800, 3, "mallory", NOW_US)
    for plain, tagged in zip(story.tell(""), story.tell("_9"), strict=True):
        assert tagged["id"] == f"{plain['id']}_9"
        assert tagged.get("about") == (f"{plain['about']}_9" if "about" in plain else None)


class Recorder:
    """Stands where a connection would, and answers as told."""

    def __init__(self, outcome: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._outcome = outcome

    def ask(self, _method: str, path: str, value: Payload) -> Answer:
        self.asked.append((path, str(value["type"])))
        return decision(self._outcome)


def decision(outcome: str) -> Answer:
    told = {"id": "dec_1", "outcome": outcome, "rule": None, "hits": []}
    return Answer(200, msgspec.json.encode(told))


def payment(number: int = 1) -> Payload:
    return {
        "id": f"pay_{number}",
        "type": "payment",
        "occurred_at": "2026-01-02T03:04:05Z",
        "amount": 9900,
        "currency": "usd",
    }


def test_what_a_block_prevented_is_not_reported_but_verdicts_are() -> None:
    tally, connection = Tally({}, {}), Recorder("block")
    stream, closed = Stream([], 10, tally), set[object]()
    stream._send(connection, 0.0, payment(), closed)
    for kind in ("authorization", "dispute", "label"):
        stream._send(connection, 0.0, {"id": kind, "type": kind, "about": "pay_1"}, closed)
    assert connection.asked == [("/v1/decisions", "payment"), ("/v1/events", "label")]
    assert tally.withheld == 2


def test_caught_missed_and_false_positives_are_told_apart() -> None:
    tally = Tally({"pay_1": "mallory", "pay_2": "mallory"}, {})
    for number, outcome in enumerate(("block", "allow", "request_3ds", "review", "allow"), 1):
        tally.add_decision(payment(number), decision(outcome), 0.001)
    assert tally.truth() == {
        "fraud": 2,
        "caught": 1,
        "missed": 1,
        "honest": 3,
        "false_positives": 2,
        "asked_for_proof": 1,
    }


def test_the_first_refusal_is_told_in_the_servers_words() -> None:
    tally = Tally({}, {})
    error = {"error": {"code": "event_id_in_use", "message": "an event of this id was recorded"}}
    tally.add_decision(payment(), Answer(409, msgspec.json.encode(error)), 0.001)
    tally.add_decision(payment(), Answer(500, b"oh"), 0.001)
    assert tally.told()["refused"] == {
        "count": 2,
        "first": "409 event_id_in_use: an event of this id was recorded",
    }


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (60, 16), (110, 20)])
def test_the_screen_fits_any_terminal(width: int, height: int) -> None:
    tally = Tally({"pay_1": "mallory"}, {"r_1": "Block if :amount_in_usd: > 50 " * 9})
    for number, outcome in enumerate(("block", "allow", "hold"), 1):
        tally.add_decision(payment(number), decision(outcome), 0.001)
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(Screen("http://127.0.0.1:8321", 100, tally).render(width, height))
    lines = captured.get().splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert "decisions, a sample" in captured.get()


def test_a_connection_is_opened_again_when_the_server_had_closed_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Connection(*server.getsockname()) as one:
        first, _ = server.accept()
        first.close()
        again = subprocess.Popen(  # answers the second connection from another process
            [sys.executable, "-c", ANSWERS_ONCE, str(server.fileno())], pass_fds=[server.fileno()]
        )
        assert one.ask("GET", "/healthz") == Answer(200, b"{}")
        assert again.wait(PATIENCE_S) == 0


ANSWERS_ONCE = """
import socket, sys
server = socket.socket(fileno=int(sys.argv[1]))
one, _ = server.accept()
one.recv(65536)
one.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
one.close()
"""
