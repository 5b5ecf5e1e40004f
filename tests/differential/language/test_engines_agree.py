"""Generated Python, Polars and the oracle give the same answer, value by value."""

import math
import os
import struct
from collections.abc import Mapping
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.history.coding import coded
from sekisho.language.coded_code import CodedRules
from sekisho.language.explain import explain
from sekisho.language.fold import fold
from sekisho.language.interpret import interpret
from sekisho.language.lowering import lower
from sekisho.language.polars_code import match_columns, polars_expression
from sekisho.language.python_code import compile_condition, compile_rules
from sekisho.language.python_text import Writer
from sekisho.language.tree import (
    Action,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    InList,
    IsMissing,
    Metadata,
    Not,
    Number,
    Op,
    Operand,
    Or,
    Rule,
    Span,
    Text,
    Type,
)

Record = dict[str, str | float | int | bool]
AT = Span(0, 0)
ROUNDS = 400 if os.environ.get("SEKISHO_SOAK") else 14
RULES, RECORDS = 60, 250

TEXT_ATTRIBUTES = {
    "email": Type.STRING_CI,
    "email_domain": Type.STRING_CI,
    "ip_address": Type.STRING_CI,
    "customer": Type.STRING_CS,
    "cvc_check": Type.STRING_CS,
    "card_country": Type.COUNTRY,
    "ip_country": Type.COUNTRY,
    "ip_state": Type.STATE,
}
NUMBER_ATTRIBUTES = {
    "amount_in_usd": Type.NUMERIC,
    "risk_score": Type.NUMERIC,
    "company.mean_amount": Type.NUMERIC,
    "card_count_for_email_daily": Type.BOUNDED,
}
FLAGS = ("is_anonymous_ip", "is_off_session")
METADATA = (("", "age"), ("", "Customer 'Type'\\"), ("customer", "Trusted"))
TEXTS = (
    *(
        "",
        "us",
        "US",
        "Us",
        "de",
        "CA",
        "ss",
        "SS",
        "ß",
        "ẞ",
        "İ",
        "i̇",
        "\u0131",
        "\u017f",
        "s",
        "Σ",
        "ς",
    ),
    *(
        "é",
        "e\u0301",
        "K",
        "ŉ",
        "ǰ",
        "ᾳ",
        "\u0345",
        "\U0001d518",
        "😀",
        "中文",
        "a\nb",
        "a\x00b",
        "\u2028",
    ),
    *("%", "_", "a%b", "a_b", ".*", "^$", "\\", "'", '"', "{}", "{0}", "$1", "(?i)a", "\\x41"),
    *("fraud@example.com", "FRAUD@EXAMPLE.COM", "example", "192.168.0.1", "x" * 300, "true"),
    *("30", "-5", "+7", "1e3", "1E-2", " 7", "7 ", "7\n", "nan", "inf", "-inf", "٣", "1_000", ".5"),
    *("5.", ".", "-", "1e400", "-1e400", "1e-400", "0x10", "1,5", "007", "-0", "0", "25", "1e+2"),
    *("9007199254740993", "0.1", "1.7976931348623157e308", "4.9e-324", "2.4703282292062328e-324"),
    "9" * 400,
)
PATTERNS = (
    "%",
    "%%",
    "fraud%",
    "%.com",
    "%e%",
    "f%d@%m",
    "%a%b%",
    "a%a",
    "s%s",
    "%ss%",
    "%İ%",
    "x%x",
)
NUMBERS = (
    *(0.0, 1.0, 2.0, 5.0, 7.0, 24.0, 25.0, 26.0, 30.0, 100.0, 1000.0, 0.1, 0.2, 0.3, 0.01),
    *(1e308, 5e-324, 2.0**53, 2.0**53 + 2, 1e-7),
)
RECORD_NUMBERS = (*NUMBERS, -0.0, -5.0, -1e308, 0, 1, 5, 25, 30, 2**53, 2**53 + 1, -7, 0.1 + 0.2)
LISTS: dict[str, frozenset[str]] = {
    "emails": frozenset({"fraud@example.com", "ss", "us", "é"}),
    "countries": frozenset({"US", "DE", "SS"}),
    "empty": frozenset(),
    "Any": frozenset({"Us", "true", "30", ""}),
}
ALIASES = (*LISTS, "nobody_has_this")


