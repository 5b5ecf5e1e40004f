"""The shape of an address that may be called, before any name is resolved."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sekisho.egress.errors import EgressRefused

MAX_URL: Final = 2_048
"""Characters of an address."""
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._\-:]{1,253}")
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be called once its name has been resolved and looked at."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query, as sent in the first line."""

    @property
    def authority(self) -> str:
        """The value of the Host header.

        >>> check_url("http://[::1]:8080/").authority
        '[::1]:8080'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str) -> Target:
    """Take an address apart.

    Raises:
        EgressRefused: it is not one that could ever be called.

    >>> check_url("https://hooks.example.com/fraud?x=1")
    Target(scheme='https', host='hooks.example.com', port=443, path='/fraud?x=1')
    """
    if len(url) > MAX_URL:
        raise EgressRefused(f"an address has at most {MAX_URL} characters")
    if not _PRINTABLE.fullmatch(url):
        raise EgressRefused("an address is plain ASCII without blanks: encode what is not")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EgressRefused(f"not an address: {error}") from error
    if parts.scheme not in _PORTS:
        raise EgressRefused("an address begins with `https://`")
    if "@" in parts.netloc:
        raise EgressRefused("an address carries no user name or password")
    if "\\" in url or parts.fragment:
        raise EgressRefused("an address has no backslash and no `#` part")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise EgressRefused("an address names a host, in ASCII (`xn--…` for others)")
    port = _PORTS[parts.scheme] if port is None else port
    if parts.scheme == "http" and port == _PORTS["https"]:
        raise EgressRefused("port 443 is called with `https://`")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, str(parts.hostname), port, path)
