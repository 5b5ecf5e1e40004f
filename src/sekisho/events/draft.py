"""A record in the making: what was understood so far, and what was found wrong."""

from typing import Final

from sekisho.events import normalise
from sekisho.events.context import ReceiveContext
from sekisho.events.refusal import Problem
from sekisho.kit.countries import country_code_of

Scalar = str | float | int | bool
Record = dict[str, Scalar]

ADVICE_ON_COUNTRY: Final = "give two letters, such as `JP`"


class Draft:
    """The record of one event while it is being built; problems are collected, not raised."""

    __slots__ = ("context", "problems", "record")

    def __init__(self, context: ReceiveContext, record: Record) -> None:
        self.context = context
        self.record = record
        self.problems: list[Problem] = []

    def refuse(self, place: str, code: str, message: str, hint: str = "") -> None:
        """Note a problem and go on, so that the caller learns of all of them at once."""
        self.problems.append(Problem(place, code, message, hint))

    def put_country(self, attribute: str, text: str, place: str) -> None:
        """Put a country code into the record, or say which code was meant."""
        code = normalise.country(text)
        if code is not None:
            self.record[attribute] = code
            return
        meant = country_code_of(text)
        hint = f"did you mean `{meant}`?" if meant else ADVICE_ON_COUNTRY
        self.refuse(place, "bad_country", "not a country code of ISO 3166-1", hint)
