"""Connects to the very address that was looked at, so that no second look-up can differ."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, cast

import httpcore

from sekisho.egress.addresses import AddressPolicy, reason_against
from sekisho.egress.errors import EgressRefused

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → addresses; raises `OSError` when the name has none."""
MAX_TRIED: Final = 4
"""Addresses of one name that are tried before the call fails."""


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that the machine's resolver knows, in its order."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name once, looks at every address it has, and connects to one of those.

    TLS still asks for, and checks, the name.
    """

    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._plain = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 — the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a checked address of the host.

        Raises:
            EgressRefused: one of its addresses may not be called.
            httpcore.ConnectError: none of them answers.
        """
        addresses = await self._checked(host, port)
        failed: Exception | None = None
        for address in addresses[:MAX_TRIED]:
            try:
                return await self._plain.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise httpcore.ConnectError(f"cannot connect to {host}:{port}") from failed

    async def sleep(self, seconds: float) -> None:
        """As the library wants it between two tries."""
        await self._plain.sleep(seconds)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"`{host}` has no address") from error
        for address in addresses:
            if reason := reason_against(address, port, self._policy):
                raise EgressRefused(
                    f"`{host}` may not be called: {reason}; networks of your own are named in"
                    " SEKISHO_EGRESS_ALLOW"
                )
        if not addresses:
            raise httpcore.ConnectError(f"`{host}` has no address")
        return addresses


def trusted() -> ssl.SSLContext:
    """Certificates that the machine trusts; `SSL_CERT_FILE` names others."""
    return ssl.create_default_context()
