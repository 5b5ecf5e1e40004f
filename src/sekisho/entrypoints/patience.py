"""How long a connection may take to send a request, and how much may come before its body.

The server library waits for a request without end, and keeps what has come of its headers however
much that is: callers who send a byte now and then would hold its sockets (slowloris), one endless
header its memory. Nothing is timed per request: each connection knows since when it is waiting,
and one task looks at all of them every second.

Source: RFC 9110, 15.5.9 (408) and RFC 6585, 5 (431).
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sekisho.entrypoints.refusals import HttpRefusal

HEAD_MAX: Final = 64 * 1024
"""Bytes of a request before its body."""
RATE_MIN: Final = 1_000
"""Bytes a second; so many received allow for another second."""
LOOK_EVERY_S: Final = 1.0
NEVER: Final = float("inf")
_HEAD: Final = (
    b"%bcontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
)


class Patient(HttpToolsProtocol):
    """The server library's connection, which ends when a request takes too long to come.

    Whoever extends it says where in a request it is: `begun`, `head_read`, `whole`.
    """

    request_timeout_s: int
    cycle: Any  # the library's request, or whatever stands in its place
    _since = NEVER
    """When the connection began to wait for bytes of its caller; never while we owe an answer."""
    _received = 0
    _in_head = False
    _in_request = False

    def connection_made(self, transport: Any) -> None:
        """Somebody connects, and has to ask for something."""
        super().connection_made(transport)
        self._since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Bytes arrive; those before a body are bounded."""
        self._received += len(data)
        if self._in_head and self._received > HEAD_MAX:
            message = f"the head of a request may have {HEAD_MAX} bytes"
            self._turn_away(HttpRefusal(431, "head_too_large", message))
            return
        super().data_received(data)

    def begun(self) -> None:
        """A request starts."""
        self._since = self.loop.time()
        self._received = 0
        self._in_head = self._in_request = True

    def head_read(self) -> None:
        """Every header is there."""
        self._in_head = False

    def whole(self) -> None:
        """The request is there: from now on it is we who are waited for."""
        self._since, self._in_request = NEVER, False

    def on_response_complete(self) -> None:
        """Answered: the next request may come, unless it has already or this one still does."""
        if not self._in_request and self.cycle.response_complete:
            self._since, self._received = self.loop.time(), 0
        super().on_response_complete()

    def end_if_slow(self, now: float) -> None:
        """Close the connection if its caller has taken too long."""
        if self.flow.read_paused:  # it is we who do not read on
            self._since, self._received = max(self._since, now), 0
        elif now - self._since > self.request_timeout_s + self._received / RATE_MIN:
            message = f"the request did not arrive within {self.request_timeout_s} s: send it again"
            self._turn_away(HttpRefusal(408, "request_too_slow", message))

    def _turn_away(self, refusal: HttpRefusal) -> None:
        """Say why if a request has begun and nothing of an answer was sent, and end it all."""
        if self.transport.is_closing():
            return
        if self._in_request and not self._is_answering():
            body = refusal.body()
            self.transport.write(_HEAD % (STATUS_LINE[refusal.status], len(body)) + body)
        self.transport.close()

    def _is_answering(self) -> bool:
        """Whether an answer is on its way: to the request before while this one has no body yet."""
        if self._in_head:
            return self.cycle is not None and not self.cycle.response_complete
        return getattr(self.cycle, "response_started", self.cycle.response_complete)


async def end_slow(connections: Collection[Any]) -> None:
    """Look at all connections of a server every second, for as long as it runs."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        now = loop.time()
        for one in list(connections):
            one.end_if_slow(now)
