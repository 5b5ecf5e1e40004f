"""`sekisho demo`: what may be asked for, and what is said before anything slow is loaded."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Annotated

import typer

from sekisho.entrypoints.cli.console import ERR, NO, OUT, emit_json
from sekisho.entrypoints.cli.demo.server import DemoServer, on_signal

NONE = "none"


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
        str, typer.Option(help=f"an attack to add to the usual ones, or {NONE}")
    ] = "mallory",
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
    with ExitStack() as cleanup:
        place = data or Path(cleanup.enter_context(TemporaryDirectory(prefix="sekisho-demo-")))
        place.mkdir(parents=True, exist_ok=True)
        console.print("starting a real server, in developer mode")
        server = cleanup.enter_context(DemoServer(place, port, rate))
        # loaded while the server starts
        from sekisho.entrypoints.cli.demo.running import Plan, run  # noqa: PLC0415 — see above

        stays = not as_json and (is_live or seconds is None)
        plan = Plan(seconds, rate, seed, None if scenario == NONE else scenario, is_live, stays)
        result = run(plan, console, server, stop)
        console.print("stopping the server")
    if as_json:
        emit_json(result)
    if not result["decided"]:
        raise typer.Exit(NO)
