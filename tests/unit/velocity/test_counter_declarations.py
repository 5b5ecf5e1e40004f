"""What a declaration of a counter means, and how a wrong one is refused."""

import pytest

from sekisho.events import default_catalogue
from sekisho.velocity import (
    Aggregate,
    CounterRefused,
    CounterSpec,
    family_names,
    family_spec,
    parse_counter,
    parse_counters,
)

CATALOGUE = default_catalogue()
HOUR = 3_600_000_000
GOOD: dict[str, object] = {
    "aggregate": "count",
    "of": "payment",
    "by": ["card_fingerprint"],
    "window": "36h",
}


def test_a_full_declaration_is_read_as_written() -> None:
    declaration = {
        **GOOD,
        "where": ":outcome: = 'declined'",
        "lag": "0s",
        "value": None,
        "include_current": True,
        "cap": 25,
    }
    assert parse_counter("declined", declaration, CATALOGUE) == CounterSpec(
        "declined",
        Aggregate.COUNT,
        ("payment",),
        ("card_fingerprint",),
        ":outcome: = 'declined'",
        36 * HOUR,
        include_current=True,
        cap=25,
    )


@pytest.mark.parametrize(
    ("change", "place", "hint"),
    [
        ({"aggregate": "cuont"}, "aggregate", "count"),
        ({"aggregate": None}, "aggregate", ""),
        ({"of": "paymnt"}, "of", "payment"),
        ({"of": []}, "of", ""),
        ({"of": ["payment", "payment"]}, "of", ""),
        ({"of": [1]}, "of", ""),
        ({"by": "card_fingerprnt"}, "by", "card_fingerprint"),
        ({"by": "total_charges_per_customer_hourly"}, "by", ""),
        ({"by": ["customer", ":customer:"]}, "by", ""),
        ({"by": ["customer", "email", "ip_address", "device", "merchant"]}, "by", ""),
        ({"window": None}, "window", ""),
        ({"window": "0s"}, "window", "1s"),
        ({"window": "366d"}, "window", "365d"),
        ({"window": "1 hour"}, "window", "36h"),
        ({"window": 3600}, "window", "36h"),
        ({"lag": "-1s"}, "lag", "36h"),
        ({"whree": ":outcome: = 'x'"}, "whree", "where"),
        ({"where": ":outcom: = 'declined'"}, "where", ":outcome:"),
        ({"where": ":email: in @blocked"}, "where", ""),
        ({"where": ":total_charges_per_customer_hourly: > 3"}, "where", ""),
        ({"value": "amount_in_usd"}, "value", ""),
        ({"aggregate": "sum"}, "value", ""),
        ({"aggregate": "sum", "value": "email"}, "value", ""),
        ({"aggregate": "ratio", "value": "email"}, "value", ":email: = '…'"),
        ({"aggregate": "ratio", "value": "amount_in_usd >"}, "value", ""),
        ({"cap": -1}, "cap", ""),
        ({"aggregate": "sum", "value": "amount_in_usd", "cap": 5}, "cap", ""),
        ({"unit": "hours"}, "unit", ""),
        ({"aggregate": "first", "unit": "hour"}, "unit", "hours"),
        ({"include_current": "yes"}, "include_current", ""),
    ],
)
def test_a_wrong_declaration_names_the_field_and_a_better_text(
    change: dict[str, object], place: str, hint: str
) -> None:
    with pytest.raises(CounterRefused) as refused:
        parse_counter("mine", {**GOOD, **change}, CATALOGUE)
    assert refused.value.place == place
    if hint:
        assert refused.value.hint == hint


@pytest.mark.parametrize("name", ["", "9lives", "Cards", "a-b", "email", "is_new_card_on_customer"])
def test_a_name_must_be_plain_and_free(name: str) -> None:
    with pytest.raises(CounterRefused):
        parse_counter(name, GOOD, CATALOGUE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("label", ("", ":label: = 'fraud'")),
        (":is_anonymous_ip:", ("", ":is_anonymous_ip:")),
        ("amount_in_usd", ("amount_in_usd", "")),
        ("::age::", ("::age::", "")),
        (":outcome: = 'declined'", ("", ":outcome: = 'declined'")),
    ],
)
def test_a_ratio_shares_out_a_number_or_a_condition(value: str, expected: tuple[str, str]) -> None:
    spec = parse_counter("share", {**GOOD, "aggregate": "ratio", "value": value}, CATALOGUE)
    assert (spec.value, spec.matching) == expected


@pytest.mark.parametrize(
    "text",
    [
        '[counters.a]\naggregate="count"\nof="login"\nby="customer"\nwindow="1s"',
        '[a]\naggregate="count"\nof="login"\nby="customer"\nwindow="1s"',
        '[[counter]]\nname="a"\naggregate="count"\nof="login"\nby="customer"\nwindow="1s"',
    ],
)
def test_toml_is_read_in_each_of_its_three_forms(text: str) -> None:
    assert parse_counters(text, CATALOGUE) == (
        CounterSpec("a", Aggregate.COUNT, ("login",), ("customer",), window_us=1_000_000),
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[a", ""),
        ("a = 1", "a"),
        ('[[counter]]\naggregate = "count"', "counter"),
        ('[a]\naggregate = "cnt"', "a.aggregate"),
        (
            (
                '[counters.a]\naggregate="count"\nof="login"\nby="customer"\nwindow="1s"\n'
                '[a]\naggregate="count"\nof="login"\nby="customer"\nwindow="1s"'
            ),
            "a",
        ),
    ],
)
def test_wrong_toml_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(CounterRefused) as refused:
        parse_counters(text, CATALOGUE)
    assert refused.value.place == place


def test_every_velocity_attribute_of_the_catalogue_has_a_counter() -> None:
    groups = {
        "velocity_authorized",
        "velocity_blocked",
        "velocity_declined",
        "velocity_total",
        "card_usage",
        "email_usage",
        "refunds",
        "efw",
        "disputes",
        "time",
    }
    wanted = {name for name, spec in CATALOGUE.items() if spec.group in groups}
    assert wanted <= family_names()
    assert all(name in CATALOGUE for name in family_names())


def test_family_windows_and_bounds_are_those_of_the_names() -> None:
    weekly = family_spec("card_count_for_ip_address_weekly")
    assert weekly is not None
    assert (weekly.window_us, weekly.cap, weekly.value) == (168 * HOUR, 25, "card_fingerprint")
    assert family_spec("average_usd_amount_attempted_on_card_all_time") is not None
    assert family_spec("cards_per_moon_phase") is None
