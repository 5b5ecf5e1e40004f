"""Folding, numbers in texts and LIKE patterns."""

from random import Random

import polars as pl
import pytest

from sekisho.language import Compare, Metadata, Number, Op, Span, Text, Type, fold, interpret
from sekisho.language.fold import fold_items
from sekisho.language.literals import like, read_number
from sekisho.language.polars_code import polars_expression

AT = Span(0, 0)
KEY = Metadata("", "k", AT)


@pytest.mark.parametrize(
    ("of_type", "written", "stored"),
    [
        (Type.STRING_CI, "\u017fTRAẞE", "strasse"),
        (Type.STRING_CI, "İ", "i̇"),
        (Type.STRING_CS, "Pass", "Pass"),
        (Type.COUNTRY, "de", "DE"),
        (Type.STATE, "eng", "ENG"),
        (Type.METADATA, "Guest", "Guest"),
    ],
)
def test_text_is_folded_by_its_type(of_type: Type, written: str, stored: str) -> None:
    assert fold(of_type, written) == stored
    assert fold(of_type, stored) == stored


def test_a_list_of_strings_is_found_by_every_kind_of_attribute() -> None:
    items = fold_items("string", ["Ca"])
    assert all(fold(of_type, "Ca") in items for of_type in Type)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30", 30.0),
        ("-12.5", -12.5),
        ("+7", 7.0),
        ("007", 7.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("0", 0.0),
        *((text, None) for text in ("", ".", "-", "+-1", "1e", "e5", " 7", "7 ", "7\n", "1_000")),
        *(
            (text, None)
            for text in ("1,5", "0x10", "nan", "inf", "infinity", "1e999", "٣", "½", "²")
        ),
    ],
)
def test_a_text_is_a_number_in_every_engine_or_in_none(text: str, value: float | None) -> None:
    assert read_number(text) == value
    same = Compare(Op.EQ, KEY, Number(value or 0.0, "", AT), AT)
    frame = pl.DataFrame({KEY.field: [text]})
    answer = None if value is None else True
    assert interpret(same, {KEY.field: text}, {}) is answer
    assert frame.select(polars_expression(same, frame.schema, {})).item() is (answer is True)


def test_like_agrees_with_reading_letter_by_letter() -> None:
    rng = Random(5)
    for _ in range(5000):
        text = "".join(rng.choice("ab\n%") for _ in range(rng.randrange(9)))
        pattern = "".join(rng.choice("ab\n%%_") for _ in range(rng.randrange(7)))
        expected = interpret(Compare(Op.LIKE, KEY, Text(pattern, AT), AT), {KEY.field: text}, {})
        assert like(text, tuple(pattern.split("%"))) is expected, (text, pattern)


def test_like_does_not_slow_down_on_patterns_made_to_backtrack() -> None:
    """A backtracking matcher would not return from this within the life of the universe."""
    assert not like("a" * 20_000, tuple(("a%" * 60 + "b").split("%")))


@pytest.mark.parametrize(
    "pattern", ["a%", "%z", "a%z", "a%a", "az%z", "%m%", "a%m%z", "%", "%%", "", "a", "%.%*%"]
)
def test_polars_like_agrees_for_every_shape_of_pattern(pattern: str) -> None:
    texts = ["", "a", "z", "az", "amz", "a\nm\nz", "m", "xmx", ".*", "a.b*", "ä", None]
    frame = pl.DataFrame({KEY.field: texts})
    condition = Compare(Op.LIKE, KEY, Text(pattern, AT), AT)
    answers = frame.select(polars_expression(condition, frame.schema, {})).to_series().to_list()
    records = [{} if text is None else {KEY.field: text} for text in texts]
    assert answers == [interpret(condition, record, {}) is True for record in records]
