"""Card numbers at the door: found in any text or number, so that none is ever stored.

A finding needs all of: 13 to 19 digits (spaces, dashes, dots, slashes and underscores may stand
between), a prefix and length that a card network uses, and a right Luhn check digit. About one
random digit string in twenty of 16 digits passes; times in any unit since 1970, dates, decimal
fractions, hexadecimal ids and phone numbers written with a plus do not.
"""

import re
import unicodedata
from typing import Final

MIN_DIGITS: Final = 13
MAX_DIGITS: Final = 19
MAX_PHONE_DIGITS: Final = 15
"""Digits of a phone number with its country code. Source: E.164."""

SENSITIVE_NAMES: Final = frozenset({
    "cvc", "cvv", "cvc2", "cvv2", "cvn", "cardcvc", "cardcvv", "securitycode", "cardsecuritycode",
    "track", "track1", "track2", "track3", "trackdata", "track1data", "track2data", "magstripe",
    "pinblock", "pan", "cardnumber", "cardno", "primaryaccountnumber",
})  # fmt: skip
"""Names of card secrets that nobody may keep after authorisation, without case and punctuation.

Source: PCI DSS 4.0.1, requirement 3.3.1.
"""

_SEPARATORS: Final = b" -./_\t"
_DIGITS_ONLY: Final = (
    bytes(ord("0") if chr(byte).isdigit() else 120 for byte in range(128)) + b"x" * 128
)
_CANDIDATE: Final = b"0" * MIN_DIGITS
# First UTF-8 bytes of decimal digits outside ASCII; everything else is deleted before the test.
_NOT_DIGIT_LEADS: Final = bytes(set(range(256)) - {0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0})
_RUN: Final = re.compile(r"(?<!\d)\d(?:[ \t\-./_\u00a0\u2007-\u2015\u202f]{0,3}\d){12,}")
_PHONE: Final = re.compile(rb'"\+[0-9]{1,15}"')
_GROUP: Final = re.compile(r"\d+")
_HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F]{20,}")
_DECIMAL: Final = re.compile(r"\d+\.\d+")
_NOT_ALPHANUMERIC: Final = re.compile(r"[\W_]+")

# (first prefix, last prefix, lengths): the ranges the networks issue from.
_RANGES: Final = tuple(
    (str(first), str(last), frozenset(lengths))
    for first, last, lengths in (
        (4, 4, (13, 16, 18, 19)),  # Visa
        (51, 55, (16,)),  # Mastercard
        (2221, 2720, (16,)),  # Mastercard
        (34, 34, (15,)),  # American Express
        (37, 37, (15,)),
        (300, 305, (14, 16, 19)),  # Diners Club
        (3095, 3095, (14, 16, 19)),
        (36, 36, range(14, 20)),
        (38, 39, range(14, 20)),
        (6011, 6011, range(16, 20)),  # Discover
        (644, 659, range(16, 20)),
        (3528, 3589, range(16, 20)),  # JCB
        (62, 62, range(16, 20)),  # UnionPay
        (81, 82, (16,)),  # UnionPay, RuPay
        (60, 60, (16,)),  # RuPay
        (50, 50, range(13, 20)),  # Maestro, Verve, Elo
        (56, 58, range(13, 20)),  # Maestro
        (6304, 6304, range(13, 20)),
        (639, 639, range(13, 20)),
        (67, 67, range(13, 20)),
        (2200, 2204, range(16, 20)),  # Mir
        (9792, 9792, (16,)),  # Troy
    )
)
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")  # twice the digit, its digits added up


def _lengths_by_prefix() -> dict[str, frozenset[int]]:
    """The lengths in use for each first four digits that a network issues."""
    lengths: dict[str, frozenset[int]] = {}
    for first, last, allowed in _RANGES:
        low, high = int(first.ljust(4, "0")), int(last.ljust(4, "9"))
        for prefix in range(low, high + 1):
            lengths[str(prefix)] = lengths.get(str(prefix), frozenset()) | allowed
    return lengths


_LENGTHS: Final = _lengths_by_prefix()


def may_hold_card_number(body: bytes) -> bool:
    """A fast test on JSON text: False means there is certainly no card number in it.

    >>> may_hold_card_number(b"4242-4242 4242.4242"), may_hold_card_number(b"2500")
    (True, False)
    """
    if _CANDIDATE in body.translate(_DIGITS_ONLY, _SEPARATORS):
        # Most often it is a phone number with its country code, which is none by definition.
        without = _PHONE.sub(b"", body)
        if _CANDIDATE in without.translate(_DIGITS_ONLY, _SEPARATORS):
            return True
    return not body.isascii() and bool(body.translate(None, _NOT_DIGIT_LEADS))


def is_card_number(digits: str) -> bool:
    """Whether 13 to 19 digits have a network's prefix and length and a right check digit.

    >>> is_card_number("4242424242424242"), is_card_number("4242424242424241")
    (True, False)
    """
    return _is_issued(digits) and _luhn(digits)


def holds_card_number(text: str) -> bool:
    """Whether a text holds a card number, however it is grouped.

    >>> holds_card_number("my card: 4242 4242 4242 4242."), holds_card_number("1795312923000000")
    (True, False)
    """
    if not text.isascii():
        text = _western_digits(text)
    return any(_run_holds(text, match) for match in _RUN.finditer(text))


def is_sensitive_name(name: str) -> bool:
    """Whether a field of this name would hold a security code, a stripe or a card number.

    >>> is_sensitive_name("CVV_2"), is_sensitive_name("cvc_check")
    (True, False)
    """
    return _NOT_ALPHANUMERIC.sub("", name).casefold() in SENSITIVE_NAMES


def _run_holds(text: str, match: re.Match[str]) -> bool:
    run, start = match.group(), match.start()
    groups = _GROUP.findall(run)
    if text[start - 1 : start] == "+" and sum(map(len, groups)) <= MAX_PHONE_DIGITS:
        return False
    if _in_hexadecimal(text, match):
        return False
    if _DECIMAL.fullmatch(run):
        return any(is_card_number(group) for group in groups)
    return any(
        is_card_number(digits)
        for first in range(len(groups))
        for digits in _joined_from(groups, first)
    )


def _joined_from(groups: list[str], first: int) -> list[str]:
    """Neighbouring groups joined, from one group on, as long as they are not too long."""
    joined: list[str] = []
    digits = ""
    for group in groups[first:]:
        digits += group
        if len(digits) > MAX_DIGITS:
            break
        if len(digits) >= MIN_DIGITS:
            joined.append(digits)
    return joined


def _in_hexadecimal(text: str, match: re.Match[str]) -> bool:
    """Whether the run is a part of a longer hexadecimal word, such as a digest."""
    start, end = match.span()
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    word = text[start:end]
    return not word.isdigit() and _HEXADECIMAL.fullmatch(word) is not None


def _is_issued(digits: str) -> bool:
    return len(digits) in _LENGTHS.get(digits[:4], ())


def _luhn(digits: str) -> bool:
    """Whether the last digit checks. Source: ISO/IEC 7812-1, annex B."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(map(int, digits[-1::-2])) + sum(map(int, doubled))) % 10 == 0


def _western_digits(text: str) -> str:
    """The text with the decimal digits of every script written 0 to 9."""
    return "".join(
        character if character.isascii() else str(unicodedata.decimal(character, character))
        for character in text
    )
