"""Explanations: what each part of a condition saw."""

import json

import pytest

from sekisho.language import (
    And,
    Arithmetic,
    Attribute,
    Compare,
    Flag,
    InList,
    Metadata,
    Not,
    Number,
    Op,
    Or,
    Span,
    Text,
    Type,
    explain,
    render_explanation,
)

AT = Span(0, 0)
AMOUNT = Attribute("amount_in_usd", Type.NUMERIC, AT)
ABOVE = Compare(Op.GT, AMOUNT, Number(20.0, "20", AT), AT)
BRAND = Compare(Op.EQ, Attribute("card_brand", Type.STRING_CI, AT), Text("visa", AT), AT)
GUEST = Compare(Op.EQ, Metadata("", "CustomerType", AT), Text("guest", AT), AT)
FLAG = Flag(Attribute("is_off_session", Type.BOOLEAN, AT), AT)


def test_a_rendered_explanation_shows_what_failed() -> None:
    condition = And((ABOVE, Or((BRAND, Not(FLAG, AT)), AT), GUEST), AT)
    record = {"amount_in_usd": 25.5, "card_brand": "mc", "::CustomerType::": "member"}
    assert render_explanation(explain(condition, record, {})) == [
        "✗ all of",
        "  ✓ :amount_in_usd: > 20   (:amount_in_usd: is 25.5)",
        "  ✓ any of",
        "    ✗ :card_brand: = 'visa'   (:card_brand: is 'mc')",
        "    ✓ not",
        "      ✗ :is_off_session:   (:is_off_session: is false)",
        "  ✗ ::CustomerType:: = 'guest'   (::CustomerType:: is 'member') ←",
    ]


def test_a_missing_value_is_said_to_be_missing() -> None:
    assert render_explanation(explain(And((ABOVE, BRAND), AT), {"card_brand": "visa"}, {})) == [
        "? all of",
        "  ? :amount_in_usd: > 20   (:amount_in_usd: is missing) ←",
        "  ✓ :card_brand: = 'visa'   (:card_brand: is 'visa')",
    ]


def test_an_explanation_is_plain_data() -> None:
    data = explain(Not(ABOVE, AT), {"amount_in_usd": 5}, {}).as_dict()
    assert json.loads(json.dumps(data)) == {
        "text": "not (:amount_in_usd: > 20)",
        "kind": "not",
        "result": True,
        "values": {},
        "children": [
            {
                "text": ":amount_in_usd: > 20",
                "kind": "test",
                "result": False,
                "values": {":amount_in_usd:": 5},
                "children": [],
            }
        ],
    }


def test_computed_sides_show_their_parts_and_their_result() -> None:
    triple = Arithmetic("*", Number(3.0, "3", AT), AMOUNT, AT)
    explanation = explain(Compare(Op.GT, triple, AMOUNT, AT), {"amount_in_usd": 2.0}, {})
    assert dict(explanation.values) == {":amount_in_usd:": 2.0, "3 * :amount_in_usd:": 6.0}


@pytest.mark.parametrize(
    ("known", "mark"), [({}, "?"), ({"l": {"mc"}}, "✗"), ({"l": {"visa"}}, "✓")]
)
def test_lists_are_looked_up(known: dict[str, set[str]], mark: str) -> None:
    listed = InList(Attribute("card_brand", Type.STRING_CI, AT), "l", AT)
    line = render_explanation(explain(listed, {"card_brand": "visa"}, known))[0]
    assert line.startswith(f"{mark} :card_brand: in @l")
    assert line.endswith("(:card_brand: is 'visa') ←")


def test_long_values_are_cut() -> None:
    line = render_explanation(explain(BRAND, {"card_brand": "x" * 5000}, {}))[0]
    assert len(line) < 150
