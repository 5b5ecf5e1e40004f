"""`sekisho world`: a simulated world as files."""

from pathlib import Path
from typing import Annotated

import typer

from sekisho.entrypoints.cli.console import OUT, emit_json, fail, progress
from sekisho.sandbox import SCENARIOS, World, WorldError


def world_command(
    out: Annotated[Path, typer.Option(help="directory to write to")],
    customers: Annotated[int, typer.Option(min=1, help="people in the world")] = 1_000,
    days: Annotated[int, typer.Option(min=1, help="days it lasts")] = 30,
    seed: Annotated[int, typer.Option(help="the same seed gives the same bytes")] = 1,
    scenario: Annotated[
        str | None, typer.Option(help=f"one of {', '.join(sorted(SCENARIOS))}")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="exact JSON for scripts")] = False,
) -> None:
    """Generate people, cards and attackers: events by stream, outcomes, and the truth apart."""
    try:
        world = World(customers, days, seed, scenario)
    except WorldError as error:
        fail(str(error))
    with progress() as bar:
        task = bar.add_task("generating", total=None)
        written = world.write(
            out, lambda done, total: bar.update(task, completed=done, total=total)
        )
    if as_json:
        emit_json({"out": str(out), "files": [path.name for path in written]})
        return
    for path in written:
        OUT.print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
