"""Masking: what a log may show of a personal value, enough to recognise, too little to use."""

import re
from typing import Final

_EMAIL: Final = re.compile(r"([^\s@<>\"']{1,64})@([^\s@<>\"']{1,253}\.[^\s@<>\"']{2,63})")
_PHONE: Final = re.compile(r"\+\d{7,15}(?!\d)")
_CARD: Final = re.compile(r"(?<!\d)\d(?:[ \-.]?\d){12,18}(?!\d)")
_IPV4: Final = re.compile(r"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}(?![\d.])")


def mask_email(address: str) -> str:
    """The first letter and the domain.

    >>> mask_email("ann.lee@example.com")
    'a***@example.com'
    """
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def mask_phone(number: str) -> str:
    """The first three and the last two characters.

    >>> mask_phone("+6591234567")
    '+65******67'
    """
    return number[:3] + "*" * max(len(number) - 5, 3) + number[-2:]


def mask_card(number: str) -> str:
    """The first six and the last four digits, the most that may be shown.

    Source: PCI DSS 4.0.1, requirement 3.4.1.

    >>> mask_card("4242 4242 4242 4242")
    '424242******4242'
    """
    digits = "".join(character for character in number if character.isdigit())
    return f"{digits[:6]}{'*' * (len(digits) - 10)}{digits[-4:]}"


def mask_ip(address: str) -> str:
    """The network without the host.

    >>> mask_ip("203.0.113.9"), mask_ip("2001:db8:1:2::9")
    ('203.0.113.*', '2001:db8:1:*')
    """
    if ":" in address:
        return ":".join(address.split(":")[:3]) + ":*"
    return address.rpartition(".")[0] + ".*"


def redact(text: str) -> str:
    """A free text with every e-mail address, card number, phone number and IPv4 address masked.

    >>> redact("ann@example.com paid with 4242-4242-4242-4242 from 203.0.113.9, call +6591234567")
    'a***@example.com paid with 424242******4242 from 203.0.113.*, call +65******67'
    """
    text = _EMAIL.sub(lambda match: mask_email(match.group()), text)
    text = _PHONE.sub(lambda match: mask_phone(match.group()), text)
    text = _CARD.sub(lambda match: mask_card(match.group()), text)
    return _IPV4.sub(lambda match: f"{match.group(1)}.*", text)
