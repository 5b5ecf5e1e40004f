"""Minor and major units of every currency."""

from decimal import Decimal

import pytest

from sekisho.kit.countries import COUNTRY_CODES, country_code_of
from sekisho.kit.money import EXPONENTS, to_major, to_minor


@pytest.mark.parametrize(
    ("currency", "digits"), [("usd", 2), ("jpy", 0), ("kwd", 3), ("clf", 4), ("krw", 0), ("huf", 2)]
)
def test_exponent_of_a_currency(currency: str, digits: int) -> None:
    assert EXPONENTS[currency] == digits


def test_every_minor_amount_comes_back_from_its_major_one() -> None:
    for currency in EXPONENTS:
        for minor in (0, 1, 99, 12_345, 999_999_999_999):
            assert to_minor(to_major(minor, currency), currency) == minor


def test_floats_count_as_the_decimals_they_print_as() -> None:
    assert [to_minor(value, "usd") for value in (2.675, 1.005, 0.285, 57.16)] == [
        268,
        100,
        28,
        5716,
    ]
    assert to_minor(Decimal("0.015"), "usd") == 2


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf"])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        to_minor(text, "usd")


def test_countries_are_the_249_of_the_standard() -> None:
    assert len(COUNTRY_CODES) == 249
    assert country_code_of(" United Kingdom ") == "GB"
    assert country_code_of("na") == "NA"
    assert country_code_of("Atlantis") is None
