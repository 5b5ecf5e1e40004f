"""Exchange rates: what an amount is worth in the currencies rules ask for."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from sekisho.events.families import CURRENCIES
from sekisho.events.loose import is_object
from sekisho.kit.money import EXPONENTS

SCALE: Final = 10_000.0
"""Converted amounts are rounded to four decimals, halves up."""

Factors = tuple[tuple[str, float], ...]

# Dollars for one unit, rounded, early 2026: good enough to try things out, not to settle anything.
_INDICATIVE: Final = {
    "aed": 0.2723, "ars": 0.0007, "aud": 0.67, "brl": 0.185, "cad": 0.73, "chf": 1.26,
    "clp": 0.0011, "cny": 0.143, "cop": 0.00027, "czk": 0.048, "dkk": 0.157, "eur": 1.17,
    "gbp": 1.34, "hkd": 0.1285, "huf": 0.003, "idr": 0.00006, "ils": 0.31, "inr": 0.0111,
    "jpy": 0.0064, "khr": 0.00025, "krw": 0.00068, "mxn": 0.056, "myr": 0.246, "nok": 0.099,
    "nzd": 0.58, "php": 0.017, "pln": 0.277, "ron": 0.23, "rub": 0.0127, "sek": 0.109,
    "sgd": 0.777, "thb": 0.032, "try": 0.0233, "twd": 0.0318, "usd": 1.0, "vnd": 0.000038,
    "zar": 0.061,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """What one major unit of each currency is worth in dollars, on a date, by a source.

    A currency without a rate has no converted amounts; its own `amount_in_…` is exact all the same.
    """

    usd_per_unit: Mapping[str, float]
    date: str
    source: str

    def factors(self, currency: str, into: Iterable[str] = CURRENCIES) -> Factors:
        """Attribute and factor per target: `floor(minor * factor + 0.5) / SCALE` is its value."""
        rate = self.usd_per_unit.get(currency)
        if rate is None:
            return ()
        scale = SCALE / 10 ** EXPONENTS[currency]
        return tuple(
            (f"amount_in_{target}", rate / self.usd_per_unit[target] * scale)
            for target in into
            if target != currency and target in self.usd_per_unit
        )


def indicative_rates() -> ExchangeRates:
    """The bundled rates: for trying out and for tests; an operator gives real ones.

    >>> indicative_rates().usd_per_unit["usd"]
    1.0
    """
    return ExchangeRates(_INDICATIVE, "2026-01-02", "bundled, indicative")


def load_rates(path: Path) -> ExchangeRates:
    """Rates from an operator's TOML: `date`, `source` and a table `usd_per_unit`.

    Raises:
        ValueError: a key is missing, a currency unknown or a rate not above zero.
        OSError: the file cannot be read.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    missing = {"date", "source", "usd_per_unit"} - table.keys()
    if missing:
        message = f"`{path.name}` lacks `{min(missing)}`; it needs date, source and [usd_per_unit]"
        raise ValueError(message)
    given: object = table["usd_per_unit"]
    if not is_object(given):
        message = f"`usd_per_unit` of `{path.name}` is not a table: write [usd_per_unit]"
        raise ValueError(message)
    rates = {code.lower(): _rate(code, value) for code, value in given.items()}
    return ExchangeRates({**rates, "usd": 1.0}, str(table["date"]), str(table["source"]))


def _rate(code: str, value: object) -> float:
    if code.lower() not in EXPONENTS:
        message = f"`{code}` is not a currency of ISO 4217"
        raise ValueError(message)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not isfinite(value)
        or value <= 0
    ):
        message = f"the rate of `{code}` is not a number above zero"
        raise ValueError(message)
    return float(value)
