"""Callers who send a byte now and then, or nothing, are cut off; others never notice."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

LINE = "POST /v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_sekisho\r\n"
OTHER = LINE.replace("decisions", "events")
PATIENCE_S = 2
STEP_S = 0.1


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, server: Any) -> Iterator[Any]:
    """A server with little patience."""
    data = tmp_path_factory.mktemp("quick") / "data"
    one = type(server)(data, {"SEKISHO_REQUEST_TIMEOUT_S": str(PATIENCE_S)}).start()
    yield one
    assert one.stop() == 0
    assert "Traceback" not in one.log.read_text()


def connect(server: Any) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=STEP_S)


def trickle(server: Any, start: str, drip: bytes, *, most_s: float = 30) -> bytes:
    """Send a start, then the same bytes again and again; what was answered when it was ended."""
    with connect(server) as caller:
        caller.sendall(start.encode())
        end, heard = time.monotonic() + most_s, b""
        while time.monotonic() < end:
            try:
                if drip:
                    caller.sendall(drip)
                got = caller.recv(4096)
            except TimeoutError:
                continue
            except ConnectionError:
                return heard
            if not got:
                return heard
            heard += got
    pytest.fail("the server waits on")


@pytest.mark.parametrize(
    ("start", "drip"),
    [
        (LINE, b"X-Slow: 1\r\n"),
        (LINE + "X-Endless: ", b"x"),
        ("P", b""),
        (LINE + "Content-Length: 60000\r\n\r\n", b"{"),
        (OTHER + "Content-Length: 60000\r\n\r\n", b"{"),
        (LINE + "Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    ],
    ids=["headers", "one header", "a letter", "body", "body elsewhere", "chunks"],
)
def test_who_trickles_a_request_is_told_and_cut_off(quick: Any, start: str, drip: bytes) -> None:
    heard = trickle(quick, start, drip)
    assert heard.startswith(b"HTTP/1.1 408 ")
    assert b"request_too_slow" in heard


@pytest.mark.parametrize("drip", [b"", b"\r\n"], ids=["silent", "empty lines"])
def test_who_asks_for_nothing_is_cut_off(quick: Any, drip: bytes) -> None:
    assert trickle(quick, "", drip) == b""


def test_who_trickles_on_after_an_early_refusal_is_cut_off(quick: Any) -> None:
    start = LINE.partition("Auth")[0] + "Content-Length: 60000\r\n\r\n"
    heard = trickle(quick, start, b"{")
    assert heard.count(b"HTTP/1.1 ") == 1
    assert heard.startswith(b"HTTP/1.1 401 ")


def test_a_head_without_end_is_refused(quick: Any) -> None:
    heard = trickle(quick, LINE + "X-Endless: ", b"x" * 20_000)
    assert b" 431 " in heard or heard == b""  # the answer may be lost with what is still unread


def test_a_slow_but_steady_body_arrives(quick: Any, event: Callable[..., dict[str, Any]]) -> None:
    """Twice as long as a request without bytes may take, at the slowest speed that is borne."""
    body = json.dumps(event()).encode().ljust(8_000)
    with connect(quick) as caller:
        caller.settimeout(20)
        caller.sendall(f"{LINE}Content-Length: {len(body)}\r\n\r\n".encode())
        for at in range(0, len(body), 200):
            caller.sendall(body[at : at + 200])
            time.sleep(2 * PATIENCE_S * 200 / len(body))
        assert caller.recv(4096).startswith(b"HTTP/1.1 200 ")
