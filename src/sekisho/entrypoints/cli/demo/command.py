"""`sekisho demo`, step by step: a world, a server, rules, a stream, and what came of it."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live

from sekisho.entrypoints.cli.console import ERR, NO, OUT, emit_json, fail
from sekisho.entrypoints.cli.demo.client import Connection, ServerGone
from sekisho.entrypoints.cli.demo.defences import Refused, put_in_force
from sekisho.entrypoints.cli.demo.screen import Screen
from sekisho.entrypoints.cli.demo.server import DemoServer, NotStarted, on_signal
from sekisho.entrypoints.cli.demo.story import DEFAULT_S, Story, make_story
from sekisho.entrypoints.cli.demo.stream import Stream
from sekisho.entrypoints.cli.demo.summary import show_next, show_summary
from sekisho.entrypoints.cli.demo.tally import Tally
from sekisho.kit.clock import SystemClock
from sekisho.sandbox import SCENARIOS, WorldError

HOST: Final = "127.0.0.1"
FRAME_S: Final = 0.25
"""Seconds between two pictures of the screen."""
LINE_S: Final = 2.0
"""Seconds between two lines without a screen."""
SWITCH_S: Final = 0.0005
"""How soon a drawing thread lets an answer be noted, so that drawing does not look like latency."""
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Plan:
    """The demo as asked for."""

    seconds: float | None
    rate: int
    story: Story
    is_live: bool
    stays: bool
    console: Console


def demo_command(
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="stop the stream after so many seconds")
    ] = None,
    rate: Annotated[int, typer.Option(min=1, max=5_000, help="events a second")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="which world; the same seed, the same one")] = 1,
    headless: Annotated[
        bool, typer.Option("--headless", help="plain lines instead of a screen; for scripts")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="keep everything in this data directory")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help=f"an attack to add: {', '.join(SCENARIOS)}, or {NONE}")
    ] = SCENARIOS[0],
    as_json: Annotated[bool, typer.Option("--json", help="exact JSON at the end")] = False,
) -> None:
    """Watch Sekisho decide: a simulated world streams into a real server on this machine.

    The server keeps running, with its API and documentation, until Ctrl-C. It ends by itself with
    --json, and without a terminal or with --headless once --seconds are over.
    """
    stop = Event()
    on_signal(stop.set)
    is_live = not headless and not as_json and OUT.is_terminal
    console = ERR if as_json else OUT
    with step(console, "generating the world") as said:
        story = _story(round((seconds or DEFAULT_S) * rate), seed, scenario)
        said.append(
            f"{story.world.customers:,} customers, {story.world.days} days,"
            f" {story.events:,} events, {len(story.frauds):,} of them fraud"
        )
    stays = not as_json and (is_live or seconds is None)
    plan = Plan(seconds, rate, story, is_live, stays, console)
    with ExitStack() as cleanup:
        place = data or Path(cleanup.enter_context(TemporaryDirectory(prefix="sekisho-demo-")))
        place.mkdir(parents=True, exist_ok=True)
        server = cleanup.enter_context(DemoServer(place, port, rate))
        try:
            result = _run(plan, server, stop)
        except (NotStarted, ServerGone, Refused) as error:
            fail(str(error))
        console.print("[dim]stopping the server …[/]")
    if as_json:
        emit_json(result)
    if not result["decided"]:
        raise typer.Exit(NO)


def _story(events: int, seed: int, scenario: str) -> Story:
    try:
        chosen = None if scenario == NONE else scenario
        return make_story(events, seed, chosen, SystemClock().now_us())
    except WorldError as error:
        fail(str(error))


def _run(plan: Plan, server: DemoServer, stop: Event) -> dict[str, Any]:
    console = plan.console
    with step(console, "starting the server") as said:
        server.wait_until_ready(stop.is_set)
        said.append(server.url)
    with Connection(HOST, server.port) as connection:
        with step(console, "publishing lists, counters and rules") as said:
            rules, told = put_in_force(connection)
            said.append(told)
        recorded = int(connection.ask("GET", "/readyz").value()["recorded"])
    tag = f"_{recorded}" if recorded else ""
    tally = Tally(plan.story.frauds, rules, tag)
    stream = Stream(plan.story.tell(tag), plan.rate, tally)
    console.print(f"streaming {plan.rate:,} events a second to {server.url}/v1/decisions")
    stream.start(lambda: Connection(HOST, server.port))
    _watch(plan, server, stream, tally, stop)
    stream.stop()
    stream.finish()
    if stream.broken is not None:
        raise ServerGone(f"{stream.broken}{server.last_words()}")
    result = {"server": server.url, **tally.told()}
    if plan.console is OUT:
        show_summary(result)
    if plan.stays and not stop.is_set():
        show_next(server.url, tally.explained)
        _wait(server, stop)
    return result


def _watch(plan: Plan, server: DemoServer, stream: Stream, tally: Tally, stop: Event) -> None:
    """Draw until the story is told, its time is over, or somebody stops it."""
    planned = round(plan.seconds * plan.rate) if plan.seconds else plan.story.events
    screen = Screen(server.url, plan.rate, min(planned, plan.story.events), tally)

    def is_over() -> bool:
        late = plan.seconds is not None and tally.elapsed_s >= plan.seconds
        return late or stop.is_set() or not stream.is_running

    if not plan.is_live:
        said_s = 0.0
        while not is_over():
            stop.wait(0.05)
            if tally.elapsed_s - said_s >= LINE_S:
                said_s = tally.elapsed_s
                _say(plan.console, tally)
        return
    sys.setswitchinterval(SWITCH_S)
    with Live(console=OUT, screen=True, auto_refresh=False) as live:
        while not is_over():
            live.update(screen.render(*OUT.size), refresh=True)
            stop.wait(FRAME_S)


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


def _wait(server: DemoServer, stop: Event) -> None:
    while not stop.wait(0.5):
        if not server.is_running:
            raise ServerGone(f"the server ended by itself{server.last_words()}")


@contextmanager
def step(console: Console, what: str) -> Iterator[list[str]]:
    """Say what is being done while it is done, and what came of it."""
    said: list[str] = []
    if console.is_terminal:
        with console.status(f"{what} …"):
            yield said
    else:
        console.print(f"{what} …")
        yield said
    console.print(f"[green]✓[/] {what}: " + " ".join(said).replace("[", "\\["))
