"""Rules a record at a time and over columns, beside two Rust engines and hand-packed C.

    python benchmarks/bench_rules.py [--quick]

Records have 43 attributes (33 numbers, 4 booleans, 6 texts); rules have 3 to 5 tests, 15 % of them
with an OR, five lists of values among them. Every engine's hits are checked against the oracle
before it is timed. Figures are microseconds of CPU per record, median of interleaved repeats.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from random import Random
from statistics import median

import polars as pl

from rule_peers import (
    BUSY,
    FLAGS,
    NUMBERS,
    TEXTS,
    Hits,
    Record,
    c_engine,
    cel_engine,
    make_records,
    make_rules,
    zen_engine,
)
from sekisho.language import (
    AttributeSpec,
    Catalogue,
    Rule,
    Type,
    check_rule,
    compile_rules,
    format_rule,
    interpret,
    match_columns,
    polars_expression,
)

Row = dict[str, object]
Matches = Callable[[Record, dict[str, frozenset[str]]], list[int]]
CATALOGUE = Catalogue(
    [
        *(AttributeSpec(name, Type.NUMERIC, "") for name in NUMBERS),
        *(AttributeSpec(name, Type.BOOLEAN, "") for name in FLAGS),
        *(AttributeSpec(name, of_type, "") for name, (of_type, _) in TEXTS.items()),
    ]
)
REPEATS = 5
SMALL, LARGE = 100, 300
"""Records that all engines answer for: they stay in the cache, as a record just received does."""
PASSES = 10
ROWS = 1_000_000
"""Rows of columns: planning fifty rules takes milliseconds, which fewer rows would show."""


def oracle(rules: list[Rule], records: list[Record]) -> Hits:
    return [
        [at for at, rule in enumerate(rules) if interpret(rule.condition, record, {})]
        for record in records
    ]


def cpu(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def interleaved(actions: dict[str, tuple[Callable[[], object], int]]) -> dict[str, list[float]]:
    """Microseconds of CPU per record of each action, one figure a repeat."""
    figures: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(REPEATS):
        for name, (action, count) in actions.items():
            figures[name].append(cpu(action) / count * 1e6)
    return figures


def row(
    what: str, value: float, unit: str, against: tuple[str, float] | None, goal: str, *, met: bool
) -> Row:
    peer, ratio = against or ("", float("nan"))
    return {
        "what": what,
        "value": value,
        "unit": unit,
        "floor_or_peer": peer,
        "ratio": ratio,
        "goal": goal,
        "met": met,
    }


def online(count: int, records: list[Record], *, quick: bool) -> list[Row]:
    """One rule set, a record at a time, in every engine."""
    rules = make_rules(count, Random(count))
    samples = make_records(300, Random(7))
    compiled = compile_rules(rules, sample_records=samples)
    blind = compile_rules(rules)
    few = records[: SMALL if quick else LARGE]
    expected = oracle(rules, few)
    zen, cel = zen_engine(rules), cel_engine(rules)
    packed = None if quick else c_engine(rules, records)
    for name, hits in (
        ("sekisho", [compiled.matches(r, {}) for r in few]),
        ("without samples", [blind.matches(r, {}) for r in few]),
        ("zen", zen(few)),
        ("cel", cel(few)),
        ("c", packed()[: len(few)] if packed else expected),
    ):
        if hits != expected:
            message = f"{name} disagrees with the oracle"
            raise AssertionError(message)

    def passes(matches: Matches) -> None:
        for record in few * PASSES:
            matches(record, {})

    def many(matches: Matches) -> None:
        for record in records:
            matches(record, {})

    texts = [format_rule(rule) for rule in rules]
    actions: dict[str, tuple[Callable[[], object], int]] = {
        "sekisho": (partial(passes, compiled.matches), PASSES * len(few)),
        "blind": (partial(passes, blind.matches), PASSES * len(few)),
        "many": (partial(many, compiled.matches), len(records)),
        "zen": (partial(zen, few), len(few)),
        "cel": (partial(cel, few), len(few)),
        "compile": (lambda: compile_rules(rules), 1),
        "read": (lambda: compile_rules(read_rules(texts)), 1),
        "python": (lambda: compile(blind.source, "rules", "exec"), 1),
    }
    if packed:
        actions["c"] = (lambda: [packed.raw() for _ in range(20)], 20 * len(records))
    figures = interleaved(actions)
    return online_rows(
        count,
        {name: median(values) for name, values in figures.items()},
        {name: min(values) for name, values in figures.items()},
    )


def read_rules(texts: list[str]) -> list[Rule]:
    """The rules of texts, names and types checked, without lints."""
    checked = [check_rule(text, CATALOGUE, lint=False) for text in texts]
    return [one.rule for one in checked if one.rule is not None]


def online_rows(count: int, mid: dict[str, float], low: dict[str, float]) -> list[Row]:
    ours, limit = mid["sekisho"], 3 if count <= 50 else 15
    zen, cel = mid["zen"] / ours, mid["cel"] / ours
    first = f"{count} rules, one record (least {low['sekisho']:.2f})"
    rows = [
        row(first, ours, "µs", None, f"<= {limit} µs", met=ours <= limit),
        row(f"{count} rules, compiled without samples", mid["blind"], "µs", None, "", met=True),
        row(f"{count} rules, records out of the cache", mid["many"], "µs", None, "", met=True),
        row(
            f"{count} rules, zen-engine table",
            mid["zen"],
            "µs",
            ("zen / ours", zen),
            ">= 50",
            met=zen >= 50,
        ),
        row(
            f"{count} rules, CEL in Rust",
            mid["cel"],
            "µs",
            ("cel / ours", cel),
            ">= 100" if count > 100 else "",
            met=cel >= 100 or count <= 100,
        ),
        row(
            f"{count} rules, trees to function: generated and compiled",
            mid["compile"] / 1000,
            "ms",
            ("ours/Python", mid["compile"] / mid["python"]),
            "<= 100 ms",
            met=mid["compile"] <= 100_000,
        ),
        row(
            f"{count} rules, texts to function: read and checked as well",
            mid["read"] / 1000,
            "ms",
            ("ours/Python", mid["read"] / mid["python"]),
            "<= 100 ms",
            met=mid["read"] <= 100_000,
        ),
    ]
    if "c" in mid:
        floor = ours / mid["c"]
        rows.append(
            row(
                f"{count} rules, C on packed doubles",
                mid["c"],
                "µs",
                ("ours / C", floor),
                "",
                met=True,
            )
        )
    return rows


def offline(records: list[Record]) -> list[Row]:
    """Fifty rules over columns, text columns as plain text and with their values numbered.

    Beside them the same rules one by one: what sharing their tests is worth.
    """
    rules = make_rules(50, Random(50))
    expected = oracle(rules, records[:300])
    frame = pl.DataFrame(records)
    copies = ROWS // len(records)
    frames = {
        "text": pl.concat([frame] * copies, rechunk=True),
        "categorical": pl.concat([frame] * copies, rechunk=True).with_columns(
            pl.col(pl.String).cast(pl.Categorical)
        ),
    }
    actions: dict[str, tuple[Callable[[], object], int]] = {}
    for name, many in frames.items():
        flags = match_columns(rules, many[:300], {}).collect().rows()
        if [[at for at, flag in enumerate(line) if flag] for line in flags] != expected:
            message = "polars disagrees with the oracle"
            raise AssertionError(message)
        counts = match_columns(rules, many, {}).select(pl.all().sum())
        actions[name] = (partial(counts.collect, engine="streaming"), many.height)
        apart = many.lazy().select(
            polars_expression(rule.condition, many.schema, {}).sum().alias(str(at))
            for at, rule in enumerate(rules)
        )
        actions[f"{name}, apart"] = (partial(apart.collect, engine="streaming"), many.height)
    figures = interleaved(actions)
    rows: list[Row] = []
    for name in frames:
        cost = median(figures[name])
        what = f"50 rules in Polars, {name} columns (most {1 / min(figures[name]):.1f})"
        beside = ("ours / one by one", median(figures[f"{name}, apart"]) / cost)
        rows.append(row(what, 1 / cost, "M rows/CPU s", beside, ">= 10", met=cost <= 1 / 10))
    return rows


def busy(count: int, *, quick: bool) -> list[Row]:
    """The same rules where far more of them match: the less friendly case."""
    records = make_records(2_000 if quick else 10_000, Random(2), BUSY)
    rules, samples = make_rules(count, Random(count)), make_records(300, Random(8), BUSY)
    compiled, cel, few = (
        compile_rules(rules, sample_records=samples),
        cel_engine(rules),
        records[:60],
    )
    expected = oracle(rules, few)
    if [compiled.matches(r, {}) for r in few] != expected or cel(few) != expected:
        message = "an engine disagrees with the oracle on busy records"
        raise AssertionError(message)
    figures = interleaved(
        {
            "sekisho": (lambda: [compiled.matches(r, {}) for r in records], len(records)),
            "cel": (partial(cel, few), len(few)),
        }
    )
    ours, peer = median(figures["sekisho"]), median(figures["cel"])
    hits = sum(map(len, expected)) / len(few)
    what = f"{count} rules, busy records ({hits:.0f} hits each)"
    return [row(what, ours, "µs", ("cel / ours", peer / ours), "", met=True)]


def run(quick: bool) -> list[Row]:  # noqa: FBT001 — the shape all benchmarks share
    """Measure; rows as every benchmark gives them."""
    records = make_records(2_000 if quick else 10_000, Random(1))
    rows = [line for count in (50, 1000) for line in online(count, records, quick=quick)]
    return [*rows, *busy(1000, quick=quick), *offline(records)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    rows = run(parser.parse_args().quick)
    print(f"{'what':58} {'value':>10} {'unit':13} {'ratio':>8} {'of':12} {'goal':10} met")
    for line in rows:
        ratio = f"{line['ratio']:8.1f}" if line["floor_or_peer"] else " " * 8
        print(
            f"{line['what']:58} {line['value']:10.2f} {line['unit']:13} {ratio} "
            f"{line['floor_or_peer']:12} {line['goal']:10} {'yes' if line['met'] else 'NO'}"
        )


if __name__ == "__main__":
    main()
