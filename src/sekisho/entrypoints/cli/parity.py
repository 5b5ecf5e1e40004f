"""`sekisho verify-parity`: recorded decisions, made once more."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sekisho.entrypoints.cli.console import NO, OUT, emit_json, fail, progress
from sekisho.entrypoints.foundation import database_of, history_of
from sekisho.entrypoints.parity import Parity, verify_parity
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.secret import holdout_key, secret_file
from sekisho.entrypoints.settings import read_settings
from sekisho.history import Archive
from sekisho.kit.clock import to_us
from sekisho.ledger import LogReader

EVER_US = 1 << 62

Data = Annotated[Path | None, typer.Option(help="data directory; default: sekisho-data")]
AsJson = Annotated[bool, typer.Option("--json", help="exact JSON for scripts")]
From = Annotated[str, typer.Option("--from", help="first moment, such as 2026-11-01 (UTC)")]
To = Annotated[str, typer.Option("--to", help="moment before which it ends")]


def verify_parity_command(
    data: Data = None, from_: From = "", to: To = "", as_json: AsJson = False
) -> None:
    """Decide recorded events again, as of their time; compare every value. Status 1 on any other.

    For a data directory at rest: nothing is written, no lock is taken.
    """
    settings = read_settings(data=data)
    wanted = period(from_, to)
    log = LogReader(database_of(settings.data))
    try:
        with progress() as bar:
            task = bar.add_task("replaying", total=log.last_seq)
            found = verify_parity(
                log,
                rates_of(settings),
                wanted,
                lambda done: bar.update(task, completed=done),
                archive=Archive(history_of(settings.data)),
                holdout_key=holdout_key(settings) if secret_file(settings).exists() else b"",
            )
    finally:
        log.close()
    if as_json:
        emit_json({"ok": found.ok, **msgspec.to_builtins(found)})
    else:
        _show(found)
    if not found.ok:
        raise typer.Exit(NO)


def period(from_: str, to: str) -> tuple[int, int]:
    """The microseconds of two moments; all of time where one is left out."""
    return (moment(from_) if from_ else 0, moment(to) if to else EVER_US)


def moment(text: str) -> int:
    """A moment as people write it; without a zone it is UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        fail(f"`{text}` is not a moment", "write 2026-11-01 or 2026-11-01T12:00:00Z")
    return to_us(read if read.tzinfo else read.replace(tzinfo=UTC))


def _show(found: Parity) -> None:
    told = (
        f"{found.verified:,} of {found.decisions:,} decisions reproduced in every value"
        f" ({found.values:,} attributes), {found.outcomes:,} answers to outcomes"
    )
    OUT.print(f"[green]parity holds[/]: {told}" if found.ok else f"[bold red]no parity[/]: {told}")
    for why, count in found.unverifiable.items():
        OUT.print(f"[yellow]unverifiable[/] {count:,}: {why}")
    if found.mismatched:
        OUT.print(f"[red]{found.mismatched:,} differ[/]; the first values:")
    for one in found.mismatches:
        name = one.decision or one.event
        values = f"recorded {_text(one.recorded)}, made now {_text(one.recomputed)}"
        OUT.print(f"  row {one.seq} {name} {one.attribute}: {values}", markup=False)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
