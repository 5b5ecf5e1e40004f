"""How the columns of a file are understood: what an operator checks before an import."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

import msgspec
import polars as pl

from sekisho.events import EventMap, all_paths
from sekisho.history.shapes import METADATA

SAMPLES: Final = 3
SAMPLE_LENGTH: Final = 32
LIKELY: Final = 0.7  # of the letters of a name must agree with a field's for a guess
_NOT_LETTERS: Final = re.compile(r"[^a-z0-9]+")
_OTHER_NAMES: Final[dict[str, str]] = {
    "created": "occurred_at", "created_at": "occurred_at", "timestamp": "occurred_at",
    "datetime": "occurred_at", "date": "occurred_at", "time": "occurred_at",
    "transaction_id": "id", "payment_id": "id", "charge_id": "id", "event_id": "id",
    "customer_id": "customer", "user_id": "customer", "account_id": "account",
    "merchant_id": "merchant", "terminal_id": "merchant", "device_id": "device",
    "ip": "ip_address", "value": "amount", "total": "amount", "is_fraud": "label",
    "fraud": "label", "zip": "billing_address.postal_code",
}  # fmt: skip
"""What others call our fields."""


class Understood(msgspec.Struct):
    """One column of a file.

    Attributes:
        column: its name; empty for a constant.
        field: the field it fills; empty when it is not used.
        type: what it holds, as the file says.
        samples: some of its values.
        missing: share of rows in which it is empty, of those looked at.
        guess: for a column that is not used, the field it may be meant for.
    """

    column: str
    field: str
    type: str
    samples: list[str]
    missing: float
    guess: str = ""


def understand(frame: pl.DataFrame, event_map: EventMap | None) -> list[Understood]:
    """Every column of a file, those in use first; without a map, with guesses alone."""
    fields = _fields(event_map)
    constants = [
        Understood("", path, "constant", [str(source.constant)], 0.0)
        for path, source in (event_map.sources.items() if event_map is not None else ())
        if not source.column
    ]
    columns = [
        _column(frame[name], ", ".join(fields.get(name, ())), used=name in fields)
        for name in frame.columns
    ]
    used = [one for one in columns if one.field]
    return constants + used + [one for one in columns if not one.field]


def proposed_map(columns: Sequence[Understood]) -> str:
    """A map to start from, by the names of columns."""
    lines = ['type = "payment"']
    taken: set[str] = set()
    for one in columns:
        if one.guess and one.guess not in taken:
            taken.add(one.guess)
            lines.append(f'{one.guess} = "{one.column}"')
    lines += [
        f'{path} = ""  # which column?' for path in ("id", "occurred_at") if path not in taken
    ]
    return "\n".join(lines)


def guess(column: str) -> str:
    """The field that a column's name is nearest to; empty when none is near.

    >>> guess("card_fingerprint"), guess("Customer Email"), guess("zzz")
    ('card.fingerprint', 'email', '')
    """
    name = _plain(column.removesuffix(METADATA))
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    known = {_plain(path): path for path in all_paths()}
    if name in known:
        return known[name]
    tail = name.removeprefix("customer_")
    if tail in known:
        return known[tail]
    near = get_close_matches(name, known, n=1, cutoff=LIKELY)
    return known[near[0]] if near else ""


def _plain(name: str) -> str:
    return _NOT_LETTERS.sub("_", name.casefold()).strip("_")


def _fields(event_map: EventMap | None) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for path, source in event_map.sources.items() if event_map is not None else ():
        places = {source.column: path, source.known_at: f"{path} (known at)"}
        if path == "amount":
            places.setdefault(source.currency, "currency")
        for column, what in places.items():
            if column:
                found.setdefault(column, []).append(what)
    return found


def _column(series: pl.Series, field: str, *, used: bool) -> Understood:
    empty = series.is_null()
    if series.dtype == pl.String:
        empty |= (series == "").fill_null(value=False)
    values = series.filter(~empty).unique(maintain_order=True).head(SAMPLES).to_list()
    return Understood(
        series.name,
        field,
        str(series.dtype).lower().partition("(")[0],
        [_shown(value) for value in values],
        float(str(empty.mean() or 0.0)),
        "" if used else guess(series.name),
    )


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= SAMPLE_LENGTH else text[: SAMPLE_LENGTH - 1] + "…"
