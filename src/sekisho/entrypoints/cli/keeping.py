"""Commands on a data directory: decide, lists, keys, verify-ledger, config."""

import asyncio
import sys
from dataclasses import fields
from pathlib import Path
from typing import Annotated

import typer

from sekisho.entrypoints import control
from sekisho.entrypoints.cli.console import BAD_USAGE, NO, OUT, emit_json, fail, progress, table
from sekisho.entrypoints.foundation import database_of
from sekisho.entrypoints.imports import check_imports
from sekisho.entrypoints.keys import SCOPES, ApiKey, digest_of, new_secret
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import as_refusal
from sekisho.entrypoints.secret import secret_file, signing_key
from sekisho.entrypoints.settings import PREFIX, Settings, read_settings
from sekisho.kit.clock import MICROSECONDS, iso
from sekisho.ledger import read_checkpoints, verify
from sekisho.ledger.checkpoints import FILE_NAME as CHECKPOINTS
from sekisho.rules import ListRefused, found_list
from sekisho.rules.sqlite import Page, count_items, list_items, list_lists

lists_app = typer.Typer(no_args_is_help=True, help="Lists that rules look into.")
keys_app = typer.Typer(no_args_is_help=True, help="API keys.")
config_app = typer.Typer(no_args_is_help=True, help="Settings in force.")

Data = Annotated[Path | None, typer.Option(help="data directory; default: sekisho-data")]
AsJson = Annotated[bool, typer.Option("--json", help="exact JSON for scripts")]
HOUR_US = 3_600 * MICROSECONDS


def decide_command(
    file: Annotated[
        Path | None, typer.Argument(help="an event as JSON; standard input when left out")
    ] = None,
    data: Data = None,
) -> None:
    """Decide one event on a data directory that no server has open; prints the decision."""
    body = file.read_bytes() if file else sys.stdin.buffer.read()
    node = _open(data)
    try:
        reply = node.decide(body)
    except Exception as error:
        refusal = as_refusal(error)
        sys.stdout.write(refusal.body().decode() + "\n")
        raise typer.Exit(BAD_USAGE) from error
    finally:
        node.close()
    sys.stdout.write(reply.body.decode() + "\n")


