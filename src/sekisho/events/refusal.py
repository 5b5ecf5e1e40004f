"""Why an event was turned away: problems with a place, and the one error that carries them."""

from dataclasses import dataclass

BAD_REQUEST = 400
TOO_LARGE = 413
UNPROCESSABLE = 422

MAX_PROBLEMS = 20
"""Problems reported at once: enough to mend a payload, few enough to find cheaply."""
MAX_SHOWN = 100
"""Characters of a caller's own name shown in a problem."""


def shown(name: str) -> str:
    """A caller's own name, cut to what a message can hold.

    >>> shown("emial"), len(shown("x" * 60_000))
    ('emial', 101)
    """
    return name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a payload.

    Attributes:
        place: path of the field, such as `card.country`; empty for the whole payload.
        code: what kind of problem, from a closed list (`CODES`).
        message: what is wrong; never quotes a card number or personal text.
        hint: what to do about it; may be empty.
    """

    place: str
    code: str
    message: str
    hint: str = ""


CODES = frozenset({
    "too_large", "not_utf8", "not_json", "bad_text", "bad_number", "too_deep", "not_an_object",
    "unknown_type", "missing_field", "unknown_field", "wrong_type", "out_of_range", "too_long",
    "bad_value", "bad_time", "bad_email", "bad_phone", "bad_ip_address", "bad_country",
    "bad_currency", "bad_metadata_key", "unknown_attribute", "counter_given", "card_number",
    "sensitive_field",
})  # fmt: skip
"""Every code a problem may have; part of the API."""


class EventRefused(Exception):
    """The payload is not an event we take; `status` is the HTTP status that says so."""

    def __init__(self, status: int, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__(f"{first.place}: {first.message}" if first.place else first.message)
        self.status = status
        self.problems = problems
