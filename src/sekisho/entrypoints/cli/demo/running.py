"""The demo step by step: a world, a server, rules, a stream, and what came of it."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from sekisho.entrypoints.cli.console import OUT, fail
from sekisho.entrypoints.cli.demo.client import Connection, ServerGone
from sekisho.entrypoints.cli.demo.defences import Refused, put_in_force
from sekisho.entrypoints.cli.demo.screen import Screen
from sekisho.entrypoints.cli.demo.server import DemoServer, NotStarted
from sekisho.entrypoints.cli.demo.story import DEFAULT_S, Story, make_story
from sekisho.entrypoints.cli.demo.stream import Stream
from sekisho.entrypoints.cli.demo.summary import show_next, show_summary
from sekisho.entrypoints.cli.demo.tally import Tally
from sekisho.kit.clock import SystemClock
from sekisho.sandbox import WorldError

HOST: Final = "127.0.0.1"
FRAME_S: Final = 0.4
"""Seconds between two pictures of the screen."""
LINE_S: Final = 2.0
"""Seconds between two lines without a screen."""
SWITCH_S: Final = 0.0005
"""How soon a drawing thread lets an answer be noted, so that drawing does not look like latency."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The demo as asked for."""

    seconds: float | None
    rate: int
    seed: int
    scenario: str | None
    is_live: bool
    stays: bool


@dataclass(frozen=True, slots=True)
class Running:
    """A demo under way."""

    plan: Plan
    console: Console
    server: DemoServer
    story: Story
    stop: Event


def run(plan: Plan, console: Console, server: DemoServer, stop: Event) -> dict[str, Any]:
    """Tell the story to the server and show what comes of it; gives the figures.

    Raises:
        typer.Exit: with status 2, after saying what went wrong.
    """
    try:
        with step(console, "generating the world") as said:
            events = round((plan.seconds or DEFAULT_S) * plan.rate)
            story = make_story(events, plan.seed, plan.scenario, SystemClock().now_us())
            said.append(
                f"world of {story.world.customers:,} customers, {story.world.days} days,"
                f" {story.events:,} events, {len(story.frauds):,} of them fraud"
            )
        return _told(Running(plan, console, server, story, stop))
    except (NotStarted, Refused, ServerGone, WorldError) as error:
        fail(str(error))


def _told(demo: Running) -> dict[str, Any]:
    console, server = demo.console, demo.server
    with step(console, "starting the server; a first start compiles its kernel") as said:
        server.wait_until_ready(demo.stop.is_set)
        said.append(f"server ready at {server.url}, data in {server.data}")
    with Connection(HOST, server.port) as connection:
        with step(console, "publishing lists, counters and rules") as said:
            rules, told = put_in_force(connection)
            said.append(told)
        recorded = int(connection.ask("GET", "/readyz").value()["recorded"])
    tag = f"_{recorded}" if recorded else ""
    tally = Tally(demo.story.frauds, rules, tag)
    stream = Stream(demo.story.tell(tag), demo.plan.rate, tally)
    console.print(f"streaming {demo.plan.rate:,} events a second to {server.url}")
    stream.start(lambda: Connection(HOST, server.port))
    _watch(demo, stream, tally)
    stream.stop()
    stream.finish()
    if stream.broken is not None:
        raise ServerGone(f"{stream.broken}{server.last_words()}")
    world = demo.story.world
    made_of = {"customers": world.customers, "days": world.days, "seed": world.seed}
    result = {"server": server.url, "world": made_of, **tally.told()}
    if console is OUT:
        show_summary(result)
    if demo.plan.stays and not demo.stop.is_set():
        show_next(server.url, tally.explained)
        _wait(demo)
    return result


def _watch(demo: Running, stream: Stream, tally: Tally) -> None:
    """Draw until the story is told, its time is over, or somebody stops it."""
    seconds, total = demo.plan.seconds, demo.story.events
    if seconds is not None:
        total = min(total, round(seconds * demo.plan.rate))

    def is_over() -> bool:
        late = seconds is not None and tally.elapsed_s >= seconds
        return late or demo.stop.is_set() or not stream.is_running

    if not demo.plan.is_live:
        _say_now_and_then(demo, tally, is_over)
        return
    sys.setswitchinterval(SWITCH_S)
    screen = Screen(demo.server.url, total, tally)
    with Live(console=OUT, screen=True, auto_refresh=False) as live:
        while not is_over():
            live.update(screen.render(*OUT.size), refresh=True)
            demo.stop.wait(FRAME_S)


def _say_now_and_then(demo: Running, tally: Tally, is_over: Callable[[], bool]) -> None:
    said_s = 0.0
    while not is_over():
        demo.stop.wait(0.05)
        if tally.elapsed_s - said_s >= LINE_S:
            said_s = tally.elapsed_s
            _say(demo.console, tally)


def _say(console: Console, tally: Tally) -> None:
    with tally.lock:
        truth, sent, decided = tally.truth(), tally.sent, tally.decided
    latency = tally.latency_ms(recent=True)
    console.print(
        f"{tally.elapsed_s:5.0f} s  {sent:,} sent  {decided:,} decided"
        f"  {tally.refused:,} refused  p50 {latency['p50']:.1f} ms  p99 {latency['p99']:.1f} ms"
        f"  fraud {truth['fraud']:,}: {truth['caught']:,} caught"
        f"  false positives {truth['false_positives']:,}"
    )


def _wait(demo: Running) -> None:
    while not demo.stop.wait(0.5):
        if not demo.server.is_running:
            raise ServerGone(f"the server ended by itself{demo.server.last_words()}")


@contextmanager
def step(console: Console, what: str) -> Generator[list[str]]:
    """Say what is being done while it is done, and what came of it."""
    said: list[str] = []
    if console.is_terminal:
        with console.status(f"{what} …"):
            yield said
    else:
        console.print(f"{what} …")
        yield said
    console.print("[green]✓[/] " + " ".join(said).replace("[", "\\["))
