"""`sekisho actions`: look at actions, stop, repeat and undo them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from sekisho.durable import DirectoryTaken, PauseOf, State
from sekisho.entrypoints.cli.action_access import Access, LocalAccess, RemoteAccess
from sekisho.entrypoints.cli.console import OUT, emit_json, fail, table
from sekisho.entrypoints.settings import read_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Actions: what was done because of decisions, and what still is to be.",
)

Data = Annotated[Path | None, typer.Option(help="data directory; default: sekisho-data")]
Url = Annotated[str, typer.Option(envvar="SEKISHO_URL", help="a running server, in its place")]
Key = Annotated[
    str, typer.Option(envvar="SEKISHO_API_KEY", help="API key for the server", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="exact JSON for scripts")]
Id = Annotated[str, typer.Argument(help="act_…, as `actions list` shows it")]
Kind = Annotated[str, typer.Option(help="a kind of action, such as webhook.send")]
Destination = Annotated[str, typer.Option(help="a receiver, such as a host")]
STATES = ", ".join(state.name.lower() for state in State)


@app.command("list")
def list_command(
    state: Annotated[str, typer.Option(help=f"one of {STATES}")] = "",
    kind: Kind = "",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    data: Data = None,
    url: Url = "",
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Show the newest actions."""
    if state and state.upper() not in State.__members__:
        fail(f"no such state: {state}", f"there are {STATES}")
    with _reach(data, url, key) as access:
        found = access.newest(state, kind, limit)["data"]
    if as_json:
        emit_json(found)
        return
    shown = table("id", "kind", "state", "attempts", "accepted", "error", by_id=True)
    for one in found:
        tries = f"{one['attempts']} of {one['attempts_max']}"
        error = one["error"] or one["waits_for"] or ""
        shown.add_row(one["id"], one["kind"], one["state"], tries, one["accepted_at"], error)
    OUT.print(shown)


@app.command("show")
def show_command(
    action_id: Id, data: Data = None, url: Url = "", key: Key = "", as_json: AsJson = False
) -> None:
    """Show an action and all that happened to it."""
    with _reach(data, url, key) as access:
        found = access.show(action_id)
    if as_json:
        emit_json(found)
        return
    for name, value in found.items():
        if name not in ("object", "history") and value is not None:
            OUT.print(f"{name:16} {value}", markup=False)
    shown = table("attempt", "at", "what", "by", "detail")
    for line in found["history"]:
        cells = (line[name] for name in ("attempt", "at", "what", "by", "detail"))
        shown.add_row(*("" if cell is None else str(cell) for cell in cells))
    OUT.print(shown)


@app.command("cancel")
def cancel_command(action_id: Id, data: Data = None, url: Url = "", key: Key = "") -> None:
    """Never start an action that waits."""
    _do("cancel", action_id, data, url, key)


@app.command("replay")
def replay_command(action_id: Id, data: Data = None, url: Url = "", key: Key = "") -> None:
    """Try a dead or cancelled action anew, under the same id."""
    _do("replay", action_id, data, url, key)


@app.command("undo")
def undo_command(action_id: Id, data: Data = None, url: Url = "", key: Key = "") -> None:
    """Take a done action back: asks for the inverse action, once."""
    _do("undo", action_id, data, url, key)


@app.command("settle")
def settle_command(
    action_id: Id,
    verdict: Annotated[str, typer.Argument(help="done, again or dead")],
    data: Data = None,
    url: Url = "",
    key: Key = "",
) -> None:
    """Say how an attempt of unknown outcome ended."""
    if verdict not in ("done", "again", "dead"):
        fail(f"no such verdict: {verdict}", "there are done, again and dead")
    _do("settle", action_id, data, url, key, verdict)


@app.command("pause")
def pause_command(
    kind: Kind = "",
    destination: Destination = "",
    data: Data = None,
    url: Url = "",
    key: Key = "",
) -> None:
    """Let the actions of a kind, or to a destination, wait; with neither, show what is paused."""
    with _reach(data, url, key) as access:
        if kind or destination:
            of, name = _whose(kind, destination)
            access.pause(of, name, goes_on=False)
            OUT.print(f"{of} {name} is paused", markup=False)
            return
        shown = table("paused", "name", "since", "by")
        for one in access.pauses()["data"]:
            shown.add_row(one["of"], one["name"], one["since"], one["by"])
    OUT.print(shown)


@app.command("resume")
def resume_command(
    kind: Kind = "",
    destination: Destination = "",
    data: Data = None,
    url: Url = "",
    key: Key = "",
) -> None:
    """Let them go on."""
    of, name = _whose(kind, destination)
    with _reach(data, url, key) as access:
        access.pause(of, name, goes_on=True)
    OUT.print(f"{of} {name} goes on", markup=False)


def _whose(kind: str, destination: str) -> tuple[PauseOf, str]:
    if bool(kind) == bool(destination):
        fail("give --kind or --destination")
    return ("kind", kind) if kind else ("destination", destination)


def _do(
    verb: str, action_id: str, data: Path | None, url: str, key: str, verdict: str = ""
) -> None:
    with _reach(data, url, key) as access:
        told: dict[str, Any] = access.do(verb, action_id, verdict)
    OUT.print(f"{told['id']} {told['kind']} {told['state']}", markup=False)


@contextmanager
def _reach(data: Path | None, url: str, key: str) -> Generator[Access]:
    if url:
        yield RemoteAccess(url, key)
        return
    from sekisho.entrypoints.wiring import open_node  # noqa: PLC0415 — brings the web framework along

    try:
        node = open_node(read_settings(data=data))
    except DirectoryTaken as error:
        fail(str(error), "a server that runs is reached with --url and --key")
    try:
        yield LocalAccess(node)
    finally:
        node.close()
