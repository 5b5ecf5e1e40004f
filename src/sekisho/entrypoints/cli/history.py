"""`sekisho replay` and `sekisho counters compute`: history from files."""

from collections import Counter as Tally
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer
from rich.table import Table

from sekisho.entrypoints.cli.console import OUT, emit_json, fail, progress, table
from sekisho.entrypoints.cli.rules import ListsFile, live_of, read_counters, read_lists, read_rules
from sekisho.entrypoints.declared import counter_attribute
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.settings import read_settings
from sekisho.events import (
    CURRENCIES,
    History,
    MapError,
    ReceiveContext,
    default_catalogue,
    history_from_frame,
    load_map,
)
from sekisho.flow import Live, Replayed, replay
from sekisho.language import Catalogue, Type
from sekisho.velocity import (
    Counters,
    CounterSpec,
    compute_counters,
    family_spec,
)

counters_app = typer.Typer(no_args_is_help=True, help="Counters over history.")

Data = Annotated[Path, typer.Argument(help="Parquet, CSV or JSON lines")]
MapFile = Annotated[Path, typer.Option("--map", help="how columns become event fields (TOML)")]
AsJson = Annotated[bool, typer.Option("--json", help="exact JSON for scripts")]

_DTYPES: dict[Type, type[pl.DataType]] = {
    Type.NUMERIC: pl.Float64,
    Type.BOUNDED: pl.Float64,
    Type.BOOLEAN: pl.Boolean,
}


