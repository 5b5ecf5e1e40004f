"""Writes the tables of docs/reference from the code itself; `--check` only tells what is stale.

A page keeps its hand-written text; what stands between the two marks is replaced.
"""

import ast
import sys
from collections.abc import Callable, Iterable
from datetime import date
from itertools import chain, groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from sekisho.entrypoints.api import build_api
from sekisho.entrypoints.api.openapi import describe_decisions
from sekisho.entrypoints.cli.main import app
from sekisho.entrypoints.keys import SCOPES
from sekisho.entrypoints.settings import PREFIX, Settings
from sekisho.entrypoints.telemetry import Metrics
from sekisho.entrypoints.wiring import open_node
from sekisho.events import CODES, DECIDED_TYPES, MESSAGES, default_catalogue, is_counter, messages
from sekisho.events.fields import PARTS
from sekisho.events.fill import attribute_of
from sekisho.events.paths import OPEN, choices_of, paths_of, required_of
from sekisho.insight import declared
from sekisho.insight.model import Measure, programmes
from sekisho.scoring import FACTORS
from sekisho.scoring.scorecard import BASE, MAX_SCORE

PAGES = Path(__file__).resolve().parent.parent / "docs/reference"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->"
LAYERS = ("Message", "Act", "Movement", "Charge", "Transfer", "OutcomeMessage", "Claim")
"""Messages that other messages begin with, the widest first."""


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    cells = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in lines]
    return "".join(f"| {row} |\n" for row in cells)


# ── attributes ────────────────────────────────────────────────────────────────────────────────


def attributes() -> str:
    """Every attribute, by group."""
    specs = list(default_catalogue().values())
    order = list(dict.fromkeys(spec.group for spec in specs))
    text = f"{len(specs)} attributes in {len(order)} groups.\n"
    for group in order:
        rows = [
            (f"`{spec.name}`", spec.type.value, spec.meaning, ", ".join(_marks(spec)))
            for spec in specs
            if spec.group == group
        ]
        text += f"\n### {group}\n\n" + table(("attribute", "type", "meaning", "marks"), rows)
    return text


def _marks(spec: Any) -> list[str]:
    marks = ["counted"] if is_counter(spec) else []
    if spec.alias_of:
        marks.append(f"alias of `{spec.alias_of}`")
    return [*marks, *(f"`{flag}`" for flag in sorted(spec.flags))]


# ── events ────────────────────────────────────────────────────────────────────────────────────


def events() -> str:
    """Fields by layer, then each type; problem codes."""
    text = "## Shared fields\n"
    for name in LAYERS:
        kind = getattr(messages, name)
        text += f"\n### {name}\n\n{_first_line(kind)}\n\n{_fields(kind)}"
    text += "\n## Types\n"
    ordered = sorted(MESSAGES.items(), key=lambda item: item[0] not in DECIDED_TYPES)
    for name, kind in ordered:
        layers = [one.__name__ for one in reversed(kind.__mro__) if one.__name__ in LAYERS]
        door = "/v1/decisions" if name in DECIDED_TYPES else "/v1/events"
        shared = ", ".join(f"[{one}](#{one.lower()})" for one in layers)
        text += f"\n### `{name}`\n\n{_first_line(kind)} Sent to `{door}`. Fields of {shared}"
        own = _fields(kind)
        text += f", and:\n\n{own}" if own else ".\n"
    return f"{text}\n## Problem codes\n\n" + ", ".join(f"`{one}`" for one in sorted(CODES)) + ".\n"