def any_text(rng: Random) -> str:
    if rng.random() < 0.08:
        return "".join(
            chr(rng.choice((rng.randrange(32, 127), rng.randrange(160, 0x2FF)))) for _ in range(3)
        )
    if rng.random() < 0.04:
        return repr(any_number(rng))
    return rng.choice(TEXTS)


def any_number(rng: Random) -> float:
    if rng.random() < 0.05:
        value: float = struct.unpack("<d", rng.randbytes(8))[0]
        return abs(value) if math.isfinite(value) else 3.0
    return rng.choice(NUMBERS)


def number_literal(rng: Random) -> Number:
    value = any_number(rng)
    return Number(value, repr(value), AT)


def text_literal(rng: Random) -> Text:
    return Text(any_text(rng), AT)


def metadata(rng: Random) -> Metadata:
    return Metadata(*rng.choice(METADATA), AT)


def text_attribute(rng: Random) -> Attribute:
    name = rng.choice(list(TEXT_ATTRIBUTES))
    return Attribute(name, TEXT_ATTRIBUTES[name], AT)


def number_attribute(rng: Random) -> Attribute:
    name = rng.choice(list(NUMBER_ATTRIBUTES))
    return Attribute(name, NUMBER_ATTRIBUTES[name], AT)


def number_operand(rng: Random, depth: int = 0) -> Operand:
    kind = rng.random()
    if kind < 0.3 and depth < 3:
        parts = (number_operand(rng, depth + 1), number_operand(rng, depth + 1))
        return Arithmetic(rng.choice("+-*/"), *parts, AT)
    if kind < 0.45 and depth:
        return number_literal(rng)
    return metadata(rng) if kind < 0.6 else number_attribute(rng)


def compare_numbers(rng: Random) -> Compare:
    left = number_operand(rng)
    op = rng.choice((Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE))
    right = number_literal(rng) if rng.random() < 0.6 else number_operand(rng)
    if isinstance(left, Metadata) and rng.random() < 0.2:
        right = text_literal(rng)
    return Compare(op, left, right, AT)


def compare_texts(rng: Random) -> Compare:
    left = metadata(rng) if rng.random() < 0.25 else text_attribute(rng)
    op = rng.choice((Op.EQ, Op.EQ, Op.NE, Op.INCLUDES, Op.LIKE))
    kind = rng.random()
    if kind < 0.65:
        pattern = op is Op.LIKE and rng.random() < 0.7
        right = Text(rng.choice(PATTERNS), AT) if pattern else text_literal(rng)
    else:
        right = metadata(rng) if kind < 0.8 else text_attribute(rng)
    return Compare(op, left, right, AT)


def among(rng: Random) -> InItems:
    kind, count = rng.random(), rng.choice((1, 1, 2, 3, 8))
    if kind < 0.25:
        return InItems(number_attribute(rng), tuple(number_literal(rng) for _ in range(count)), AT)
    if kind < 0.6:
        return InItems(text_attribute(rng), tuple(text_literal(rng) for _ in range(count)), AT)
    items = (rng.choice((number_literal, text_literal))(rng) for _ in range(count))
    return InItems(metadata(rng), tuple(items), AT)


def any_leaf(rng: Random) -> Condition:
    kind = rng.random()
    if kind < 0.3:
        return compare_numbers(rng)
    if kind < 0.6:
        return compare_texts(rng)
    if kind < 0.75:
        return among(rng)
    if kind < 0.83:
        operand = metadata(rng) if rng.random() < 0.3 else text_attribute(rng)
        return InList(operand, rng.choice(ALIASES), AT)
    if kind < 0.92:
        return Flag(Attribute(rng.choice(FLAGS), Type.BOOLEAN, AT), AT)
    operand = rng.choice((metadata, text_attribute, number_attribute))(rng)
    if rng.random() < 0.1:
        operand = Attribute(rng.choice(FLAGS), Type.BOOLEAN, AT)
    return IsMissing(operand, AT)


def any_condition(rng: Random, depth: int = 0, leaves: list[Condition] | None = None) -> Condition:
    """A tree; some leaves come from a shared pool, so that rules have tests in common."""
    kind = rng.random()
    if depth > 3 or kind < 0.35:
        return rng.choice(leaves) if leaves and rng.random() < 0.6 else any_leaf(rng)
    if kind < 0.5:
        return Not(any_condition(rng, depth + 1, leaves), AT)
    count = rng.choice((2, 2, 3, 4))
    parts = tuple(any_condition(rng, depth + 1, leaves) for _ in range(count))
    return And(parts, AT) if kind < 0.8 else Or(parts, AT)


