"""Where IP addresses are: ranges from a table the operator imports; nothing is bundled."""

import csv
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from sekisho.events import Record
from sekisho.kit.countries import COUNTRY_CODES


class IpTableRefused(ValueError):
    """A table of ranges that cannot be used; the message names the line."""


class IpRange(NamedTuple):
    """Addresses from start to end, both included, with their country."""

    start: int
    end: int
    country: str


class IpRanges:
    """Ranges of one family in order; where ranges overlap, the narrowest one counts.

    >>> ranges = IpRanges([IpRange(0, 100, "JP"), IpRange(10, 20, "SG")])
    >>> [ranges.country(number) for number in (5, 10, 20, 21, 101)]
    ['JP', 'SG', 'SG', 'JP', None]
    """

    def __init__(self, ranges: Iterable[IpRange]) -> None:
        self._starts: list[int] = []
        self._countries: list[str | None] = []
        for start, country in _flattened(sorted(ranges)):
            self._starts.append(start)
            self._countries.append(country)

    def __len__(self) -> int:
        return len(self._starts)

    def country(self, number: int) -> str | None:
        """The country of an address as a number."""
        spot = bisect_right(self._starts, number)
        return self._countries[spot - 1] if spot else None


class IpTable:
    """Both families of addresses; adds `ip_country` to an event that was not given one."""

    def __init__(self, version_4: IpRanges, version_6: IpRanges, source: str = "") -> None:
        self._families = {4: version_4, 6: version_6}
        self.source = source

    def attributes_for(self, record: Record) -> Record:
        """The country of the event's address; nothing when it is known or cannot be told."""
        address = record.get("ip_address")
        if not isinstance(address, str) or "ip_country" in record:
            return {}
        parsed = ip_address(address)
        country = self._families[parsed.version].country(int(parsed))
        return {"ip_country": country} if country else {}


def load_ip_table(path: Path) -> IpTable:
    """Read a CSV of `start,end,country`: addresses as text or numbers, a header line or none.

    Raises:
        IpTableRefused: a line is not a range, or its country is not a code of ISO 3166-1.
        OSError: the file cannot be read.
    """
    families: dict[int, list[IpRange]] = {4: [], 6: []}
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.reader(file), start=1):
            if not row or (
                line == 1 and row[0].strip().lower() in {"start", "ip_range_start", "network"}
            ):
                continue
            version, parsed = _range(row, line)
            families[version].append(parsed)
    return IpTable(IpRanges(families[4]), IpRanges(families[6]), path.name)


def _range(row: list[str], line: int) -> tuple[int, IpRange]:
    try:
        first, last = _address(row[0]), _address(row[1])
        country = row[2].strip().upper()
    except (ValueError, IndexError) as problem:
        message = f"line {line}: not `start,end,country`"
        raise IpTableRefused(message) from problem
    if first[0] != last[0] or first[1] > last[1]:
        message = f"line {line}: the range ends before it starts"
        raise IpTableRefused(message)
    if country not in COUNTRY_CODES:
        message = f"line {line}: `{row[2][:20]}` is not a country code of ISO 3166-1"
        raise IpTableRefused(message)
    return first[0], IpRange(first[1], last[1], country)


def _address(text: str) -> tuple[int, int]:
    text = text.strip()
    parsed = ip_address(int(text)) if text.isdecimal() else ip_address(text)
    return parsed.version, int(parsed)


def _flattened(ranges: list[IpRange]) -> Iterable[tuple[int, str | None]]:
    """Where the country changes, in order: the open range that is narrowest holds."""
    edges = sorted({one.start for one in ranges} | {one.end + 1 for one in ranges})
    waiting, opened, last = 0, list[IpRange](), ""
    for edge in edges:
        opened = [one for one in opened if one.end >= edge]
        while waiting < len(ranges) and ranges[waiting].start == edge:
            opened.append(ranges[waiting])
            waiting += 1
        narrowest = min(opened, key=lambda one: one.end - one.start, default=None)
        country = narrowest.country if narrowest else None
        if country != last:
            yield edge, country
            last = country
