"""What a report holds beyond its kind: places, hints, several errors, and whole sets of rules."""

import pytest

from sekisho.language import (
    Catalogue,
    Rule,
    check_condition,
    check_rule,
    lint_set,
    render,
    split_rules,
)


def _rule(text: str, catalogue: Catalogue) -> Rule:
    rule = check_rule(text, catalogue).rule
    assert rule is not None
    return rule


def test_report_names_place_slice_and_nearest_name(catalogue: Catalogue) -> None:
    checked = check_rule("Block if :risk_scor: > 65", catalogue)
    assert checked.errors[0].as_dict() == {
        "kind": "unknown_attribute",
        "line": 1,
        "column": 10,
        "length": 11,
        "message": (
            "line 1, column 10: unknown attribute `:risk_scor:`, did you mean `:risk_score:`?"
        ),
        "hint": ":risk_score:",
    }


def test_several_errors_of_a_rule_are_reported_at_once(catalogue: Catalogue) -> None:
    text = (
        "Block if (:risk_scor: > 5 or :email: < 'a') and\n"
        " :card_country: = 'Canada' and :is_3d_secure: = 1"
    )
    errors = check_rule(text, catalogue).errors
    assert [(error.kind, error.line, error.column) for error in errors] == [
        ("unknown_attribute", 1, 11),
        ("operator_not_supported", 1, 38),
        ("invalid_country", 2, 19),
        ("boolean_takes_no_operator", 2, 47),
    ]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_for_every_kind_of_line_break(
    line_break: str, catalogue: Catalogue
) -> None:
    error = check_rule(f"Block if{line_break}  :nope: > 1", catalogue).errors[0]
    assert (error.line, error.column) == (2, 3)


def test_lists_are_not_checked_when_none_are_given(catalogue: Catalogue) -> None:
    assert check_rule("Block if :email: in @whatever", catalogue, None).rule is not None
    assert check_rule("Block if :email: in @whatever", catalogue, {}).rule is None


def test_condition_without_action_is_read_for_counters(catalogue: Catalogue) -> None:
    assert check_condition(":card_funding: = 'prepaid'", catalogue).condition is not None
    refused = check_condition("Block if :card_funding: = 'prepaid'", catalogue)
    assert refused.errors[0].kind == "unexpected_token"
    assert check_condition("", catalogue).errors[0].kind == "unexpected_end"


def test_rule_that_is_too_long_or_too_deep_is_refused(catalogue: Catalogue) -> None:
    deep = "Block if " + "(" * 65 + ":is_recurring:" + ")" * 65
    assert [error.kind for error in check_rule(deep, catalogue).errors] == ["nested_too_deep"]
    assert check_rule(deep.replace("(" * 65, "(" * 64).replace(")" * 65, ")" * 64), catalogue).rule
    assert check_rule("Block if " + " " * 5000, catalogue).errors[0].kind == "rule_too_long"
    huge = check_rule("Block if :risk_score: > " + "9" * 400, catalogue)
    assert huge.errors[0].kind == "number_out_of_range"


def test_rendered_report_cannot_move_the_cursor(catalogue: Catalogue) -> None:
    text = "Block if :email: = \x1b[2J and :nope\x07: > 1"
    shown = render(text, check_rule(text, catalogue).errors)
    assert shown.replace("\n", "").isprintable()


def test_caret_stands_under_the_place_behind_wide_letters(catalogue: Catalogue) -> None:
    text = "Block if ::日本:: = 'x' and :nope:"
    line, caret = render(text, check_rule(text, catalogue).errors).split("\n")[1:3]
    assert caret.index("^") == line.index(":nope:") + len("日本")


def test_rules_file_is_split_at_blank_lines_and_keeps_line_numbers() -> None:
    text = "# first\nBlock if\n# why\n :a:\n\n\n# alone\n\nReview if :b:\r\n"
    rules = split_rules(text)
    assert [(rule.text, rule.line) for rule in rules] == [
        ("Block if\n\n :a:", 2),
        ("Review if :b:", 9),
    ]


def test_set_lints_name_duplicates_covered_and_shadowed_rules(catalogue: Catalogue) -> None:
    rules = {
        "high": "Block if :risk_score: > 80",
        "same": "Block if not (:risk_score: <= 80)",
        "higher": "Block if :risk_score: > 90 and :is_recurring:",
        "late": "Review if :risk_score: in (85, 95)",
        "vip": "Allow if :customer: in ('cus_1', 'cus_2')",
        "vip_block": "Block if :customer: = 'cus_2' and :amount_in_usd: > 3",
        "apart": "Block if :risk_score: > 70",
        "authenticate": "Request 3DS if :risk_score: > 90",
    }
    found = lint_set([(name, _rule(text, catalogue)) for name, text in rules.items()])
    assert {(item.rule, item.kind) for item in found} == {
        ("high", "redundant_rule"),
        ("same", "duplicate_rule"),
        ("higher", "redundant_rule"),
        ("late", "unreachable_rule"),
        ("vip_block", "shadowed_by_allow"),
    }