def any_record(rng: Random) -> Record:
    present = rng.choice((0.3, 0.7, 0.95))
    record: Record = {}
    for name, of_type in TEXT_ATTRIBUTES.items():
        if rng.random() < present:
            record[name] = fold(of_type, any_text(rng))
    for name in NUMBER_ATTRIBUTES:
        if rng.random() < present:
            value = rng.choice(RECORD_NUMBERS)
            record[name] = -any_number(rng) if rng.random() < 0.1 else value
    for name in FLAGS:
        if rng.random() < present:
            record[name] = rng.random() < 0.5
    for scope, key in METADATA:
        if rng.random() < present:
            record[Metadata(scope, key, AT).field] = any_text(rng)
    return record


def frame_of(records: list[Record], absent: str = "") -> pl.DataFrame:
    types: dict[str, pl.DataType] = dict.fromkeys(TEXT_ATTRIBUTES, pl.String())
    types |= dict.fromkeys(NUMBER_ATTRIBUTES, pl.Float64())
    types |= dict.fromkeys(FLAGS, pl.Boolean())
    types |= {Metadata(scope, key, AT).field: pl.String() for scope, key in METADATA}
    columns = {
        name: pl.Series(name, [record.get(name) for record in records], dtype=kind, strict=False)
        for name, kind in types.items()
        if name != absent
    }
    return pl.DataFrame(columns)


def check_codes(
    frame: pl.DataFrame, rules: list[Rule], lists: Mapping[str, frozenset[str]]
) -> None:
    """Rules over columns of a byte find what they find over the same values, written out."""
    whole = pl.col(pl.Float64).abs().floor() % 255
    small = frame.head(200).with_columns(
        pl.when(whole.is_finite()).then(whole), pl.col(pl.Categorical).cast(pl.String)
    )
    narrow = coded(small, ())
    assert {pl.UInt8, pl.Enum} <= {dtype.base_type() for dtype in narrow.dtypes}
    expected = match_columns(rules, small, lists).collect()
    for shown in (small, narrow):
        matches = CodedRules(rules, lists).match(shown)
        assert matches.columns(np.ones(small.height, np.bool_)).equals(expected)
        assert (
            matches.any().tolist() == expected.select(pl.any_horizontal("*")).to_series().to_list()
        )


def polars_answers(
    frame: pl.DataFrame, conditions: list[Condition], lists: Mapping[str, frozenset[str]]
) -> list[list[bool | None]]:
    """True where a condition matches, False where its negation does, None where neither does."""
    both = [sign for condition in conditions for sign in (condition, Not(condition, AT))]
    rules = [Rule(Action.BLOCK, sign, "", AT) for sign in both]
    check_codes(frame, rules, lists)
    shared = match_columns(rules, frame, lists)
    alone = [
        polars_expression(sign, frame.schema, lists).alias(str(at)) for at, sign in enumerate(both)
    ]
    answers = shared.collect()
    row = pl.int_range(pl.len()).alias("row")
    assert answers.equals(frame.select(row, *alone).drop("row"))
    pairs = zip(answers[:, ::2].iter_columns(), answers[:, 1::2].iter_columns(), strict=True)
    return [
        [True if surely else False if never else None for surely, never in zip(*pair, strict=True)]
        for pair in pairs
    ]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_all_engines_give_the_oracles_answer(seed: int) -> None:
    rng = Random(seed)
    pool = [any_leaf(rng) for _ in range(25)]
    conditions = [any_condition(rng, 0, pool) for _ in range(RULES)]
    records = [any_record(rng) for _ in range(RECORDS)]
    absent = rng.choice(("", *TEXT_ATTRIBUTES, *NUMBER_ATTRIBUTES, *FLAGS))
    for record in records:
        record.pop(absent, None)
    expected = [[interpret(c, record, LISTS) for record in records] for c in conditions]

    compiled = compile_rules([Rule(Action.BLOCK, c, "", AT) for c in conditions])
    sampled = compile_rules(
        [Rule(Action.BLOCK, c, "", AT) for c in conditions],
        sample_records=records,
        sample_lists=LISTS,
    )
    fullest = compile_rules(
        [Rule(Action.BLOCK, c, "", AT) for c in conditions], sample_records=[max(records, key=len)]
    )
    for row, record in enumerate(records):
        hits = [at for at in range(RULES) if expected[at][row] is True]
        assert compiled.matches(record, LISTS) == hits
        assert sampled.matches(record, LISTS) == hits
        assert fullest.matches(record, LISTS) == hits
    frame = frame_of(records, absent)
    if seed % 2:
        frame = frame.with_columns(pl.col(pl.String).cast(pl.Categorical))
    columns = polars_answers(frame, conditions, LISTS)
    for at, condition in enumerate(conditions):
        assert columns[at] == expected[at], condition
        surely = compile_condition(condition)
        never = compile_condition(Not(condition, AT))
        assert [surely(record, LISTS) for record in records] == [e is True for e in expected[at]]
        assert [never(record, LISTS) for record in records] == [e is False for e in expected[at]]


