"""The tables that events point into: people, cards, addresses, devices, IPs, accounts."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from sekisho.sandbox.draft import Flags, Ints, chance
from sekisho.sandbox.places import (
    BRANDS,
    CONNECTIONS,
    COUNTRIES,
    COUNTRY_ROW,
    DISPOSABLE_DOMAINS,
    EMAIL_DOMAINS,
    FAMILY_NAMES,
    GIVEN_NAMES,
    ISSUERS_PER_BRAND,
    PHONES_UNTIL,
    SEGMENTS,
    STREETS,
    SYSTEMS,
)

SPREAD = 2_654_435_761  # odd, so multiplying modulo a power of two is a bijection
FUNDING = ("credit", "debit", "prepaid")
BANKS_BY_FUNDING = np.array([(0, 1, 2), (3, 4, 3), (5, 5, 5)])
"""Which of a brand's issuers in a country make cards of each funding."""
MAX_NAMES = 64  # a name is a draw below this, taken modulo the country's own table


def scrambled(rows: Ints, bits: int, salt: int) -> Ints:
    """Distinct numbers for distinct rows, so that an id does not tell when its entity was made.

    >>> len(set(scrambled(np.arange(1000), 32, 7).tolist()))
    1000
    """
    return (rows * SPREAD + salt * 40_503) & ((1 << bits) - 1)


class Table:
    """One kind of entity; an entity is known by its row, and rows are only ever added."""

    def __init__(self) -> None:
        self._columns: dict[str, Ints] = {}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: int, **columns: Ints | Flags | int) -> Ints:
        """Append entities and say which rows they got."""
        first, self._rows = self._rows, self._rows + rows
        for name, values in columns.items():
            column = self._columns.get(name, np.empty(0, np.int64))
            if len(column) < self._rows:
                grown = np.empty(max(self._rows, 2 * len(column)), np.int64)
                grown[:first] = column[:first]
                self._columns[name] = column = grown
            column[first : self._rows] = values
        return np.arange(first, self._rows, dtype=np.int64)

    def column(self, name: str) -> Ints:
        """All values of one column, by row."""
        return self._columns[name][: self._rows]


class Network(IntEnum):
    """Which part of the address space an IP is taken from (first octet of the invented plan)."""

    HOME = 11
    MOBILE = 26
    OFFICE = 28
    ROAMING = 29
    VPN = 30
    DATACENTER = 33
    TOR = 55