def verify_ledger_command(
    data: Data = None,
    without_signatures: Annotated[
        bool, typer.Option("--without-signatures", help="the chain alone: needs no secret")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the log's chain of hashes, its signatures and its imports. Status 1 when broken."""
    settings = read_settings(data=data)
    path = database_of(settings.data)
    if not path.exists():
        fail(f"there is no log at {path}", "name the data directory with --data")
    key = b"" if without_signatures else _key_for(settings)
    with progress() as bar:
        task = bar.add_task("verifying", total=None)
        report = verify(
            path, lambda done, total: bar.update(task, completed=done, total=total), key
        )
    damage = check_imports(settings.data) if report.ok else ""
    told = {
        "ok": report.ok and not damage,
        "rows": report.rows,
        "signed_rows": report.signed_rows,
        "head": report.head_hash.hex(),
        "first_bad": report.first_bad_seq,
        "reason": report.reason or damage,
    }
    if as_json:
        emit_json(told)
    elif damage:
        OUT.print(f"[bold red]the imported history is not what was recorded[/]: {damage}")
    elif report.ok:
        signed = report.signed_rows
        told_of = "signatures not checked" if signed is None else f"signed up to row {signed:,}"
        OUT.print(
            f"[green]the chain holds[/]: {report.rows:,} rows, {told_of},"
            f" head {report.head_hash.hex()[:16]}…"
        )
    else:
        OUT.print(
            f"[bold red]the chain is broken[/] at row {report.first_bad_seq}: {report.reason}"
        )
    if not told["ok"]:
        raise typer.Exit(NO)


def _key_for(settings: Settings) -> bytes:
    """The key to check signatures with; none where nothing was ever signed."""
    file = secret_file(settings)
    if file.exists():
        return signing_key(settings)
    heads = read_checkpoints(database_of(settings.data).with_name(CHECKPOINTS))
    if any(head.signature for head in heads):
        fail(
            f"the chain is signed, but there is no secret at {file}",
            f"name it with {PREFIX}SECRET_FILE, or check without it: --without-signatures",
        )
    return b""


# ── lists ─────────────────────────────────────────────────────────────────────────────────────


@lists_app.command("show")
def show_lists(
    alias: Annotated[str, typer.Argument(help="one list with its items")] = "",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show every list, or the items of one."""
    node = _open(data)
    try:
        _show_items(node, alias, as_json=as_json) if alias else _show_lists(node, as_json=as_json)
    except ListRefused as refused:
        fail(str(refused))
    finally:
        node.close()


@lists_app.command("create")
def create_list(
    alias: Annotated[str, typer.Argument(help="a short name, without the @")],
    item_type: Annotated[str, typer.Option("--type", help="item type")] = "string",
    name: Annotated[str, typer.Option(help="for people; default: the alias")] = "",
    data: Data = None,
) -> None:
    """Make a list, used in rules as @alias."""
    node = _open(data)
    try:
        row = node.change(node.desk.create(alias, name or alias, item_type, {}, "command line"))
        OUT.print(f"{row.id} @{row.alias} ({row.item_type})")
    except ListRefused as refused:
        fail(str(refused))
    finally:
        node.close()


@lists_app.command("add")
def add_items(
    alias: Annotated[str, typer.Argument(help="the list's short name, or its id")],
    values: Annotated[list[str] | None, typer.Argument(help="values; none to use --file")] = None,
    file: Annotated[Path | None, typer.Option(help="one value a line")] = None,
    expires_in_hours: Annotated[
        float | None, typer.Option(min=0.001, help="drop them after so long")
    ] = None,
    data: Data = None,
) -> None:
    """Put values into a list."""
    given = list(values or [])
    if file is not None:
        given += _lines(file)
    if not given:
        fail("there is nothing to add", "give values, or --file with one a line")
    node = _open(data)
    until = round(node.clock.now_us() + expires_in_hours * HOUR_US) if expires_in_hours else 0
    try:
        items = [(value, until) for value in given]
        row, added = asyncio.run(node.filler.fill(alias, items, "command line"))
        OUT.print(f"@{row.alias}: {added:,} added, {len(given) - added:,} were there already")
    except ListRefused as refused:
        fail(str(refused))
    finally:
        node.close()


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        fail(f"{file} cannot be read: it is not UTF-8 text")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _show_lists(node: Node, *, as_json: bool) -> None:
    connection, now_us = node.store.read(), node.clock.now_us()
    rows, _ = list_lists(connection, Page(limit=100_000))
    told = [
        {"alias": r.alias, "item_type": r.item_type, "items": count_items(connection, r.id, now_us)}
        for r in rows
    ]
    if as_json:
        emit_json(told)
        return
    shown = table("alias", "item type", "items")
    for one in told:
        shown.add_row(f"@{one['alias']}", str(one["item_type"]), f"{one['items']:,}")
    OUT.print(shown)


def _show_items(node: Node, alias: str, *, as_json: bool) -> None:
    connection = node.store.read()
    row = found_list(connection, alias)
    rows, more = list_items(connection, row.id, Page(limit=10_000), node.clock.now_us())
    if as_json:
        emit_json([one.value for one in rows])
        return
    for one in rows:
        until = f"  until {iso(one.expires_us)}" if one.expires_us else ""
        OUT.print(f"{one.value}{until}", markup=False)
    if more:
        OUT.print("… and more: the API pages through all of them")


# ── keys ──────────────────────────────────────────────────────────────────────────────────────


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="whose key it is, such as shop")],
    scopes: Annotated[
        list[str], typer.Option("--scope", help=f"may be given often: {', '.join(SCOPES)}")
    ] = ["decide", "read"],  # noqa: B006 — typer copies it
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown this once, and only its hash is kept."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        fail(f"no such scope: {unknown[0]}", f"there are {', '.join(SCOPES)}")
    node = _open(data)
    try:
        secret = new_secret(live=True)
        key = ApiKey(
            node.ids.new("key"),
            name,
            digest_of(secret),
            f"{secret[:8]}…{secret[-4:]}",
            frozenset(scopes),
            node.clock.now_us(),
        )
        node.store.write(lambda connection: control.insert_key(connection, key)).result()
    finally:
        node.close()
    if as_json:
        emit_json({"id": key.id, "key": secret, "scopes": sorted(key.scopes)})
    else:
        OUT.print(f"{key.id}  {secret}\nkeep it now: it is not shown again", markup=False)


@keys_app.command("list")
def list_keys(data: Data = None, as_json: AsJson = False) -> None:
    """Show every key, without its secret."""
    node = _open(data)
    keys = control.all_keys(node.store.read())
    node.close()
    told = [
        {
            "id": key.id,
            "name": key.name,
            "hint": key.hint,
            "scopes": " ".join(sorted(key.scopes)),
            "revoked": bool(key.revoked_us),
        }
        for key in keys
    ]
    if as_json:
        emit_json(told)
        return
    shown = table("id", "name", "key", "scopes", "state")
    for one in told:
        state = "revoked" if one["revoked"] else "in force"
        shown.add_row(*(str(one[name]) for name in ("id", "name", "hint", "scopes")), state)
    OUT.print(shown)


@keys_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="key_…, as `keys list` shows it")], data: Data = None
) -> None:
    """Shut a key out. A running server has its own way: DELETE /v1/keys/{id}."""
    node = _open(data)
    now_us = node.clock.now_us()
    try:
        done = node.store.write(lambda c: control.revoke_key(c, key_id, now_us)).result()
    finally:
        node.close()
    if not done:
        fail(f"no key in force: {key_id}")
    OUT.print(f"{key_id} is revoked")


# ── settings ──────────────────────────────────────────────────────────────────────────────────


@config_app.command("show")
def show_config(as_json: AsJson = False) -> None:
    """Show every setting, its variable and its value."""
    settings = read_settings()
    told = {f"{PREFIX}{one.name.upper()}": getattr(settings, one.name) for one in fields(Settings)}
    if as_json:
        emit_json({name: str(v) if isinstance(v, Path) else v for name, v in told.items()})
        return
    shown = table("variable", "value")
    for name, value in told.items():
        shown.add_row(name, str(value))
    OUT.print(shown)


def _open(data: Path | None) -> Node:
    from sekisho.entrypoints.wiring import open_node  # noqa: PLC0415 — brings the web framework along

    return open_node(read_settings(data=data))
