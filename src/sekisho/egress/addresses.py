"""Which addresses may be called: only those that are the public's, or the operator's word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_COMPATIBLE: Final = ip_network("::/96")
_SPECIAL: Final[tuple[Network, ...]] = (
    ip_network("192.0.0.0/24"),  # protocol assignments, of which Python calls some global
    ip_network("192.88.99.0/24"),  # the old relays of 6to4
)
"""Set aside by IANA, though the standard library calls them global.

Source: RFC 6890 and the IANA registries of special-purpose addresses.
"""
_METADATA: Final = frozenset(
    ip_address(text) for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200")
) | {ip_address("fd00:ec2::254"), ip_address("fd20:ce::254")}
"""Where clouds hand credentials to whoever asks: never called, whatever the settings allow."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What may be called beside public addresses on the port of HTTPS.

    Attributes:
        allowed: networks that may be called at any port, with or without TLS.
    """

    allowed: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether the operator named the network of this address."""
        return any(
            address in network for network in self.allowed if network.version == address.version
        )


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as an operator writes them.

    Raises:
        ValueError: one of them is not a network.

    >>> parse_networks(["10.1.0.0/16", "::1"])
    (IPv4Network('10.1.0.0/16'), IPv6Network('::1/128'))
    """
    return tuple(ip_network(text.strip()) for text in texts if text.strip())


def unwrapped(address: Address) -> Iterator[Address]:
    """The address and every address that it carries inside.

    >>> [str(one) for one in unwrapped(ip_address("64:ff9b::7f00:1"))]
    ['64:ff9b::7f00:1', '127.0.0.1']
    """
    yield address
    if isinstance(address, IPv4Address):
        return
    inside: list[IPv4Address | None] = [address.ipv4_mapped, address.sixtofour]
    inside += address.teredo or ()
    if any(address in network for network in (*_NAT64, _COMPATIBLE)) and int(address) > 1:
        inside.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    yield from (one for one in inside if one is not None)


def reason_against(text: str, port: int, policy: AddressPolicy) -> str:
    """Why an address may not be called at a port; empty when it may.

    >>> reason_against("93.184.215.14", 443, AddressPolicy())
    ''
    >>> reason_against("169.254.169.254", 443, AddressPolicy(parse_networks(["0.0.0.0/0"])))
    '169.254.169.254 hands out credentials of the machine'
    """
    address = ip_address(text.partition("%")[0])  # a zone says which link, not which address
    layers = list(unwrapped(address))
    if any(one in _METADATA for one in layers):
        return f"{text} hands out credentials of the machine"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if policy.allows(mapped or address):
        return ""
    if not all(_is_public(one) for one in layers):
        return f"{text} is not a public address"
    if port != 443:  # noqa: PLR2004 — HTTPS
        return f"{text} is public, where only port 443 may be called, not {port}"
    return ""


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return True  # what it stands for is looked at by itself
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in one for one in _SPECIAL if one.version == address.version)
    )
