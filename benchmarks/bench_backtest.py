"""Fifty rules over history on disk, beside plain Polars and DuckDB for the same question.

    python benchmarks/bench_backtest.py [--quick] [--rows N]

The question: how often each of 50 rules matches, of how much money, how much of it is fraud and how
much legitimate. History is Parquet: 43 attributes a row (33 numbers, 4 booleans, 6 texts), 2 % of
payments with a dispute; ours lies as an archive keeps it, that of the peers as Polars writes it. The second question is one rule that reads 30 counters which history lacks.
CPU seconds hold everything from opening the files to the answer; not the start of Python, and not
the compiling of kernels. Each engine runs in a process of its own on one thread, whose peak of
resident memory is told. Answers are compared before figures are shown.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import polars as pl

from bench_counters import thirty
from rule_peers import make_records, make_rules
from sekisho.entrypoints.declared import counter_attribute
from sekisho.events import default_catalogue, indicative_rates
from sekisho.history import Archive
from sekisho.language import (
    Catalogue,
    Rule,
    check_rule,
    fields_of,
    polars_expression,
    sql_condition,
)
from sekisho.learning import Past
from sekisho.learning.judging import Judge
from sekisho.learning.reading import read_past
from sekisho.rules import StoredRule
from sekisho.scoring import Scorecard
from sekisho.velocity import CounterSpec

Row = dict[str, object]
Answer = list[list[int]]
SEGMENT = 1_000_000
SAMPLE = 100_000
PLAIN = "plain"
"""The folder of the same records as Polars writes them, for the peers."""
SPACING_US = 1_500_000
DISPUTED = 50
"""One payment in so many is disputed."""
KEYS = {
    "card_fingerprint": 8,
    "customer": 10,
    "ip_address": 12,
    "device": 10,
    "email": 10,
    "merchant": 2_000,
}
"""Payments for each value of a key, about; of merchants, how many payments each has."""


def write_history(folder: Path, rows: int) -> None:
    """A history with 50 rules' attributes, and one with the keys of counters."""
    base = pl.DataFrame(make_records(SAMPLE, Random(1)))
    rng = np.random.default_rng(1)
    rules, counters = Archive(folder / "rules"), Archive(folder / "counters")
    (folder / PLAIN).mkdir()
    for start in range(0, rows, SEGMENT):
        count = min(SEGMENT, rows - start)
        numbers = pl.int_range(start, start + count, eager=True)
        events = pl.DataFrame({"event": "pay_" + numbers.cast(pl.String)}).with_columns(
            type=pl.lit("payment"),
            at_us=numbers * SPACING_US,
            about=pl.lit(None, pl.String),
        )
        money = {"currency": pl.lit("usd"), "amount": (pl.col("amount_in_usd") * 100).round()}
        many = pl.concat([base] * -(-count // SAMPLE)).head(count)
        paid = pl.concat([events, many], how="horizontal").with_columns(**money)
        disputed = events.filter(pl.Series(rng.random(count) < 1 / DISPUTED))
        disputes = disputed.select(
            event="dp_" + pl.col("event"),
            type=pl.lit("dispute"),
            at_us=pl.col("at_us") + SPACING_US,
            about="event",
            is_fraudulent=pl.lit(value=True),
        )
        records = pl.concat([paid, disputes], how="diagonal").sort("at_us")
        rules.add(records, "import", batch="b")
        records.write_parquet(folder / PLAIN / f"{start}.parquet")
        keys = {
            name: f"{name}_"
            + pl.Series(rng.integers(0, max(rows // each, 1), count)).cast(pl.String)
            for name, each in KEYS.items()
        }
        keyed = events.with_columns(**keys, amount_in_usd=many["amount_in_usd"]).with_columns(
            **money
        )
        counters.add(keyed, "import", batch="b")


def stored(rules: Sequence[Rule]) -> tuple[StoredRule, ...]:
    return tuple(
        StoredRule(f"r{at}", rule, at, False, fields_of(rule.condition), frozenset())
        for at, rule in enumerate(rules)
    )


def past_of(folder: Path, catalogue: Catalogue, declared: dict[str, CounterSpec]) -> Past:
    scorecard = Scorecard(default_catalogue())
    rates = indicative_rates()
    return Past(Archive(folder), (), {}, catalogue, scorecard, declared, rates=rates, from_us=0)


def ours(folder: Path) -> Answer:
    rules = stored(make_rules(50, Random(50)))
    past = past_of(folder / "rules", default_catalogue(), {})
    judge = Judge(past, (rules,))
    found = read_past(past.settled(), judge).matched
    amount, answer = pl.col("reported_minor"), []
    for at in range(len(rules)):
        hit = pl.col(judge.column_of(0, at))
        sums = (hit.sum(), amount.filter(hit).sum(), (hit & pl.col("fraud")).sum(),
                (hit & pl.col("legitimate")).sum())  # fmt: skip
        answer.append([int(one) for one in found.select(
            one.alias(str(n)) for n, one in enumerate(sums)).row(0)])  # fmt: skip
    return answer


def plain_polars(folder: Path) -> Answer:
    lazy = pl.scan_parquet(folder / PLAIN / "*.parquet")
    disputed = lazy.filter(type="dispute").select(event="about").unique()
    paid = lazy.filter(type="payment").join(
        disputed.with_columns(fraud=pl.lit(value=True)), on="event", how="left"
    )
    schema = lazy.collect_schema()
    fraud, sums = pl.col("fraud").fill_null(value=False), []
    for at, rule in enumerate(make_rules(50, Random(50))):
        hit = polars_expression(rule.condition, schema, {})
        sums += [
            hit.sum().alias(f"{at} count"),
            pl.col("amount").filter(hit).sum().alias(f"{at} amount"),
            (hit & fraud).sum().alias(f"{at} fraud"),
            (hit & ~fraud).sum().alias(f"{at} legitimate"),
        ]
    row = [int(one) for one in paid.select(sums).collect(engine="streaming").row(0)]
    return [row[at : at + 4] for at in range(0, len(row), 4)]


def plain_duckdb(folder: Path) -> Answer:
    columns: list[str] = []
    for rule in make_rules(50, Random(50)):
        hit = sql_condition(rule.condition, "duckdb")
        columns += [
            f"count(*) filter ({hit})", f"sum(amount) filter ({hit})",
            f"count(*) filter (({hit}) and fraud)", f"count(*) filter (({hit}) and not fraud)",
        ]  # fmt: skip
    files = f"read_parquet('{folder / PLAIN / '*.parquet'}')"
    query = f"""
        with disputed as (select distinct about from {files} where type = 'dispute'),
             paid as (select h.*, d.about is not null as fraud
                        from {files} h left join disputed d on d.about = h.event
                       where h.type = 'payment')
        select {", ".join(columns)} from paid
    """
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        row = connection.execute(query).fetchall()[0]
    whole = [int(one or 0) for one in row]
    return [whole[at : at + 4] for at in range(0, len(whole), 4)]


def counting(folder: Path) -> Answer:
    specs = {spec.name: spec for spec in thirty()}
    catalogue = default_catalogue().extended(counter_attribute(one) for one in specs.values())
    text = "Block if " + " or ".join(f":{name}: > 1000000" for name in specs)
    text += " or :ip_address_count_1d: > 8"
    rule = check_rule(text, catalogue, None).rule
    assert rule is not None
    past = past_of(folder / "counters", catalogue, specs)
    found = read_past(past.settled(), Judge(past, (stored([rule]),)))
    assert len(found.computed) == len(specs)
    return [[found.matched.height]]


ENGINES: dict[str, Callable[[Path], Answer]] = {
    "sekisho": ours,
    "polars": plain_polars,
    "duckdb": plain_duckdb,
    "counters": counting,
}


def measure(engine: str, folder: Path) -> None:
    """Run one engine and print what it found and used."""
    import_module("sekisho.language.masks")  # compiled when it is imported
    before = time.process_time()
    answer = ENGINES[engine](folder)
    cpu = time.process_time() - before
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps({"answer": answer, "cpu": cpu, "peak_mb": peak}))


def run_engine(engine: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, __file__, "--engine", engine, "--folder", str(folder)]
    env = {**os.environ, "POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def run(quick: bool, rows: int = 0) -> list[Row]:  # noqa: FBT001 — the shape all benchmarks share
    """Measure; rows as every benchmark gives them."""
    rows = rows or (1_000_000 if quick else 10_000_000)
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_history(folder, rows)
        told = {name: run_engine(name, folder) for name in ENGINES}
    for peer in ("polars", "duckdb"):
        if told[peer]["answer"] != told["sekisho"]["answer"]:
            message = f"{peer} gives another answer"
            raise AssertionError(message)
    return lines_of(told, rows)


def lines_of(told: dict[str, dict[str, object]], rows: int) -> list[Row]:
    cpu = {name: float(str(one["cpu"])) for name, one in told.items()}
    peak = {name: float(str(one["peak_mb"])) for name, one in told.items()}
    million = rows / 1e6
    lines: list[Row] = []

    def add(
        what: str,
        value: float,
        unit: str,
        goal: str = "",
        *,
        met: bool = True,
        against: tuple[str, float] | None = None,
    ) -> None:
        peer, ratio = against or ("", float("nan"))
        lines.append(
            {"what": what, "value": value, "unit": unit, "floor_or_peer": peer, "ratio": ratio,
             "goal": goal, "met": met}
        )  # fmt: skip

    limit = 0.2 * million
    head = f"50 rules on {million:g} M rows"
    add(head, cpu["sekisho"], "CPU s", f"<= {limit:g}", met=cpu["sekisho"] <= limit)
    for peer in ("polars", "duckdb"):
        add(
            f"{head}, {peer}",
            cpu[peer],
            "CPU s",
            against=(f"{peer}/ours", cpu[peer] / cpu["sekisho"]),
        )
    speed = million / cpu["counters"]
    add("rows with 30 counters computed", speed, "M rows/CPU s", ">= 0.7", met=speed >= 0.7)
    for name, words in (("sekisho", "50 rules"), ("counters", "30 counters computed")):
        add(f"peak memory, {words}", peak[name], "MB", "<= 4096", met=peak[name] <= 4096)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--engine", choices=list(ENGINES))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.engine:
        measure(given.engine, given.folder)
        return
    for line in run(given.quick, given.rows):
        ratio = f"{line['ratio']:6.1f} {line['floor_or_peer']}" if line["floor_or_peer"] else ""
        met = "yes" if line["met"] else "NO"
        print(
            f"{line['what']:40} {line['value']:10.2f} {line['unit']:13} {line['goal']:8} {met:4} {ratio}"
        )


if __name__ == "__main__":
    main()
