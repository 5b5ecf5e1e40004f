"""Bounds are of attributes that may be given, and agree with what the catalogue says."""

import re

from sekisho.events import ReceiveContext, default_catalogue
from sekisho.events.bounds import CHOICES, RANGES
from sekisho.language import Type

STATED = re.compile(r"(?P<low>\d+) (?:\(\w+\) )?to (?P<high>\d+)")
NUMBERS = (Type.NUMERIC, Type.BOUNDED)


def test_every_bound_is_of_an_attribute_that_may_be_given() -> None:
    givable = ReceiveContext().givable
    assert {*RANGES, *CHOICES} <= set(givable)


def test_every_range_the_catalogue_states_is_checked() -> None:
    for name, spec in default_catalogue().items():
        stated = STATED.search(spec.meaning) if spec.type in NUMBERS else None
        if stated:
            assert RANGES[name] == (float(stated["low"]), float(stated["high"])), name


def test_every_choice_is_named_by_the_catalogue() -> None:
    for name, choices in CHOICES.items():
        for one in choices - {"unknown", "not_assessed"}:
            assert one in default_catalogue()[name].meaning, name
