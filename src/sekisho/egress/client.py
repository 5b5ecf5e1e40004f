"""One outgoing request: no redirects, no proxies, bounded in size and time."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore

from sekisho.egress.addresses import AddressPolicy
from sekisho.egress.errors import EgressFailed, EgressRefused
from sekisho.egress.pinning import PinnedBackend, Resolve, system_resolve, trusted
from sekisho.egress.target import Target, check_url

TIMEOUT_S: Final = 5.0
"""Seconds a whole call may take, the look-up of the name and the answer's last byte included."""
MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read; a longer one fails."""
MAX_CONNECTIONS: Final = 100
KEPT_S: Final = 30.0
"""Seconds that an idle connection waits for the next call."""
AGENT: Final = "sekisho"


@dataclass(frozen=True, slots=True)
class Outcall:
    """What to send where."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back; header names in lower case, the last of each."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it (2xx); a redirect is not followed, so it is none."""
        return 200 <= self.status < 300  # noqa: PLR2004 — the class of successes


class Egress:
    """The one way out over HTTP, shared by everything that calls other people's servers.

    Variables such as `HTTPS_PROXY` are not read: whoever sets them would see every request.
    """

    def __init__(
        self, policy: AddressPolicy | None = None, resolve: Resolve = system_resolve
    ) -> None:
        backend = PinnedBackend(policy or AddressPolicy(), resolve)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted(),
            max_connections=MAX_CONNECTIONS,
            keepalive_expiry=KEPT_S,
            network_backend=backend,
        )

    async def call(self, outcall: Outcall) -> Returned:
        """Send a request and read its answer.

        Raises:
            EgressRefused: it may not leave.
            EgressFailed: no whole answer in time; `maybe_sent` tells what is known.
        """
        target = check_url(outcall.url)
        progress = _Progress()
        request = httpcore.Request(
            outcall.method,
            httpcore.URL(
                scheme=target.scheme, host=target.host, port=target.port, target=target.path
            ),
            headers=_headers(target, outcall),
            content=outcall.body,
            extensions={
                "timeout": dict.fromkeys(_PARTS, outcall.timeout_s),
                "trace": progress.note,
            },
        )
        try:
            async with asyncio.timeout(outcall.timeout_s):
                return await self._exchange(request)
        except (TimeoutError, httpcore.TimeoutException) as error:
            message = f"no answer within {outcall.timeout_s:g} seconds"
            raise EgressFailed(message, maybe_sent=progress.is_sent) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            message = str(error) or "the connection broke"
            raise EgressFailed(message, maybe_sent=progress.is_sent) from error

    async def close(self) -> None:
        """Close idle connections."""
        await self._pool.aclose()

    async def _exchange(self, request: httpcore.Request) -> Returned:
        answer = await self._pool.handle_async_request(request)
        body = bytearray()
        try:
            async for part in answer.aiter_stream():
                body += part
                if len(body) > MAX_ANSWER:
                    message = f"an answer of more than {MAX_ANSWER} bytes"
                    raise EgressFailed(message, maybe_sent=True)
        finally:
            with suppress(httpcore.NetworkError):
                await answer.aclose()
        headers = {name.decode("latin-1").lower(): value for name, value in answer.headers}
        return Returned(
            answer.status,
            {name: value.decode("latin-1") for name, value in headers.items()},
            bytes(body),
        )


_PARTS: Final = ("connect", "read", "write", "pool")
_OURS: Final = frozenset(
    {"connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that frame or route a request: nobody else sets them."""


class _Progress:
    """Remembers whether anything of a request has left."""

    def __init__(self) -> None:
        self.is_sent = False

    async def note(self, event: str, _told: Mapping[str, Any]) -> None:
        """Called by the library at each step."""
        if event.endswith("send_request_headers.started"):
            self.is_sent = True


def _headers(target: Target, outcall: Outcall) -> list[tuple[str, str]]:
    """Those given, and what every request carries.

    Raises:
        EgressRefused: a header would break out of its line, or frames the request.
    """
    for name, value in outcall.headers.items():
        if not _is_plain(name) or not _is_plain(value):
            raise EgressRefused(f"the header `{name[:40]!a}` is not one line of ASCII")
        if name.lower() in _OURS:
            raise EgressRefused(f"the header `{name}` is not for callers to set")
    return [
        ("host", target.authority),
        *outcall.headers.items(),
        ("user-agent", AGENT),
        ("content-length", str(len(outcall.body))),
    ]


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