def replay_command(
    data: Data,
    map_file: MapFile,
    rules: Annotated[Path, typer.Option(help="rules to decide with")],
    lists: ListsFile = None,
    counters: Annotated[
        Path | None, typer.Option(help="declared counters that the rules read (TOML)")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="write one row an event (Parquet): outcome, rule, attributes"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run history through the checkpoint: outcomes, hits, caught, missed, false positives."""
    specs = read_counters(counters) if counters else ()
    catalogue = default_catalogue().extended(counter_attribute(spec) for spec in specs)
    book = read_lists(lists)
    live = live_of(read_rules(rules), catalogue, book)
    history = read_history(data, map_file, context_for(catalogue, live.reported, specs))
    needed = counters_for(live, specs)
    summary = Summary(live)
    written = Written(live) if out is not None else None
    running = replay(history.records, live, Counters(needed, catalogue, 0), book.values)
    with progress() as bar:
        for replayed in bar.track(running, total=history.records.height, description="replaying"):
            summary.add(replayed)
            if written is not None:
                written.add(replayed)
    if written is not None and out is not None:
        written.frame().write_parquet(out)
    result = summary.told(history)
    if as_json:
        emit_json(result)
    else:
        show_replay(result)


@counters_app.command("compute")
def compute(
    data: Data,
    map_file: MapFile,
    counters: Annotated[Path, typer.Option(help="declarations (TOML)")],
    out: Annotated[Path, typer.Option(help="where to write the values (Parquet)")],
    as_json: AsJson = False,
) -> None:
    """Compute declared counters over history, as of each event.

    Where a counter includes the current event, events of one instant see each other.
    """
    specs = read_counters(counters)
    catalogue = default_catalogue()
    history = read_history(data, map_file, context_for(catalogue, (), specs))
    with OUT.status("computing") if not as_json else progress():
        # A file says nothing of the order within one instant: its events see each other.
        values = compute_counters(history.records, specs, catalogue, whole_instants=True)
    values.write_parquet(out)
    result = {
        "events": values.height,
        "rejected": history.rejected["row"].n_unique(),
        "counters": [spec.name for spec in specs],
        "out": str(out),
    }
    if as_json:
        emit_json(result)
    else:
        OUT.print(f"{values.height:,} events, {len(specs)} counters → {out}")


def read_history(data: Path, map_file: Path, context: ReceiveContext) -> History:
    """The records of a file of history, each event once, in the order of their times."""
    try:
        history = history_from_frame(read_frame(data), load_map(map_file), context)
    except MapError as error:
        fail(str(error))
    except FileNotFoundError as error:
        fail(f"there is no file {error.filename or error}")
    once = history.records.unique("event", keep="first", maintain_order=True)
    return replace(history, records=once.sort("at_us", maintain_order=True))


def read_frame(data: Path) -> pl.DataFrame:
    """A table from Parquet, CSV or JSON lines."""
    if not data.exists():
        fail(f"there is no file {data}")
    try:
        match data.suffix:
            case ".parquet":
                return pl.read_parquet(data)
            case ".csv":
                return pl.read_csv(data, try_parse_dates=True, infer_schema_length=10_000)
            case ".jsonl" | ".ndjson":
                return pl.read_ndjson(data)
            case _:
                fail(f"{data}: not a kind of file that can be read", "use .parquet, .csv or .jsonl")
    except (pl.exceptions.PolarsError, OSError) as error:
        fail(f"{data} cannot be read: {error}")


def counters_for(live: Live, specs: tuple[CounterSpec, ...]) -> list[CounterSpec]:
    """Declared counters and the families that rules and score read."""
    named = {spec.name: spec for spec in specs}
    for name in live.reported:
        family = family_spec(name)
        if family is not None:
            named.setdefault(name, family)
    return list(named.values())


def context_for(
    catalogue: Catalogue, reported: tuple[str, ...], specs: tuple[CounterSpec, ...]
) -> ReceiveContext:
    """What the door needs to know to make the records that these read."""
    text = " ".join([*reported, *(repr(spec) for spec in specs)])
    if "_usd_amount_" in text:
        text += " amount_in_usd"
    wanted = [one for one in CURRENCIES if f"amount_in_{one}" in text]
    return ReceiveContext(catalogue, rates_of(read_settings()), wanted)


class Written:
    """What a replay writes: event, outcome, rule, and every attribute used, column by column."""

    def __init__(self, live: Live) -> None:
        self._schema: dict[str, type[pl.DataType]] = {
            "event": pl.String,
            "outcome": pl.String,
            "rule": pl.String,
        }
        for name in live.reported:
            spec = live.catalogue.get(name)
            self._schema[name] = _DTYPES.get(spec.type, pl.String) if spec else pl.String
        self._names = live.reported
        self._columns: list[list[Any]] = [[] for _ in self._schema]

    def add(self, one: Replayed) -> None:
        """Take one event in."""
        credited = one.assessment.decision.credited
        record = one.record
        row = [
            one.event,
            one.assessment.decision.outcome.value,
            credited.rule.id if credited else None,
        ]
        row += [record.get(name) for name in self._names]
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)

    def frame(self) -> pl.DataFrame:
        """Everything taken in."""
        named = zip(self._schema.items(), self._columns, strict=True)
        return pl.DataFrame(
            [pl.Series(name, values, dtype, strict=False) for (name, dtype), values in named]
        )


class Summary:
    """Counts what a replay shows."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._events = 0
        self._outcomes: Tally[str] = Tally()
        self._hits: Tally[tuple[str, str]] = Tally()
        self._labels: Tally[tuple[str, str]] = Tally()

    def add(self, one: Replayed) -> None:
        """Take one event in."""
        outcome = one.assessment.decision.outcome.value
        truth = one.label or ""
        self._events += 1
        self._outcomes[outcome] += 1
        for hit in one.assessment.decision.hits:
            self._hits[hit.rule.id, truth] += 1
        if truth:
            self._labels[truth, "allowed" if outcome == "allow" else "stopped"] += 1

    def told(self, history: History) -> dict[str, Any]:
        """The result as JSON values."""
        labels = self._labels
        result: dict[str, Any] = {
            "events": self._events,
            "rejected": history.rejected["row"].n_unique(),
            "outcomes": dict(self._outcomes.most_common()),
            "rules": [
                {
                    "id": rule.id,
                    "rule": rule.rule.text,
                    "hits": sum(
                        self._hits[rule.id, truth] for truth in ("", "fraud", "legitimate")
                    ),
                    "fraud": self._hits[rule.id, "fraud"],
                    "legitimate": self._hits[rule.id, "legitimate"],
                }
                for rule in self._live.ruleset.rules
            ],
        }
        if labels:
            result["labels"] = {
                "fraud": labels["fraud", "allowed"] + labels["fraud", "stopped"],
                "legitimate": labels["legitimate", "allowed"] + labels["legitimate", "stopped"],
                "caught": labels["fraud", "stopped"],
                "missed": labels["fraud", "allowed"],
                "false_positives": labels["legitimate", "stopped"],
            }
        return result


def show_replay(result: dict[str, Any]) -> None:
    """The result for people."""
    OUT.print(f"[bold]{result['events']:,} events[/], {result['rejected']:,} rejected\n")
    outcomes = table("outcome", "events", "share")
    for outcome, count in result["outcomes"].items():
        outcomes.add_row(outcome, f"{count:,}", f"{count / result['events']:.2%}")
    OUT.print(outcomes)
    labels = result.get("labels")
    OUT.print(_rules_table(result["rules"], labelled=bool(labels)))
    if labels:
        shown = table("with labels", "events")
        for name in ("fraud", "caught", "missed", "legitimate", "false_positives"):
            shown.add_row(name.replace("_", " "), f"{labels[name]:,}")
        OUT.print(shown)


def _rules_table(rules: list[dict[str, Any]], *, labelled: bool) -> Table:
    shown = table("rule", "hits", *(("fraud", "legitimate", "precision") if labelled else ()))
    for rule in rules:
        row = [rule["rule"].replace("[", "\\["), f"{rule['hits']:,}"]
        if labelled:
            known = rule["fraud"] + rule["legitimate"]
            precision = f"{rule['fraud'] / known:.1%}" if known else ""
            row += [f"{rule['fraud']:,}", f"{rule['legitimate']:,}", precision]
        shown.add_row(*row)
    return shown
