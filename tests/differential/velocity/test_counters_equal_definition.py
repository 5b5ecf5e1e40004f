"""Random declarations over random histories: live and offline counters equal their definition."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import polars as pl
import pytest

from sekisho.events import default_catalogue
from sekisho.language import Condition, check_condition, interpret
from sekisho.velocity import Aggregate, Counters, CounterSpec, compute_counters
from sekisho.windows import RecountingStore

CATALOGUE = default_catalogue()
SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TYPES = ("payment", "login", "refund")
CONDITIONS = (
    "",
    ":outcome: = 'declined'",
    "not (:outcome: = 'declined') and :amount_in_usd: > 20",
    ":label: = 'fraud'",
    "is_missing(:email:) or ::tier:: >= 3",
    "is_missing(:shipping_address:)",
)
VALUES = ("amount_in_usd", "::tier::")
MEMBERS = ("card_fingerprint", "email", "merchant_category", "amount_in_usd")
NUMBERS = (Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX)
Value = str | float | int | bool
Record = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Row:
    type: str
    at_us: int
    record: Record
    known_us: int


def random_spec(rng: random.Random, number: int) -> CounterSpec:
    aggregate = rng.choice(list(Aggregate))
    value = rng.choice(MEMBERS if aggregate is Aggregate.DISTINCT else VALUES)
    needs_value = aggregate in (*NUMBERS, Aggregate.DISTINCT)
    matching = rng.choice(CONDITIONS[1:]) if aggregate is Aggregate.RATIO else ""
    timer = aggregate in (Aggregate.FIRST, Aggregate.LAST)
    return CounterSpec(
        f"c{number}",
        aggregate,
        tuple(rng.sample(TYPES, rng.randint(1, 3))),
        tuple(rng.sample(("customer", "email", "merchant"), rng.randint(1, 2))),
        rng.choice(CONDITIONS),
        rng.choice([None, SECOND, 60 * SECOND, 3600 * SECOND]),
        rng.choice([0, 0, 30 * SECOND]),
        value=value if needs_value else "",
        matching=matching,
        include_current=rng.random() < 0.3,
        cap=3 if aggregate in (Aggregate.COUNT, Aggregate.DISTINCT) and rng.random() < 0.3 else 0,
        unit_us=60 * SECOND if timer else SECOND,
    )


def random_record(rng: random.Random) -> Record:
    fields: dict[str, Sequence[Value]] = {
        "customer": ("c1", "c2", "c3"),
        "email": ("a@x.org", "b@x.org"),
        "merchant": ("m1", "m2"),
        "card_fingerprint": ("f1", "f2", "f3", "f4"),
        "merchant_category": ("5411", "6011"),
        "amount_in_usd": (0.0, 12.34, 20.00005, 99, 1e13),
        "::tier::": ("1", "3.5", "gold", "-2"),
        "outcome": ("declined", "authorized"),
        "label": ("fraud", "legitimate"),
    }
    return {name: rng.choice(some) for name, some in fields.items() if rng.random() < 0.85}


def history(rng: random.Random, length: int, *, late: bool, slow_labels: bool) -> list[Row]:
    now = START
    rows: list[Row] = []
    for _ in range(length):
        now += rng.choice([0, 0, SECOND, rng.randint(0, 120 * SECOND)])
        at = now - (rng.randint(0, 200 * SECOND) if late and rng.random() < 0.3 else 0)
        known = at + (rng.choice([0, 20, 500]) * SECOND if slow_labels else 0)
        rows.append(Row(rng.choice(TYPES), at, random_record(rng), known))
    return rows


@cache
def tree_of(text: str) -> Condition:
    condition = check_condition(text, CATALOGUE, None).condition
    assert condition is not None
    return condition


def holds(text: str, record: Record) -> bool:
    return not text or interpret(tree_of(text), record, {}) is True


def number_of(value: Value | None) -> float | None:
    if isinstance(value, str):
        return {"1": 1.0, "3.5": 3.5, "-2": -2.0}.get(value)
    return None if value is None else float(value)


def defined(spec: CounterSpec, now: Row, earlier: Sequence[Row]) -> float | bool | None:
    """A counter by its definition: filter the rows, look at the window, aggregate."""
    key = [now.record.get(name) for name in spec.by]
    missing = (
        None if spec.may_be_missing else (False if spec.aggregate is Aggregate.UNSEEN else 0.0)
    )
    if None in key:
        return missing
    until = now.at_us - spec.lag_us
    own = [now] if spec.include_current and spec.lag_us == 0 else []
    window = [
        row
        for row in [*earlier, *own]
        if row.at_us <= until
        and (spec.window_us is None or row.at_us > until - spec.window_us)
        and row.type in spec.of
        and [row.record.get(name) for name in spec.by] == key
        and holds(spec.where, row.record)
    ]
    values = [row.record[spec.value] for row in window if spec.value in row.record]
    return aggregated(spec, now, window, values)


def aggregated(
    spec: CounterSpec, now: Row, window: Sequence[Row], values: Sequence[Value]
) -> float | bool | None:
    cap = spec.cap or 10**9
    numbers = [round(min(n, 1e12) * 10_000) for n in map(number_of, values) if n is not None]
    times = [row.at_us for row in window]
    match spec.aggregate:
        case Aggregate.COUNT:
            return float(min(len(window), cap))
        case Aggregate.DISTINCT:
            return float(min(len(set(values)), cap))
        case Aggregate.SUM:
            return sum(numbers) / 10_000
        case Aggregate.AVG:
            return sum(numbers) / 10_000 / len(numbers) if numbers else None
        case Aggregate.MIN:
            return min(numbers) / 10_000 if numbers else None
        case Aggregate.MAX:
            return max(numbers) / 10_000 if numbers else None
        case Aggregate.FIRST:
            return (now.at_us - min(times)) / spec.unit_us if times else None
        case Aggregate.LAST:
            return (now.at_us - max(times)) / spec.unit_us if times else None
        case Aggregate.RATIO:
            matched = sum(holds(spec.matching, row.record) for row in window)
            return matched / len(window) if window else 0.0
        case Aggregate.UNSEEN:
            return not window


def unlabelled(row: Row) -> Row:
    return replace(row, record={name: v for name, v in row.record.items() if name != "label"})


def expected(specs: Sequence[CounterSpec], rows: Sequence[Row]) -> list[dict[str, float | bool]]:
    """Every counter at every row, with labels as they were known when the row arrived."""
    found: list[dict[str, float | bool]] = []
    arrived = START
    for place, row in enumerate(rows):
        arrived = max(arrived, row.at_us)
        seen = [one if one.known_us <= arrived else unlabelled(one) for one in rows[: place + 1]]
        values = {spec.name: defined(spec, seen[-1], seen[:-1]) for spec in specs}
        found.append({name: value for name, value in values.items() if value is not None})
    return found


def frame_of(rows: Sequence[Row]) -> pl.DataFrame:
    names = sorted({name for row in rows for name in row.record})
    columns: dict[str, list[object]] = {
        "event": list(range(len(rows))),
        "type": [row.type for row in rows],
        "at_us": [row.at_us for row in rows],
        "label_known_at_us": [row.known_us if "label" in row.record else None for row in rows],
    }
    for name in names:
        values = [row.record.get(name) for row in rows]
        number = name == "amount_in_usd"
        columns[name] = [None if v is None else float(v) for v in values] if number else values
    return pl.DataFrame(columns)


def random_specs(rng: random.Random) -> list[CounterSpec]:
    return [random_spec(rng, number) for number in range(20)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("store", ["compiled", "recounting"])
def test_live_counters_equal_their_definition(seed: int, store: str) -> None:
    rng = random.Random(seed)
    specs = random_specs(rng)
    rows = history(rng, 110, late=seed % 2 == 1, slow_labels=False)
    if store == "compiled":
        counters = Counters(specs, CATALOGUE, seed)
    else:
        counters = Counters(specs, CATALOGUE, seed, RecountingStore)
    for row, values in zip(rows, expected(specs, rows), strict=True):
        assert counters.read(row.type, row.at_us, row.record) == values
        counters.apply(row.type, row.at_us, row.record)


@pytest.mark.parametrize("seed", range(6))
def test_offline_counters_equal_their_definition(seed: int) -> None:
    rng = random.Random(seed)
    specs = random_specs(rng)
    rows = history(rng, 110, late=seed % 3 == 1, slow_labels=seed % 3 == 2)
    table = compute_counters(frame_of(rows), specs, CATALOGUE)
    for found, values in zip(table.iter_rows(named=True), expected(specs, rows), strict=True):
        del found["event"]
        assert {name: value for name, value in found.items() if value is not None} == values


def test_an_empty_history_gives_empty_columns() -> None:
    frame = frame_of(history(random.Random(1), 5, late=False, slow_labels=False)).clear()
    specs = random_specs(random.Random(1))
    table = compute_counters(frame, specs, CATALOGUE)
    assert table.shape == (0, 21)


@pytest.mark.parametrize("late", [False, True])
def test_offline_counts_are_whole_numbers_and_the_rest_floats(*, late: bool) -> None:
    rng = random.Random(5)
    specs = random_specs(rng)
    table = compute_counters(
        frame_of(history(rng, 60, late=late, slow_labels=False)), specs, CATALOGUE
    )
    kinds = {
        Aggregate.COUNT: pl.UInt32,
        Aggregate.DISTINCT: pl.UInt32,
        Aggregate.UNSEEN: pl.Boolean,
    }
    for spec in specs:
        assert table[spec.name].dtype == kinds.get(spec.aggregate, pl.Float64), spec


@pytest.mark.parametrize("seed", range(3))
def test_revised_and_retracted_events_leave_no_trace(seed: int) -> None:
    rng = random.Random(seed)
    specs = [spec for spec in random_specs(rng) if not spec.include_current]
    rows = history(rng, 120, late=True, slow_labels=False)
    counters = Counters(specs, CATALOGUE, seed)
    noise = history(rng, 120, late=True, slow_labels=False)
    for row, extra in zip(rows, noise, strict=True):
        counters.apply(row.type, row.at_us, extra.record)
        counters.apply(extra.type, extra.at_us, extra.record)
        counters.revise(row.type, row.at_us, extra.record, row.record)
    for extra in noise:
        counters.retract(extra.type, extra.at_us, extra.record)
    asking = replace(rows[-1], at_us=rows[-1].at_us + 300 * SECOND)
    values = {spec.name: defined(spec, asking, rows) for spec in specs}
    seen = counters.read(asking.type, asking.at_us, asking.record)
    assert seen == {name: value for name, value in values.items() if value is not None}