def _fields(kind: type[Any]) -> str:
    """The fields a message adds to the one it begins with."""
    parents = [one for one in kind.__mro__[1:] if one.__name__ in LAYERS]
    inherited = paths_of(parents[0]) if parents else {}
    required, choices = required_of(kind), choices_of(kind)
    rows = [
        (
            f"`{path}`" + (" (needed)" if path in required else ""),
            ", ".join(f"`{one}`" for one in sorted(choices[path]))
            if path in choices
            else value.value,
            _attribute(kind, path),
        )
        for path, value in paths_of(kind).items()
        if path not in inherited
    ]
    if kind is messages.Message:
        rows += [(f"`{name}`", "an object", _OPEN[name]) for name in OPEN]
    return table(("field", "takes", "becomes"), rows) if rows else ""


_OPEN = {
    "metadata": "`::key::`",
    "customer_metadata": "`::customer:key::`",
    "destination_metadata": "`::destination:key::`",
    "account_metadata": "`::account:key::`",
    "attributes": "the attributes named; what is given wins over what is derived",
}
_SAID = {
    "name": "`cardholder_name`",
    "approved": "`outcome`",
}


def _attribute(kind: type[Any], path: str) -> str:
    """The attribute a field becomes."""
    part, _, inner = path.partition(".")
    if path in _SAID:
        return _SAID[path]
    owner, prefix = PARTS[part] if inner else (kind, "")
    name = attribute_of(owner, inner or path, prefix)
    return f"`{name}`" if name else ""


def _first_line(kind: type[Any]) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]


# ── commands ──────────────────────────────────────────────────────────────────────────────────


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n".join(_commands(typer.main.get_command(app), "sekisho"))


def _commands(command: Any, path: str) -> Iterable[str]:
    inner = getattr(command, "commands", {})
    for name in sorted(inner):
        yield from _commands(inner[name], f"{path} {name}")
    if inner:
        return
    named = [one for one in command.params if one.name != "help"]
    arguments = [one for one in named if not one.opts[0].startswith("-")]
    usage = "".join(f" {one.name.upper()}{'' if one.required else '?'}" for one in arguments)
    text = f"## `{path}{usage}`\n\n" + " ".join((command.help or "").split()) + "\n"
    rows = [(_option(one), _told(one)) for one in named]
    yield text + ("\n" + table(("", ""), rows) if rows else "")


def _option(option: Any) -> str:
    name = option.opts[0] if option.opts[0].startswith("-") else option.name.upper()
    return f"`{name}`"


def _told(option: Any) -> str:
    told = option.help or ""
    if option.required and option.opts[0].startswith("-"):
        told += " (needed)"
    if option.default not in (None, False) and "default" not in told:
        shown = option.default
        shown = ", ".join(shown) if isinstance(shown, list | tuple) else shown
        told += f" (default: {shown})"
    return told


# ── settings, metrics, scorecard, API ─────────────────────────────────────────────────────────


