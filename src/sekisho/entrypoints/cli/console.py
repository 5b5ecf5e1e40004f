"""What the terminal shows: people get colours and tables, scripts get JSON."""

import sys
from typing import Any, NoReturn

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)

NO = 1
"""The answer is "no": a rule is wrong, a chain is broken."""
BAD_USAGE = 2
"""The command cannot be carried out as given."""


def emit_json(value: Any) -> None:
    """Exact JSON on standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def fail(message: str, hint: str = "") -> NoReturn:
    """Say what is wrong and what to do, and leave with status 2."""
    complain(message, hint)
    raise typer.Exit(BAD_USAGE)


def complain(message: str, hint: str = "") -> None:
    """Say what is wrong and what to do."""
    ERR.print(f"[bold red]error:[/] {_escaped(message)}")
    if hint:
        ERR.print(f"[dim]hint:[/] {_escaped(hint)}")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def progress() -> Progress:
    """A progress bar on standard error, with rate and remaining time."""
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    )


def table(*columns: str, by_id: bool = False) -> Table:
    """A plain table: the first column to the left, figures to the right.

    Args:
        columns: their headings.
        by_id: the first column holds ids, which people copy: the others give way to it.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        is_id = by_id and not index
        made.add_column(name, justify="right" if index else "left", no_wrap=is_id)
    return made
