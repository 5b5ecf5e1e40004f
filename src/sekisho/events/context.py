"""What the door knows beforehand: attributes, exchange rates, and the operator's exceptions."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from sekisho.events.catalogue import default_catalogue, is_counter
from sekisho.events.exchange import ExchangeRates, Factors, indicative_rates
from sekisho.events.families import CURRENCIES
from sekisho.kit.money import EXPONENTS
from sekisho.language import Catalogue, Type


class Kind(IntEnum):
    """How a value of an attribute type is checked and folded; plain numbers, for speed."""

    FOLDED = 0
    EXACT = 1
    COUNTRY = 2
    STATE = 3
    NUMBER = 4
    FLAG = 5


KIND_OF: Final[Mapping[Type, int]] = {
    Type.STRING_CI: int(Kind.FOLDED),
    Type.STRING_CS: int(Kind.EXACT),
    Type.METADATA: int(Kind.EXACT),
    Type.COUNTRY: int(Kind.COUNTRY),
    Type.STATE: int(Kind.STATE),
    Type.NUMERIC: int(Kind.NUMBER),
    Type.BOUNDED: int(Kind.NUMBER),
    Type.BOOLEAN: int(Kind.FLAG),
}

_NOT_GIVABLE: Final = frozenset({"event_type"})


class Conversion(NamedTuple):
    """How an amount of one currency becomes attributes; `own` is empty where it has none."""

    own: str
    divisor: int
    factors: Factors


class ReceiveContext:
    """Settings of `receive`, worked out once; immutable for its users.

    Args:
        catalogue: attributes that exist, declared counters and profiles included.
        exchange: rates for `amount_in_…`.
        currencies: targets to convert to; fewer are faster, so give those that rules read.
        trusted_places: places such as `metadata.order_id` whose long numeric ids may look like
            card numbers; nothing else is exempt.
        wanted: attributes that will be read; a record may then lack all others. None: all.
    """

    __slots__ = (
        "_conversions",
        "catalogue",
        "currencies",
        "exchange",
        "givable",
        "trusted_places",
        "wanted",
    )

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        exchange: ExchangeRates | None = None,
        currencies: Sequence[str] = CURRENCIES,
        trusted_places: frozenset[str] = frozenset(),
        wanted: frozenset[str] | None = None,
    ) -> None:
        self.catalogue = default_catalogue() if catalogue is None else catalogue
        self.exchange = indicative_rates() if exchange is None else exchange
        self.currencies = tuple(currencies)
        self.trusted_places = trusted_places
        self.wanted = wanted
        self.givable = {
            name: KIND_OF[spec.type]
            for name, spec in self.catalogue.items()
            if not is_counter(spec) and name not in _NOT_GIVABLE
        }
        self._conversions: dict[str, Conversion] = {}

    def narrowed(self, wanted: frozenset[str]) -> "ReceiveContext":
        """The same for somebody who reads these attributes alone."""
        return ReceiveContext(
            self.catalogue, self.exchange, self.currencies, self.trusted_places, wanted
        )

    def conversion(self, currency: str) -> Conversion | None:
        """How to convert from a currency in lower case; None when there is no such currency."""
        found = self._conversions.get(currency)
        if found is None and currency in EXPONENTS:
            own = f"amount_in_{currency}"
            found = Conversion(
                own if own in self.catalogue else "",
                10 ** EXPONENTS[currency],
                self.exchange.factors(currency, self.currencies),
            )
            self._conversions[currency] = found
        return found
