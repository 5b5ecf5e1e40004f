"""`sekisho rules`: check, format, explain and test rules in files."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sekisho.entrypoints.cli.console import ERR, NO, OUT, emit_json, fail
from sekisho.entrypoints.declared import counter_attribute
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.refusals import as_dicts
from sekisho.entrypoints.settings import read_settings
from sekisho.events import EventRefused, ReceiveContext, Record, default_catalogue, receive
from sekisho.flow import Live, assess
from sekisho.kit.clock import SystemClock
from sekisho.language import (
    Catalogue,
    Checked,
    check_rule,
    explain,
    fold,
    format_rule,
    lint_set,
    render,
    render_explanation,
    split_rules,
)
from sekisho.rules import (
    DEFAULT_LISTS,
    ITEM_TYPES,
    DraftRule,
    ListBook,
    RulesRefused,
    assemble,
    build_ruleset,
    draft_rules,
)
from sekisho.scoring import Scorecard
from sekisho.velocity import CounterRefused, CounterSpec, parse_counters

app = typer.Typer(no_args_is_help=True, help="Check, format, explain and test rules in files.")

RulesFile = Annotated[Path, typer.Argument(help="rules, with a blank line between them, or .jsonl")]
ListsFile = Annotated[
    Path | None,
    typer.Option(
        "--lists",
        help='lists that exist: {"alias": "item_type"} or {"alias": {"item_type", "items"}}',
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="exact JSON for scripts")]
CountersFile = Annotated[
    Path | None, typer.Option("--counters", help="declared counters that rules read (TOML)")
]


@app.command()
def check(
    file: RulesFile,
    lists: ListsFile = None,
    counters: CountersFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is wrong with each rule, where, and how to mend it. Status 1 on any error."""
    texts = read_rules(file)
    catalogue = catalogue_with(counters)
    book = read_lists(lists)
    checked = [check_rule(text, catalogue, book.types if lists else None) for text in texts]
    if as_json:
        emit_json([told(text, one) for text, one in zip(texts, checked, strict=True)])
    else:
        _show(texts, checked)
    if any(one.errors for one in checked):
        raise typer.Exit(NO)


@app.command("format")
def format_(
    file: RulesFile,
    write: Annotated[bool, typer.Option("--write", help="change the file in place")] = False,
    only_check: Annotated[
        bool, typer.Option("--check", help="status 1 when the file is not formatted")
    ] = False,
) -> None:
    """Rewrite rules in the one canonical form."""
    texts = read_rules(file)
    checked = [check_rule(text, default_catalogue(), None) for text in texts]
    if any(one.errors for one in checked):
        _show(texts, checked)
        raise typer.Exit(NO)
    formatted = "\n\n".join(format_rule(one.rule) for one in checked if one.rule) + "\n"
    if only_check:
        raise typer.Exit(0 if file.read_text() == formatted else NO)
    if write:
        file.write_text(formatted)
        return
    sys.stdout.write(formatted)


