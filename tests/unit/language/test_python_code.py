"""The generated functions: any shape of rule set compiles, and compiles to the same meaning."""

import ast
import gc

import pytest

from sekisho.language import (
    Action,
    And,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    InList,
    Metadata,
    Not,
    Number,
    Op,
    Or,
    Rule,
    Span,
    Text,
    Type,
    compile_condition,
    compile_rules,
    interpret,
)

AT = Span(0, 0)
AMOUNT = Attribute("amount_in_usd", Type.NUMERIC, AT)
SCORE = Attribute("risk_score", Type.NUMERIC, AT)
DOMAIN = Attribute("email_domain", Type.STRING_CI, AT)
FLAG = Flag(Attribute("is_anonymous_ip", Type.BOOLEAN, AT), AT)


def number(value: float) -> Number:
    return Number(value, repr(value), AT)


def above(value: float, operand: Attribute = AMOUNT) -> Compare:
    return Compare(Op.GT, operand, number(value), AT)


def block(*conditions: Condition) -> list[Rule]:
    return [Rule(Action.BLOCK, condition, "", AT) for condition in conditions]


def test_an_empty_rule_set_matches_nothing() -> None:
    assert compile_rules([]).matches({"amount_in_usd": 1.0}, {}) == []


def test_hits_come_in_the_order_of_the_rules() -> None:
    rules = block(*(above(float(9 - n)) for n in range(9)), FLAG, Not(FLAG, AT))
    assert compile_rules(rules).matches({"amount_in_usd": 100.0}, {}) == [*range(9), 10]


def test_equal_rules_all_match() -> None:
    assert compile_rules(block(*[above(5.0)] * 3)).matches({"amount_in_usd": 6}, {}) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 20, 200, 2000])
