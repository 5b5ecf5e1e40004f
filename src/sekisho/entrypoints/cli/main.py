"""`sekisho`: one command for everything."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sekisho import __version__
from sekisho.collect import IpTableRefused
from sekisho.durable import StoreError
from sekisho.entrypoints.cli import (
    actions,
    backtest,
    demo,
    history,
    importing,
    indicators,
    keeping,
    parity,
    rule_figures,
    rules,
    rules_sql,
    work,
    world,
)
from sekisho.entrypoints.cli.console import BAD_USAGE, OUT, complain
from sekisho.entrypoints.settings import SettingsError, read_settings
from sekisho.history import HistoryDamaged
from sekisho.rules import RulesRefused

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Sekisho, the fraud checkpoint you run yourself.",
)
rules.app.command("sql")(rules_sql.sql_command)
rules.app.command("metrics")(rule_figures.metrics_command)
rules.app.command("summary")(rule_figures.summary_command)
rules.app.command("shadow")(rule_figures.shadow_command)
app.add_typer(rules.app, name="rules")
app.add_typer(actions.app, name="actions")
app.add_typer(history.counters_app, name="counters")
app.add_typer(keeping.lists_app, name="lists")
app.add_typer(keeping.keys_app, name="keys")
app.add_typer(keeping.config_app, name="config")
app.command("backtest")(backtest.backtest_command)
app.command("demo")(demo.demo_command)
app.command("decide")(keeping.decide_command)
app.command("import")(importing.import_command)
app.command("indicators")(indicators.indicators_command)
app.command("replay")(history.replay_command)
app.command("verify-ledger")(keeping.verify_ledger_command)
app.command("verify-parity")(parity.verify_parity_command)
app.command("work")(work.work_command)
app.command("world")(world.world_command)

Data = Annotated[Path | None, typer.Option(help="data directory; default: sekisho-data")]


def _version(asked: bool) -> None:
    if asked:
        OUT.print(f"sekisho {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Sekisho, the fraud checkpoint you run yourself."""


@app.command()
def serve(
    data: Data = None,
    host: Annotated[
        str | None, typer.Option(help="address to listen on; default: 127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="port; 0 takes a free one; default: 8321")
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="developer mode: fixed credentials, loopback only")
    ] = False,
) -> None:
    """Run the server; prints `ready http://…` once it can answer, drains on SIGTERM."""
    from sekisho.entrypoints.serving import serve as run  # noqa: PLC0415 — loads the web server

    run(read_settings(data=data, host=host, port=port, dev=dev or None))


def main() -> None:
    """Run the command; expected failures end with one line and status 2, never with a traceback."""
    try:
        app()
    except (SettingsError, StoreError, HistoryDamaged, IpTableRefused) as error:
        complain(str(error))
        sys.exit(BAD_USAGE)
    except RulesRefused as refused:
        hint = "start the release that published them, or restore a backup of the data directory"
        complain(f"the published rules no longer check: {refused}", hint)
        sys.exit(BAD_USAGE)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(BAD_USAGE)