@dataclass(frozen=True, slots=True)
class Entities:
    """Every table, and how new members come into the world.

    The address blocks belong to networks that are never announced, so no packet can reach anybody.
    """

    rng: np.random.Generator
    people: Table = field(default_factory=Table)
    phones: Table = field(default_factory=Table)
    cards: Table = field(default_factory=Table)
    addresses: Table = field(default_factory=Table)
    ips: Table = field(default_factory=Table)
    devices: Table = field(default_factory=Table)
    payees: Table = field(default_factory=Table)
    merchants: Table = field(default_factory=Table)

    def countries(self, rows: int) -> Ints:
        """Home countries drawn by their share."""
        shares = np.cumsum([country.share for country in COUNTRIES])
        return np.searchsorted(shares / shares[-1], self.rng.random(rows)).astype(np.int64)

    def add_phones(self, country: Ints, subscriber: Ints | None = None) -> Ints:
        """Mobile numbers; `subscriber` fixes their last digits (neighbours, for SMS pumping)."""
        rows = len(country)
        draw = self.rng.integers(0, 10**8, rows) if subscriber is None else subscriber
        return self.phones.add(
            rows, country=country, prefix=self.rng.integers(0, 60, rows), subscriber=draw
        )

    def add_people(self, country: Ints, *, guest: Flags | int = 0, disposable: float = 0.0) -> Ints:
        """Persons with a name, an e-mail address and a telephone of their own."""
        rows = len(country)
        thrown_away = chance(self.rng, rows, disposable)
        domain = np.where(
            thrown_away,
            len(EMAIL_DOMAINS) + self.rng.integers(0, len(DISPOSABLE_DOMAINS), rows),
            self.rng.integers(0, len(EMAIL_DOMAINS), rows),
        )
        return self.people.add(
            rows,
            country=country,
            given=self.rng.integers(0, MAX_NAMES, rows),
            family=self.rng.integers(0, MAX_NAMES, rows),
            domain=domain,
            style=self.rng.integers(0, 5, rows),
            guest=guest,
            phone=self.add_phones(country),
        )

    def add_addresses(self, country: Ints) -> Ints:
        """Street addresses in these countries."""
        rows = len(country)
        return self.addresses.add(
            rows,
            country=country,
            city=self.rng.integers(0, MAX_NAMES, rows),
            postal=self.rng.integers(0, 100, rows),
            street=self.rng.integers(0, len(STREETS), rows),
            number=self.rng.integers(1, 200, rows),
        )

    def add_cards(
        self, holder: Ints, address: Ints, *, brand: int = -1, prepaid: float = -1.0, bins: int = 0
    ) -> Ints:
        """Cards in the holders' names; brand, part of prepaid, number of BINs may be forced."""
        rows = len(holder)
        country = self.people.column("country")[holder]
        brands = self._brands(rows) if brand < 0 else np.full(rows, brand, np.int64)
        funding = self._funding(brands, prepaid)
        bank = BANKS_BY_FUNDING[funding, self.rng.integers(0, 3, rows)]
        issuer = (country * len(BRANDS) + brands) * ISSUERS_PER_BRAND + bank
        if bins > 0:  # one attack, few BINs: reuse the first ones drawn
            pick = self.rng.integers(0, min(bins, rows), rows)
            issuer, funding = issuer[pick], funding[pick]
        return self.cards.add(rows, issuer=issuer, funding=funding, holder=holder, address=address)

    def _brands(self, rows: int) -> Ints:
        shares = np.cumsum([brand.share for brand in BRANDS])
        return np.searchsorted(shares / shares[-1], self.rng.random(rows)).astype(np.int64)

    def _funding(self, brands: Ints, prepaid: float) -> Ints:
        """Row in FUNDING: credit, debit or prepaid."""
        draw = self.rng.random(len(brands))
        part = np.array([brand.prepaid for brand in BRANDS])[brands]
        part = np.full(len(brands), prepaid) if prepaid >= 0 else part
        debit = np.array([brand.debit for brand in BRANDS])[brands]
        return np.where(draw < part, 2, np.where(draw < part + (1 - part) * debit, 1, 0))

    def add_ips(self, network: Network, country: Ints) -> Ints:
        """Addresses of one kind of network, each geolocated in its country."""
        rows = len(country)
        low = scrambled(np.arange(len(self.ips), len(self.ips) + rows), 24, network)
        connection = {Network.MOBILE: 1, Network.OFFICE: 2, Network.DATACENTER: 2}.get(network, 0)
        seen = {Network.VPN: 0.8, Network.TOR: 1.0, Network.DATACENTER: 0.5}.get(network, 0.0)
        return self.ips.add(
            rows,
            number=(int(network) << 24) + low,
            country=country,
            anonymous=chance(self.rng, rows, seen),
            connection=min(connection, len(CONNECTIONS) - 1),
        )

    def add_devices(self, rows: int, *, phone: Flags | bool) -> Ints:
        """Telephones or computers, each with its system and browser."""
        small = self.rng.integers(0, PHONES_UNTIL, rows)
        large = self.rng.integers(PHONES_UNTIL, len(SYSTEMS), rows)
        return self.devices.add(rows, system=np.where(phone, small, large))

    def add_payees(self, country: Ints) -> Ints:
        """Bank accounts that money may be sent to or come from."""
        return self.payees.add(len(country), country=country)

    def add_merchants(self) -> Ints:
        """The merchants of the platform, segment by segment."""
        segment = np.repeat(np.arange(len(SEGMENTS)), [s.merchants for s in SEGMENTS])
        country = self.countries(len(segment))
        tilt = self.rng.integers(
            -25, 26, len(segment)
        )  # dearer or cheaper than its segment, percent
        return self.merchants.add(len(segment), segment=segment, country=country, tilt=tilt)


NAMES_OF = [(GIVEN_NAMES[country.naming], FAMILY_NAMES[country.naming]) for country in COUNTRIES]
"""Given and family names by country row."""


def country_rows(codes: tuple[str, ...]) -> Ints:
    """Rows of these countries.

    >>> country_rows(("US", "GB")).tolist()
    [0, 1]
    """
    return np.array([COUNTRY_ROW[code] for code in codes], np.int64)
