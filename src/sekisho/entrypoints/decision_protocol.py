"""`POST /v1/decisions` straight on the connection: parsed by the server library, answered by us.

The server library makes a task, two events and two writes of every request. A decision needs none
of them: it is made when its last byte arrives, and its answer is one write once it is durable.
Every other request, and a decision in an unusual form, takes the library's way and ends at
`decisions_route`, which answers the same.
"""

from typing import Any, Final

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sekisho.entrypoints.auth import admit
from sekisho.entrypoints.decisions_route import MAX_BODY, idempotency_key, too_large
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.patience import Patient
from sekisho.entrypoints.refusals import HttpRefusal, as_refusal, our_fault
from sekisho.flow import Asking, Reply

PATH: Final = b"/v1/decisions"
OK: Final = 200
_HEAD: Final = b"%bcontent-type: application/json\r\ncontent-length: %d\r\nrequest-id: %b\r\n%b\r\n"
_REPLAYED: Final = b"idempotent-replayed: true\r\n"
_CLOSE: Final = b"connection: close\r\n"

Headers = list[tuple[bytes, bytes]]


def decision_protocol(node: Node) -> type[HttpToolsProtocol]:
    """The class of protocol that serves one node's connections."""

    class OfNode(DecisionProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.node = node
            self.request_timeout_s = node.settings.request_timeout_s

    return OfNode


class _NoEvent:
    """Stands where the library wakes a task of its own; here is none."""

    def set(self) -> None:
        """Nobody waits."""


class Exchange:
    """One decision asked for and answered; to the library it looks like a request of its own."""

    __slots__ = ("_protocol", "asking", "body", "disconnected", "keep_alive", "response_complete")

    message_event: Final = _NoEvent()

    def __init__(self, protocol: "DecisionProtocol", *, keep_alive: bool) -> None:
        self._protocol = protocol
        self.keep_alive = keep_alive  # the library makes it False when the server is to end
        self.asking = Asking()
        self.body = b""
        self.disconnected = False  # set by the library
        self.response_complete = False

    def begin(self, headers: Headers) -> None:
        """Look who asks, before a byte of the body is read."""
        node = self._protocol.node
        try:
            key = admit(node.keyring, node.limiter, headers, "decide")
            self.asking = Asking(key.id, idempotency_key(headers))
        except HttpRefusal as refusal:
            self.refuse(refusal)

    def take(self, chunk: bytes) -> None:
        """One more piece of the body."""
        self.body = self.body + chunk if self.body else chunk
        if len(self.body) > MAX_BODY:
            self.refuse(too_large(MAX_BODY))

    def decide(self) -> None:
        """The body is whole: ask for the decision when all that has arrived is read.

        One decision after the other costs less than each between the reading of two requests.
        """
        self._protocol.node.at_turns_end(self._ask)

    def _ask(self) -> None:
        """Ask for the decision; the answer is sent when it is durable."""
        try:
            self._protocol.node.checkpoint.decide(self.body, self.asking, self.done)
        except Exception as error:  # noqa: BLE001 — whatever it is becomes an answer
            self._fail(error)

    def done(self, result: Reply | Exception) -> None:
        """The checkpoint has settled the event."""
        if isinstance(result, Exception):
            self._fail(result)
        else:
            self._send(result.status, result.body, _REPLAYED if result.replayed else b"")

    def _fail(self, error: Exception) -> None:
        """There is no decision; what is no refusal is a bug of ours, and goes to the log."""
        try:
            refusal = as_refusal(error)
        except Exception as bug:
            self._protocol.logger.exception("Exception in a decision", exc_info=bug)
            refusal = our_fault()
        self.refuse(refusal)

    def refuse(self, refusal: HttpRefusal) -> None:
        """Say why there is no decision."""
        self._protocol.node.metrics.refused(refusal.status)
        self._send(refusal.status, refusal.body(), b"")

    def _send(self, status: int, body: bytes, extra: bytes) -> None:
        self.response_complete = True
        protocol = self._protocol
        if protocol.transport.is_closing():
            return
        if not self.keep_alive:
            extra += _CLOSE
        head = _HEAD % (protocol.start_of(status), len(body), protocol.node.request_id(), extra)
        protocol.transport.write(head + body)
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()


class DecisionProtocol(Patient):
    """The server library's HTTP protocol with a shorter way for decisions."""

    node: Node
    _defaults: Headers | None = None
    _start = b""

    def on_message_begin(self) -> None:
        """A request starts; what the library keeps of one is made once it is known to need it."""
        self.begun()
        self.url = b""
        self.expect_100_continue = False
        self.headers: Headers = []

    def on_headers_complete(self) -> None:
        """Every header is there: it is a decision, or the library's."""
        self.head_read()
        parser = self.parser
        if parser is not None and self.url == PATH and self._is_plain(parser):
            self.cycle = Exchange(self, keep_alive=parser.should_keep_alive())
            self.cycle.begin(self.headers)
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if type(self.cycle) is not Exchange:
            super().on_body(body)
        elif not self.cycle.response_complete:
            self.cycle.take(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self.whole()
        if type(self.cycle) is not Exchange:
            super().on_message_complete()
        elif not self.cycle.response_complete:
            self.cycle.decide()

    def start_of(self, status: int) -> bytes:
        """Status line and the headers that every answer has; these change once a second."""
        defaults = self.server_state.default_headers
        if status != OK:
            return STATUS_LINE[status] + _joined(defaults)
        if defaults is not self._defaults:
            self._defaults, self._start = defaults, STATUS_LINE[OK] + _joined(defaults)
        return self._start

    def _is_plain(self, parser: HttpRequestParser) -> bool:
        """Whether nothing about the request needs the library: no pipeline, no old version."""
        return (
            parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not parser.should_upgrade()
            and parser.get_http_version() == "1.1"
            and not self.flow.write_paused
        )


def _joined(headers: Headers) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)