@app.command("explain")
def explain_(
    file: RulesFile,
    event: Annotated[Path, typer.Option(help="the event as JSON")],
    lists: ListsFile = None,
    counters: CountersFile = None,
    attributes: Annotated[
        Path | None, typer.Option(help="counters and other values as JSON, by attribute")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show for each rule which part is true, false or unknown for an event, with the values."""
    catalogue, book = catalogue_with(counters), read_lists(lists)
    record = _record(catalogue, event.read_bytes(), _json(attributes) if attributes else {})
    rules = _checked_rules(read_rules(file), catalogue, book)
    told: list[dict[str, Any]] = []
    for rule in rules:
        why = explain(rule.condition, record, book.values)
        told.append({"rule": rule.text, "matched": why.result is True, "why": why.as_dict()})
        if not as_json:
            OUT.print(f"\n[bold]{'✓' if why.result is True else '✗'} {_plain(rule.text)}[/]")
            for line in render_explanation(why):
                OUT.print(f"  {_plain(line)}")
    if as_json:
        emit_json(told)


@app.command()
def test(
    file: RulesFile,
    cases: Annotated[
        Path,
        typer.Argument(
            help="one JSON object a line: {name, event, attributes, expect: {outcome, rules}}"
        ),
    ],
    lists: ListsFile = None,
    counters: CountersFile = None,
    as_json: AsJson = False,
) -> None:
    """Decide example events and compare with what is expected. Status 1 when one differs."""
    catalogue, book = catalogue_with(counters), read_lists(lists)
    live = live_of(read_rules(file), catalogue, book)
    results: list[dict[str, Any]] = []
    for number, line in enumerate(cases.read_text().splitlines(), 1):
        if line.strip():
            case = _case(line, cases, number)
            results.append(_run_case(case, live, catalogue, book))
    if as_json:
        emit_json(results)
    else:
        for result in results:
            mark = "[green]✓[/]" if result["ok"] else "[red]✗[/]"
            OUT.print(f"{mark} {_plain(result['name'])}")
            for problem in result["problems"]:
                OUT.print(f"    {_plain(problem)}")
        OUT.print(f"{sum(one['ok'] for one in results)} of {len(results)} as expected")
    if not all(one["ok"] for one in results):
        raise typer.Exit(NO)


def read_rules(file: Path) -> list[str]:
    """The rules in a file: `.jsonl` with `{"rule": …}` a line, or text with blank lines."""
    text = _read(file)
    if file.suffix != ".jsonl":
        return [one.text for one in split_rules(text)]
    rules: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rules.append(str(json.loads(line)["rule"]))
            except (ValueError, KeyError, TypeError):
                fail(
                    f"{file}:{number}: not an object with `rule`",
                    'write {"rule": "Block if …"} a line',
                )
    return rules


def read_lists(file: Path | None) -> ListBook:
    """Lists by alias: an item type, or that and items; the default lists are always there."""
    book = ListBook()
    for alias, (item_type, _) in DEFAULT_LISTS.items():
        book.replace(alias, item_type, ())
    for alias, given in (_json(file) if file else {}).items():
        try:
            told = {"item_type": given} if isinstance(given, str) else dict(given)
            items = [(str(one), 0) for one in told.get("items", ())]
            book.replace(alias, _item_type(told["item_type"]), items)
        except (KeyError, TypeError, ValueError) as error:
            fail(
                f"{file}: the list `{alias}` cannot be read ({error})",
                f'write {{"{alias}": "item_type"}} with one of {", ".join(ITEM_TYPES)}',
            )
    return book


def _item_type(name: object) -> str:
    if name not in ITEM_TYPES:
        raise ValueError(f"no item type `{name}`")
    return str(name)


def catalogue_with(counters: Path | None) -> Catalogue:
    """The attributes rules may read, declared counters among them."""
    specs = read_counters(counters) if counters else ()
    return default_catalogue().extended(counter_attribute(spec) for spec in specs)


def read_counters(file: Path) -> tuple[CounterSpec, ...]:
    """Declared counters from TOML."""
    try:
        return parse_counters(_read(file), default_catalogue())
    except CounterRefused as refused:
        place = f" ({refused.place})" if refused.place else ""
        fail(f"{file}{place}: {refused}", refused.hint)


def live_of(texts: list[str], catalogue: Catalogue, book: ListBook) -> Live:
    """A rule set from a file, ready to decide, without built-in rules."""
    numbers = iter(range(1, len(texts) + 1))
    try:
        stored = assemble(
            [DraftRule(text) for text in texts],
            catalogue,
            book.types,
            lambda: f"rule_{next(numbers)}",
        )
    except RulesRefused as refused:
        problem = refused.problems[0]
        sys.stderr.write(
            render(problem.predicate, problem.diagnostics, color=ERR.is_terminal) + "\n"
        )
        fail(
            f"{len(refused.problems)} of {len(texts)} rules have errors", "run: sekisho rules check"
        )
    ruleset = build_ruleset("file", stored)
    scorecard = Scorecard(catalogue)
    reported = tuple(sorted(ruleset.fields | scorecard.fields))
    return Live(catalogue, ruleset, scorecard, "none", reported)


def told(text: str, checked: Checked) -> dict[str, Any]:
    """A checked rule as JSON."""
    return {
        "rule": text,
        "ok": not checked.errors,
        "errors": as_dicts(checked.errors),
        "warnings": as_dicts(checked.warnings),
    }


def _show(texts: list[str], checked: list[Checked]) -> None:
    for text, one in zip(texts, checked, strict=True):
        if one.errors or one.warnings:
            told = render(text, one.errors, one.warnings, color=OUT.is_terminal)
            sys.stdout.write(told + "\n\n")
    named = [(f"rule {i}", one.rule) for i, one in enumerate(checked, 1) if one.rule]
    for found in lint_set(named):
        OUT.print(f"[yellow]{found.kind}[/] {_plain(found.message)}")
    wrong = sum(bool(one.errors) for one in checked)
    warned = sum(len(one.warnings) for one in checked)
    style = "red" if wrong else "green"
    OUT.print(f"[{style}]{len(texts) - wrong} of {len(texts)} rules are fine[/], {warned} warnings")


def _checked_rules(texts: list[str], catalogue: Catalogue, book: ListBook) -> list[Any]:
    try:
        return draft_rules([DraftRule(text) for text in texts], catalogue, book.types, lint=False)[
            0
        ]
    except RulesRefused as refused:
        fail(str(refused), "run: sekisho rules check")


def _case(line: str, file: Path, number: int) -> dict[str, Any]:
    try:
        case = json.loads(line)
        return {
            "name": str(case.get("name", f"line {number}")),
            "event": case["event"],
            "attributes": dict(case.get("attributes", {})),
            "expect": dict(case["expect"]),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fail(f"{file}:{number}: not a test case ({error})", "give `event` and `expect`")


def _run_case(
    case: dict[str, Any], live: Live, catalogue: Catalogue, book: ListBook
) -> dict[str, Any]:
    record = _record(catalogue, msgspec.json.encode(case["event"]), case["attributes"])
    assessment = assess(str(record["event_type"]), record, live, book.values, {})
    decision = assessment.decision
    texts = {hit.rule.rule.text for hit in decision.hits}
    problems: list[str] = []
    expected = case["expect"].get("outcome", decision.outcome.value)
    if decision.outcome.value != expected:
        problems.append(f"outcome: expected {expected}, got {decision.outcome.value}")
    if "rules" in case["expect"] and set(case["expect"]["rules"]) != texts:
        problems.append(f"rules: expected {sorted(case['expect']['rules'])}, got {sorted(texts)}")
    return {
        "name": case["name"],
        "ok": not problems,
        "outcome": decision.outcome.value,
        "rules": sorted(texts),
        "problems": problems,
    }


def _record(catalogue: Catalogue, event: bytes, attributes: dict[str, Any]) -> Record:
    try:
        received = receive(
            event, SystemClock().now_us(), ReceiveContext(catalogue, rates_of(read_settings()))
        )
    except EventRefused as refused:
        fail(f"the event cannot be taken: {refused}", refused.problems[0].hint)
    record = dict(received.record)
    for name, value in attributes.items():
        spec = catalogue.get(name)
        record[name] = fold(spec.type, value) if spec and isinstance(value, str) else value
    return record


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read(file))
    except (ValueError, RecursionError) as error:
        fail(f"{file}: not JSON ({error})")
    if not isinstance(value, dict):
        fail(f"{file}: not a JSON object", 'write {"name": …}')
    return dict(value)  # pyright: ignore[reportUnknownArgumentType] — JSON keys are texts


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        fail(f"there is no file {file}")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {error}")


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