def test_a_ladder_of_thresholds_matches_up_to_the_value(count: int) -> None:
    compiled = compile_rules(block(*(above(float(n)) for n in range(count))))
    assert compiled.matches({"amount_in_usd": count / 2 - 0.5}, {}) == list(range(count // 2))
    assert compiled.matches({"amount_in_usd": 1e9}, {}) == list(range(count))
    assert compiled.matches({}, {}) == []


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 33, 3000])
def test_a_switch_finds_the_only_case_that_holds(count: int) -> None:
    rules = block(*(Compare(Op.EQ, DOMAIN, Text(f"D{n}.example", AT), AT) for n in range(count)))
    compiled = compile_rules(rules)
    for n in {0, count // 2, count - 1}:
        assert compiled.matches({"email_domain": f"d{n}.example"}, {}) == [n]
    assert compiled.matches({"email_domain": "elsewhere.example"}, {}) == []
    assert compiled.matches({}, {}) == []


def test_a_rule_with_two_tests_of_one_family_needs_both() -> None:
    both = And((above(5.0), above(9.0), FLAG), AT)
    never = And(
        (
            Compare(Op.EQ, DOMAIN, Text("a", AT), AT),
            Compare(Op.EQ, DOMAIN, Text("b", AT), AT),
        ),
        AT,
    )
    one = Compare(Op.EQ, DOMAIN, Text("a", AT), AT)
    compiled = compile_rules(block(both, above(5.0), never, one))
    record = {"amount_in_usd": 7.0, "is_anonymous_ip": True, "email_domain": "a"}
    assert compiled.matches(record, {}) == [1, 3]
    assert compiled.matches({**record, "amount_in_usd": 10.0}, {}) == [0, 1, 3]


@pytest.mark.parametrize("depth", [5, 20, 64, 120])
def test_deep_conditions_compile(depth: int) -> None:
    condition: Condition = above(0.0)
    for level in range(depth):
        side = above(float(level), SCORE)
        pair = (Not(condition, AT) if level % 3 == 0 else condition, side)
        condition = And(pair, AT) if level % 2 else Or(pair, AT)
    for score in (-1.0, 3.5, depth - 1.5, depth + 1.0):
        record = {"amount_in_usd": 1.0, "risk_score": score}
        expected = interpret(condition, record, {})
        assert compile_condition(condition)(record, {}) is (expected is True)
        assert compile_rules(block(condition)).matches(record, {}) == [0] * (expected is True)


def test_wide_conditions_compile() -> None:
    parts = tuple(above(float(n)) for n in range(3000))
    record = {"amount_in_usd": 2999.5}
    assert compile_condition(And(parts, AT))(record, {})
    assert compile_condition(Or(parts[::-1], AT))(record, {})
    assert not compile_condition(Not(Or(parts, AT), AT))(record, {})


def test_a_condition_function_answers_with_a_plain_bool() -> None:
    assert compile_condition(FLAG)({"is_anonymous_ip": True}, {}) is True
    assert compile_condition(FLAG)({}, {}) is False
    assert compile_condition(Or((FLAG, above(1.0)), AT))({"amount_in_usd": 2}, {}) is True


def test_an_unknown_list_is_neither_in_nor_out() -> None:
    listed = InList(DOMAIN, "blocked", AT)
    rules = compile_rules(block(listed, Not(listed, AT)))
    record = {"email_domain": "a"}
    assert rules.matches(record, {}) == []
    assert rules.matches(record, {"blocked": frozenset()}) == [1]
    assert rules.matches(record, {"blocked": frozenset({"a"})}) == [0]
    assert rules.matches({}, {"blocked": frozenset({"a"})}) == []


def test_a_list_may_be_any_container_of_texts() -> None:
    class Startswith:
        def __contains__(self, item: object) -> bool:
            assert isinstance(item, str)
            return item.startswith("a")

    listed = InList(DOMAIN, "blocked", AT)
    holds = compile_condition(listed)
    assert holds({"email_domain": "abc"}, {"blocked": Startswith()})
    assert not holds({}, {"blocked": Startswith()})


def test_whole_numbers_compare_as_the_floats_they_stand_for() -> None:
    """2**53 + 1 is no float: it is stored as 2**53, and so must the int compare."""
    record = {"amount_in_usd": 2**53 + 1, "risk_score": float(2**53)}
    equal_fields = Compare(Op.EQ, AMOUNT, SCORE, AT)
    equal_constant = Compare(Op.EQ, AMOUNT, number(2.0**53), AT)
    among = InItems(AMOUNT, (number(2.0**53),), AT)
    for condition in (equal_fields, equal_constant, among):
        assert interpret(condition, record, {}) is True
        assert compile_condition(condition)(record, {})
        assert not compile_condition(Not(condition, AT))(record, {})


def test_a_literal_beyond_all_numbers_makes_the_comparison_unknown() -> None:
    condition = Compare(Op.LT, AMOUNT, Number(float("inf"), "9" * 400, AT), AT)
    for sign in (condition, Not(condition, AT)):
        assert interpret(sign, {"amount_in_usd": 1.0}, {}) is None
        assert not compile_condition(sign)({"amount_in_usd": 1.0}, {})


def test_hostile_texts_stay_texts() -> None:
    """Names, keys and literals reach the code as literals only."""
    hostile = '\'] or exit() or x[\'"""\n\\'
    name = Attribute(hostile, Type.STRING_CS, AT)
    parts: tuple[Condition, ...] = (
        Compare(Op.EQ, Metadata(hostile, hostile, AT), Text(hostile, AT), AT),
        Compare(Op.LIKE, name, Text(f"{hostile}%{hostile}", AT), AT),
        Compare(Op.INCLUDES, name, Text(hostile, AT), AT),
        InList(name, hostile, AT),
        InItems(name, (Text(hostile, AT), Text("x", AT)), AT),
        *(Compare(Op.EQ, name, Text(f"{hostile}{n}", AT), AT) for n in range(5)),
    )
    source = compile_rules(block(*parts)).source
    called = {
        n.func.id
        for n in ast.walk(ast.parse(source))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert called <= {"fetch", "get", "hit", "itemgetter", "len", "like"}
    record: dict[str, str | float | int | bool] = {hostile: hostile}
    assert compile_rules(block(*parts)).matches(record, {hostile: {hostile}}) == [2, 3, 4]


def test_samples_change_the_arrangement_but_not_the_hits() -> None:
    rules = block(*(And((above(float(n)), FLAG, above(float(n), SCORE)), AT) for n in range(30)))
    samples = [{"amount_in_usd": float(n), "is_anonymous_ip": n % 7 > 0} for n in range(50)]
    record = {"amount_in_usd": 20.5, "risk_score": 10.5, "is_anonymous_ip": True}
    sampled = compile_rules(rules, sample_records=samples)
    assert (
        sampled.matches(record, {}) == compile_rules(rules).matches(record, {}) == list(range(11))
    )


def test_a_field_that_every_sample_had_may_still_be_missing() -> None:
    names = [f"velocity_{n}" for n in range(12)]
    rules = block(*(above(1.0, Attribute(name, Type.NUMERIC, AT)) for name in names))
    full = dict.fromkeys(names, 2.0)
    compiled = compile_rules(rules, sample_records=[full])
    assert "= fetch(record)" in compiled.source
    assert compiled.matches(full, {}) == list(range(12))
    for missing in range(12):
        record = {name: value for name, value in full.items() if name != names[missing]}
        assert compiled.matches(record, {}) == [n for n in range(12) if n != missing]


def test_compiling_leaves_the_garbage_collector_as_it_was() -> None:
    assert gc.isenabled()
    compile_rules(block(FLAG))
    assert gc.isenabled()
