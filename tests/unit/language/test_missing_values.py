"""What missing values do to a rule, in every engine: the vectors of the language's contract."""

import polars as pl
import pytest

from sekisho.language import (
    Action,
    AttributeSpec,
    Catalogue,
    Condition,
    Rule,
    Span,
    Type,
    check_condition,
    compile_condition,
    compile_rules,
    explain,
    interpret,
    polars_expression,
)

Record = dict[str, str | float | int | bool]
LISTS = {"disposable_email_domains": frozenset({"x.com"})}
CATALOGUE = Catalogue(
    AttributeSpec(name, of_type, "")
    for name, of_type in {
        "email_domain": Type.STRING_CI,
        "digital_wallet": Type.STRING_CI,
        "card_country": Type.COUNTRY,
        "ip_country": Type.COUNTRY,
        "amount_in_usd": Type.NUMERIC,
        "risk_score": Type.NUMERIC,
        "seconds_since_card_first_seen": Type.NUMERIC,
        "total_charges_per_card_number_daily": Type.NUMERIC,
        "is_new_card_on_customer": Type.BOOLEAN,
    }.items()
)
BOTH_AND = "NOT (:email_domain: = 'a.com' AND :amount_in_usd: > 100)"
BOTH_OR = ":email_domain: = 'a.com' OR :amount_in_usd: > 100"

VECTORS: list[tuple[int, Record, str, bool]] = [
    (1, {}, ":email_domain: = 'x.com'", False),
    (2, {}, ":email_domain: != 'x.com'", False),
    (3, {}, "NOT (:email_domain: = 'x.com')", False),
    (4, {}, "is_missing(:email_domain:)", True),
    (5, {}, "is_missing(:email_domain:) OR :email_domain: IN ('y.net')", True),
    (6, {"::foo::": "set"}, "!(is_missing(::foo::))", True),
    (7, {"amount_in_usd": 5.0}, BOTH_AND, True),
    (8, {"amount_in_usd": 500.0}, BOTH_AND, False),
    (9, {"amount_in_usd": 500.0}, BOTH_OR, True),
    (10, {"amount_in_usd": 5.0}, BOTH_OR, False),
    (11, {"amount_in_usd": 5.0}, f"NOT ({BOTH_OR})", False),
    (12, {}, "is_missing(:email_domain:) AND :email_domain: = 'x.com'", False),
    (13, {}, "NOT (:email_domain: IN ('x.com', 'y.com'))", False),
    (14, {}, ":email_domain: in @disposable_email_domains", False),
    (15, {"card_country": "US"}, ":card_country: != :ip_country:", False),
    (16, {}, "not :is_new_card_on_customer:", True),
    (17, {}, ":card_country: != 'US'", False),
    (18, {"digital_wallet": "none"}, ":digital_wallet: != 'apple_pay'", True),
    (19, {}, ":seconds_since_card_first_seen: < 3600", False),
    (
        20,
        {"total_charges_per_card_number_daily": 0},
        ":total_charges_per_card_number_daily: = 0",
        True,
    ),
    (21, {}, ":risk_score: < 65", False),
    (22, {"::age::": "n/a"}, "::age:: < 30", False),
    # beyond the contract's vectors
    (23, {"::age::": "29.5"}, "::age:: < 30", True),
    (24, {"::age::": "030"}, "::age:: = 30 and not ::age:: = '30'", True),
    (25, {}, ":email_domain: in @nobody_has_this or not (:email_domain: in @nobody)", False),
    (26, {"email_domain": "z.org"}, "not (:email_domain: in @nobody_has_this)", False),
    (27, {"email_domain": "z.org"}, "not (:email_domain: in @disposable_email_domains)", True),
    (28, {"email_domain": "x.com"}, ":email_domain: in @disposable_email_domains", True),
    (29, {"email_domain": "x.com"}, ":email_domain: = 'X.COM'", True),
    (30, {"card_country": "US", "::c::": "us"}, ":card_country: = ::c::", True),
    (31, {"email_domain": "x.com", "::d::": "X.com"}, "::d:: = :email_domain:", True),
    (32, {"::a::": "X", "::b::": "x"}, "::a:: = ::b::", False),
    (33, {"::a::": "10", "::b::": "9.5"}, "::a:: > ::b::", True),
    (34, {"amount_in_usd": 1.0, "risk_score": 0.0}, ":amount_in_usd: / :risk_score: > 1", False),
    (
        35,
        {"amount_in_usd": 1.0, "risk_score": 0.0},
        "not (:amount_in_usd: / :risk_score: > 1)",
        False,
    ),
    (36, {"amount_in_usd": 31.0, "risk_score": 10.0}, ":amount_in_usd: > 3 * :risk_score:", True),
    (37, {"amount_in_usd": 1e308}, ":amount_in_usd: * 10 > 1", False),
    (38, {"::age::": "30"}, "::age:: in (30, 'x')", True),
    (39, {"::age::": "y"}, "not (::age:: in (30, 'x'))", False),
    (40, {"::age::": "y"}, "not (::age:: in ('w', 'x'))", True),
]


def condition_of(text: str) -> Condition:
    checked = check_condition(text, CATALOGUE, None)
    assert checked.condition is not None, checked.errors
    return checked.condition


@pytest.mark.parametrize(("number", "record", "text", "matches"), VECTORS)
def test_every_engine_agrees_on_the_vector(
    number: int,
    record: Record,
    text: str,
    matches: bool,
) -> None:
    assert number
    condition = condition_of(text)
    assert (interpret(condition, record, LISTS) is True) is matches
    assert compile_condition(condition)(record, LISTS) is matches
    rule = Rule(Action.BLOCK, condition, text, Span(0, 0))
    assert compile_rules([rule]).matches(record, LISTS) == ([0] if matches else [])
    assert (explain(condition, record, LISTS).result is True) is matches


@pytest.mark.parametrize("columns", ["those of the record", "all"])
def test_polars_agrees_on_every_vector(columns: str) -> None:
    for _, record, text, matches in VECTORS:
        condition = condition_of(text)
        types: dict[str, pl.DataType] = {
            name: pl.Float64() if spec.type is Type.NUMERIC else pl.String()
            for name, spec in CATALOGUE.items()
            if spec.type is not Type.BOOLEAN
        }
        types |= dict.fromkeys(
            ("::foo::", "::age::", "::a::", "::b::", "::c::", "::d::"), pl.String()
        )
        names = list(types) if columns == "all" else [name for name in types if name in record]
        frame = pl.DataFrame(
            {
                n: pl.Series(n, [record.get(n)], dtype=types[n], strict=False)
                for n in ("_", *names)
                if n in types
            }
            | {"row": [0]}
        )
        result = frame.select("row", answer=polars_expression(condition, frame.schema, LISTS))
        assert result["answer"].to_list() == [matches], text
