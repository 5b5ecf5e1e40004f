"""One kept-alive HTTP connection to a Sekisho on this machine: what a payment server would hold."""

import socket
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec

from sekisho.entrypoints.keys import DEV_KEY

TIMEOUT_S: Final = 30.0
"""How long an answer may take before the server counts as gone."""


class ServerGone(Exception):
    """The server does not answer any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    status: int
    body: bytes

    @property
    def is_fine(self) -> bool:
        """The server did what was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 — HTTP's range of success

    def value(self) -> Any:
        """The answer's JSON."""
        return msgspec.json.decode(self.body)

    def reason(self) -> str:
        """Why the server refused, in its own words."""
        try:
            error = self.value()["error"]
            return f"{self.status} {error['code']}: {error['message']}"
        except (msgspec.DecodeError, KeyError, TypeError):
            return f"{self.status}: {self.body[:200].decode(errors='replace')}"


class Connection:
    """A connection that is opened again when the server closed it for being idle.

    Asking a second time does no harm: the event's id makes the server give its first answer again.
    Answers must carry a content length, as Sekisho's do.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._head = (
            f"Host: {host}:{port}\r\nAuthorization: Bearer {DEV_KEY}\r\n"
            "Content-Type: application/json\r\n"
        ).encode()
        self._open()

    def ask(self, method: str, path: str, value: object = None) -> Answer:
        """Send a request with a JSON body and wait for the answer.

        Raises:
            ServerGone: there is no answer.
        """
        body = b"" if value is None else msgspec.json.encode(value)
        line = f"{method} {path} HTTP/1.1\r\n".encode()
        request = b"%b%bContent-Length: %d\r\n\r\n%b" % (line, self._head, len(body), body)
        try:
            try:
                return self._exchange(request)
            except ConnectionError:
                self.close()
                self._open()
                return self._exchange(request)
        except OSError as error:
            raise ServerGone(f"the server does not answer: {error}") from error

    def close(self) -> None:
        """Hang up."""
        self._reader.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def _exchange(self, request: bytes) -> Answer:
        self._socket.sendall(request)
        first = self._reader.readline()
        if not first:
            raise ConnectionResetError("the connection was closed")
        length = 0
        while (line := self._reader.readline()) not in (b"\r\n", b""):
            name, _, text = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(text)
        body = self._reader.read(length)
        if len(body) < length:
            raise ConnectionResetError("the answer was cut off")
        return Answer(int(first.split(None, 2)[1]), body)
