"""A decision on the wire: the short way and the library's way answer the same."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

KEY = "Authorization: Bearer sk_test_sekisho\r\n"
PATH = "POST /v1/decisions HTTP/1.1\r\nHost: x\r\n"


class Wire:
    """One connection, byte by byte."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, text: str | bytes) -> None:
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of the next answer."""
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, json.loads(self.file.read(int(headers["content-length"])))

    def is_closed(self) -> bool:
        """Whether the server has ended the connection."""
        return self.file.read(1) == b""


@pytest.fixture
def wire(server: Any) -> Iterator[Wire]:
    one = Wire(server.url)
    yield one
    one.file.close()
    one.socket.close()


@pytest.fixture
def body(event: Callable[..., dict[str, Any]]) -> Callable[[], bytes]:
    return lambda: json.dumps(event()).encode()


def request(body: bytes, *headers: str, start: str = PATH, key: str = KEY) -> bytes:
    extra = "".join(f"{one}\r\n" for one in headers)
    return f"{start}{key}{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_one_connection_carries_decision_after_decision(wire: Wire, body: Any) -> None:
    for _ in range(3):
        wire.send(request(body()))
        status, headers, told = wire.answer()
        assert (status, told["object"]) == (200, "decision")
        assert headers["request-id"].startswith("req_")
        assert headers["content-type"] == "application/json"
        assert "date" in headers


def test_pipelined_requests_are_answered_in_their_order(wire: Wire, body: Any) -> None:
    sent = [body() for _ in range(5)]
    other = f"GET /health HTTP/1.1\r\nHost: x\r\n{KEY}\r\n".encode()
    wire.send(b"".join([*map(request, sent[:3]), other, *map(request, sent[3:])]))
    events = [wire.answer()[2].get("event") for _ in range(6)]
    ids = [json.loads(one)["id"] for one in sent]
    assert events == [*ids[:3], None, *ids[3:]]


@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_request_may_come_in_pieces(wire: Wire, body: Any, step: int) -> None:
    sent = request(body())
    for at in range(0, len(sent), step):
        wire.send(sent[at : at + step])
    assert wire.answer()[0] == 200


def test_a_chunked_body_is_taken(wire: Wire, body: Any) -> None:
    text = body()
    wire.send(f"{PATH}{KEY}Transfer-Encoding: chunked\r\n\r\n")
    for part in (text[:10], text[10:]):
        wire.send(b"%x\r\n%b\r\n" % (len(part), part))
    wire.send("0\r\n\r\n")
    assert wire.answer()[0] == 200


def test_who_waits_for_leave_to_send_gets_it(wire: Wire, body: Any) -> None:
    text = body()
    sent = request(text, "Expect: 100-continue")
    wire.send(sent.removesuffix(text))
    assert wire.file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert wire.file.readline() == b"\r\n"
    wire.send(text)
    assert wire.answer()[0] == 200


def test_the_connection_ends_when_the_client_says_so(wire: Wire, body: Any) -> None:
    wire.send(request(body(), "Connection: close"))
    status, headers, _ = wire.answer()
    assert (status, headers["connection"]) == (200, "close")
    assert wire.is_closed()


def test_an_older_protocol_is_answered_too(wire: Wire, body: Any) -> None:
    wire.send(request(body(), start="POST /v1/decisions HTTP/1.0\r\n"))
    assert wire.answer()[0] == 200
    assert wire.is_closed()


def test_a_stranger_is_turned_away_before_the_body_and_may_stay(wire: Wire, body: Any) -> None:
    wire.send(f"{PATH}Content-Length: 20000\r\n\r\n")
    status, _, told = wire.answer()
    assert (status, told["error"]["code"]) == (401, "api_key_missing")
    wire.send(b" " * 20000)
    wire.send(request(body()))
    assert wire.answer()[0] == 200


def test_too_large_a_body_is_refused_while_it_comes(wire: Wire, body: Any) -> None:
    wire.send(f"{PATH}{KEY}Content-Length: 200000\r\n\r\n".encode() + b" " * 100_000)
    assert wire.answer()[0] == 413
    wire.send(b" " * 100_000)
    wire.send(request(body()))
    assert wire.answer()[0] == 200


def test_a_repeated_key_gets_the_same_bytes_and_says_so(wire: Wire, body: Any) -> None:
    sent = request(body(), "Idempotency-Key: on-the-wire")
    wire.send(sent)
    first = wire.answer()
    wire.send(sent)
    again = wire.answer()
    assert first[2] == again[2]
    assert "idempotent-replayed" not in first[1]
    assert again[1]["idempotent-replayed"] == "true"


def test_too_long_a_key_is_refused(wire: Wire, body: Any) -> None:
    wire.send(request(body(), f"Idempotency-Key: {'k' * 300}"))
    assert wire.answer()[0] == 400


def test_who_leaves_without_waiting_harms_nobody(server: Any, wire: Wire, body: Any) -> None:
    for _ in range(20):
        gone = Wire(server.url)
        gone.send(request(body()) * 2)
        gone.file.close()
        gone.socket.close()
    wire.send(request(body()))
    assert wire.answer()[0] == 200