def settings() -> str:
    """Every variable with its default and what it says."""
    source = Path(sys.modules[Settings.__module__].__file__ or "").read_text(encoding="utf-8")
    body = next(
        node.body
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    meanings = {
        before.target.id: after.value.value
        for before, after in pairwise(body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
    plain = Settings()
    rows = [
        (f"`{PREFIX}{name.upper()}`", f"`{getattr(plain, name)}`", " ".join(str(told).split()))
        for name, told in meanings.items()
    ]
    scopes = table(("scope", "allows"), ((f"`{one}`", told) for one, told in SCOPES.items()))
    return table(("variable", "default", "meaning"), rows) + f"\n## Scopes of API keys\n\n{scopes}"


def metrics() -> str:
    """Every metric of `/metrics`."""
    made = Metrics(lambda: 0.0, lambda: 0.0)
    rows = [
        (
            f"`{one.name}{'_total' if one.type == 'counter' else ''}`",
            one.type,
            ", ".join(f"`{label}`" for label in getattr(one, "_labelnames", ())),
            one.documentation,
        )
        for one in chain(made.collect(), made.actions.collect())
    ]
    return table(("name", "type", "labels", "meaning"), rows)


def scorecard() -> str:
    """Every factor with its points."""
    rows = [
        (f"`{one.code}`", f"{one.points:+}", f"`{one.condition}`", one.meaning) for one in FACTORS
    ]
    told = f"Base: {BASE} points. The sum is held between 0 and {MAX_SCORE}.\n\n"
    return told + table(("code", "points", "when", "because"), rows)


def endpoints() -> str:
    """Every route of the document that the server describes itself with."""
    with TemporaryDirectory() as place:
        node = open_node(Settings(data=Path(place), dev=True))
        try:
            paths = describe_decisions(build_api(node).openapi())["paths"]
        finally:
            node.close()
    routes = [
        (told["tags"][0], f"`{method.upper()} {path}`", told["summary"])
        for path, methods in paths.items()
        for method, told in methods.items()
    ]
    text = ""
    for tag, group in groupby(sorted(routes, key=lambda route: route[0]), lambda route: route[0]):
        text += f"\n### {tag}\n\n" + table(("", ""), ((route, told) for _, route, told in group))
    return text.lstrip("\n")


# ── indicators ────────────────────────────────────────────────────────────────────────────────


def indicators() -> str:
    """Every indicator with its formula, and the limits of others."""
    rows = [
        (
            f"`{name}`",
            one.title,
            one.kind,
            one.period + (f", over {one.window}" if one.window > 1 else ""),
            _formula(one.scale, one.numerator, one.denominator),
        )
        for name, one in declared().indicators.items()
    ]
    limits = [
        (
            one.name,
            "" if one.since == date.min else one.since,
            "" if one.before == date.max else one.before,
            "; ".join(
                f"`{limit.indicator}` {limit.least:g} or more"
                if limit.least is not None
                else f"`{limit.indicator}` more than {limit.above:g}"
                for limit in one.criteria
            ),
        )
        for one in programmes()
    ]
    sources = [(f"`{name}`", one.about) for name, one in declared().sources.items()]
    return (
        table(("indicator", "what it says", "kind", "by", "formula"), rows)
        + "\n### What is counted\n\n"
        + table(("facts", ""), sources)
        + "\n### Limits of others\n\n"
        + table(("programme", "from", "before", "all of"), limits)
    )


def _formula(scale: int, above: tuple[Measure, ...], below: tuple[Measure, ...]) -> str:
    upper, lower = (" + ".join(_measure(one) for one in part) for part in (above, below))
    share = f"{scale} × " if scale != 1 else ""  # noqa: RUF001 — a times sign is meant
    upper = f"({upper})" if len(above) > 1 and below else upper
    return share + (f"{upper} ÷ {lower}" if below else upper)


def _measure(one: Measure) -> str:
    counted = f"sum of `{one.sum}`" if one.sum else f"different `{one.distinct}`"
    text = f"{counted} of {one.source}" if one.sum or one.distinct else one.source
    text += f" where `{one.where}`" if one.where else ""
    return text + (f", {one.lag} period earlier" if one.lag else "")


# ── writing ───────────────────────────────────────────────────────────────────────────────────

GENERATED: dict[str, Callable[[], str]] = {
    "attributes.md": attributes,
    "events.md": events,
    "cli.md": commands,
    "settings.md": settings,
    "metrics.md": metrics,
    "scorecard.md": scorecard,
    "api.md": endpoints,
    "indicators.md": indicators,
}


def renewed(page: Path, made: str) -> str:
    """A page with what stands between its marks replaced."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made.strip()}\n\n{END}{after}"


def main() -> int:
    """Write the pages, or with `--check` name those that are stale; 1 when there are any."""
    check = "--check" in sys.argv[1:]
    stale: list[str] = []
    for name, make in GENERATED.items():
        page = PAGES / name
        fresh = renewed(page, make())
        if fresh != page.read_text(encoding="utf-8"):
            stale.append(name)
            if not check:
                page.write_text(fresh, encoding="utf-8")
    for name in stale:
        print(f"docs/reference/{name}: {'stale, run the tool' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
