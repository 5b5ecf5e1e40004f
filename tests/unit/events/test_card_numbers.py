"""Card numbers are found however they are written, and look-alikes are let through."""

import random

import pytest

from sekisho.events import EventRefused, ReceiveContext, holds_card_number, receive
from sekisho.events.card_numbers import is_card_number, may_hold_card_number

TEST_NUMBERS = (
    "4242424242424242",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
    "6759649826438453",
    "6304000000000000",
    "5019717010103742",
    "2200000000000004",
)
GROUPINGS = ("{}", "my card {} please", "pan:{}", "card{}", "_{}_", "({})", "x={};")


@pytest.mark.parametrize("number", TEST_NUMBERS)
@pytest.mark.parametrize("separator", ["", " ", "-", ".", " - ", "/", "_", "\u00a0", "\u2011"])
def test_numbers_of_every_network_are_found_in_any_grouping(number: str, separator: str) -> None:
    grouped = separator.join(number[start : start + 4] for start in range(0, len(number), 4))
    spaced = separator.join(number)
    for text in (grouped, spaced):
        for frame in GROUPINGS:
            assert holds_card_number(frame.format(text)), frame.format(text)


@pytest.mark.parametrize(
    "digits",
    [
        "\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12",
        "\u0664٢\u0664٢\u0664٢\u0664٢\u0664٢\u0664٢\u0664٢\u0664٢",
    ],
)
def test_digits_of_other_scripts_count(digits: str) -> None:
    assert may_hold_card_number(f'"{digits}"'.encode())
    assert holds_card_number(digits)


@pytest.mark.parametrize(
    "text",
    [
        "1795312923000000",  # microseconds since 1970
        "1795312923000",  # milliseconds
        "20261122010203",  # a date and time
        "2026-11-22 01:02:03.123456",
        "+4915112345678",  # a phone number of 13 digits
        "+49 1511 2345678",
        "550e8400-e29b-41d4-a716-446655440000",
        "a3f5c94242424242424242b7d01e9f3c8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d",  # a digest
        "35.68948712345678",  # degrees
        "203.0.113.9, 198.51.100.23",
        "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.6478.126 Safari/537.36",
        "4242424242424241",  # wrong check digit
        "123456789012",
        "9999999999999995",  # no network begins with 9999
    ],
)
def test_look_alikes_are_let_through(text: str) -> None:
    assert not holds_card_number(text)


def test_fast_test_never_misses_what_the_slow_one_finds() -> None:
    draw = random.Random(20261122)
    for _ in range(3_000):
        number = draw.choice(TEST_NUMBERS)
        separators = draw.choices(["", "", " ", "-", ".", "/", "_", "\t"], k=len(number))
        text = "".join(digit + gap for digit, gap in zip(number, separators, strict=True))
        found = holds_card_number(text)
        assert not found or may_hold_card_number(text.encode())


def test_one_random_number_in_twenty_is_mistaken_for_a_card() -> None:
    draw = random.Random(7)
    mistaken = sum(is_card_number(f"{draw.randrange(10**15, 10**16)}") for _ in range(20_000))
    assert mistaken / 20_000 < 0.06


def test_a_thousand_numbers_are_refused_in_every_kind_of_place() -> None:
    draw, context = random.Random(3), ReceiveContext()
    places = (
        '"id":"%s"',
        '"id":"p","name":"%s"',
        '"id":"p","metadata":{"a":"%s"}',
        '"id":"p","card":{"fingerprint":"%s"}',
        '"id":"p","metadata":{"%s":"a"}',
        '"id":"p","metadata":{"a":%s}',
        '"id":"p","email":"%s@example.com"',
        '"id":"p","billing_address":{"line1":"%s"}',
        '"id":"p","attributes":{"isp":"%s"}',
        '"id":"p","attributes":{"risk_score":%s}',
        '"id":"p","unknown":{"deep":["%s"]}',
        '"id":"p","amount":%s',
    )
    for place in places:
        for _ in range(80):
            number = _issued(draw)
            body = ('{"type":"payment",' + place % number + "}").encode()
            with pytest.raises(EventRefused) as caught:
                receive(body, 0, context)
            assert caught.value.status == 422
            assert caught.value.problems[0].code == "card_number"
            assert number not in repr(caught.value.problems)


def _issued(draw: random.Random) -> str:
    """A random number of a network with a right check digit."""
    prefix, length = draw.choice(
        [("4", 16), ("55", 16), ("37", 15), ("6011", 16), ("3530", 16), ("62", 17)]
    )
    body = prefix + "".join(draw.choices("0123456789", k=length - 1 - len(prefix)))
    return next(body + check for check in "0123456789" if is_card_number(body + check))