@pytest.mark.parametrize("seed", range(10))
def test_kindred_tests_give_the_oracles_answer(seed: int) -> None:
    """Rules made of thresholds and equalities that lie close together: ladders and switches."""
    rng = Random(seed)

    def kindred() -> Condition:
        if rng.random() < 0.3:
            text = Text(rng.choice("abcdefg"), AT)
            test: Condition = Compare(Op.EQ, Attribute("customer", Type.STRING_CS, AT), text, AT)
        else:
            operand = Attribute(rng.choice(("risk_score", "amount_in_usd")), Type.NUMERIC, AT)
            value = float(rng.randrange(6))
            op = rng.choice((Op.LT, Op.LE, Op.GT, Op.GE, Op.EQ, Op.NE))
            test = Compare(op, operand, Number(value, str(value), AT), AT)
        return Not(test, AT) if rng.random() < 0.2 else test

    conditions = [
        And(tuple(kindred() for _ in range(count)), AT)
        if (count := rng.randint(1, 4)) > 1
        else kindred()
        for _ in range(80)
    ]
    compiled = compile_rules([Rule(Action.BLOCK, c, "", AT) for c in conditions])
    for _ in range(150):
        record: Record = {
            name: value
            for name, value in (
                ("risk_score", rng.randrange(-1, 7)),
                ("amount_in_usd", rng.choice((0.5, 3.0, 4.5, -0.0))),
                ("customer", rng.choice("abcdefgh")),
            )
            if rng.random() < 0.9
        }
        hits = [at for at, c in enumerate(conditions) if interpret(c, record, LISTS)]
        assert compiled.matches(record, LISTS) == hits


@pytest.mark.parametrize("seed", range(4))
def test_explanation_has_the_oracles_results(seed: int) -> None:
    rng = Random(seed)
    for _ in range(100):
        condition, record = any_condition(rng), any_record(rng)
        assert explain(condition, record, LISTS).result is interpret(condition, record, LISTS)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_engines_agree_on_small_shrinkable_cases(rng: Random) -> None:
    condition = any_condition(rng, 2)
    record = any_record(rng)
    expected = interpret(condition, record, LISTS)
    assert compile_condition(condition)(record, LISTS) is (expected is True)
    assert polars_answers(frame_of([record]), [condition], LISTS) == [[expected]]


@pytest.mark.parametrize("seed", range(20))
def test_no_text_of_a_rule_enters_the_code_unquoted(seed: int) -> None:
    """With every text replaced by a marker, the code has the marker inside literals only."""
    rng = Random(seed)
    marker = '\');raise SystemExit(\'\\"""\n#'
    leaf = Compare(Op.EQ, Metadata(marker, marker, AT), Text(marker, AT), AT)
    named = Attribute(marker, Type.STRING_CI, AT)
    others = [InList(named, marker, AT), Compare(Op.LIKE, named, Text(marker + "%", AT), AT)]
    parts = (leaf, *others, any_condition(rng), IsMissing(named, AT))
    condition = Or(parts, AT) if seed % 2 else And(parts, AT)
    text, _ = Writer().write(lower(condition))
    assert "raise SystemExit" in text
    record: Record = {
        marker: fold(Type.STRING_CI, marker),
        Metadata(marker, marker, AT).field: marker,
    }
    expected = interpret(condition, record, LISTS)
    assert compile_condition(condition)(record, LISTS) is (expected is True)
