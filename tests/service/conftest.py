"""Real servers on the loopback: one for the session, others for tests that end theirs."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

DEV_KEY = "sk_test_sekisho"
START_S = 60
NUMBERS = count(1)


@dataclass
class Server:
    """A `sekisho serve --dev` of its own on a data directory."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def start(self) -> "Server":
        command = Path(sys.executable).with_name("sekisho")
        self.log = self.data.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [command, "serve", "--dev", "--data", self.data, "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environment},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready http://127.0.0.1:"), self.log.read_text()
        self.url = line.removeprefix("ready ").strip()
        return self

    def client(self, key: str = DEV_KEY) -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(START_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


class Api:
    """Calls that many tests make, each expected to succeed."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def decide(self, **event: Any) -> dict[str, Any]:
        return self._told(self.http.post("/v1/decisions", json=payment(**event)))

    def report(self, **event: Any) -> dict[str, Any]:
        return self._told(self.http.post("/v1/events", json=event))

    def draft(self, *rules: str | dict[str, Any]) -> dict[str, Any]:
        return self._told(self.http.put("/v1/rulesets/draft", json={"rules": list(rules)}))

    def publish(self, *rules: str | dict[str, Any]) -> dict[str, Any]:
        self.draft(*rules)
        return self._told(self.http.post("/v1/rulesets/draft/publish"))

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return self._told(self.http.get(path, params=params))

    def advance(self, seconds: float) -> None:
        self._told(self.http.post("/dev/clock", json={"advance_s": seconds}))

    def _told(self, response: httpx.Response) -> dict[str, Any]:
        assert response.is_success, response.text
        told: dict[str, Any] = response.json()
        return told


def payment(**event: Any) -> dict[str, Any]:
    """A payment, complete but for what is given."""
    plain = {"type": "payment", "amount": 2500, "currency": "usd"}
    return {**plain, "id": f"pay_{next(NUMBERS)}", **event}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server") / "data").start()
    try:
        yield running
    finally:
        status = running.stop()
    assert status == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def api(http: httpx.Client) -> Api:
    return Api(http)


@pytest.fixture
def rules(api: Api) -> Iterator[Callable[..., dict[str, Any]]]:
    """Publishes a rule set for one test; none is left behind."""
    yield api.publish
    api.publish()


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Makes a name that no other test uses."""
    return lambda stem: f"{stem}_{next(NUMBERS)}"


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    return payment


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test at the latest."""
    with ExitStack() as stack:

        def start(name: str = "data", **environment: str) -> Server:
            running = Server(tmp_path / name, environment).start()
            stack.callback(running.kill)
            return running

        yield start


class Receiver:
    """A server on the loopback that keeps what it is sent and answers as told."""

    def __init__(self) -> None:
        heard: list[tuple[dict[str, str], bytes]] = []
        self.heard, self.status, self.answer = heard, 200, b"{}"
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                heard.append(({n.lower(): v for n, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("content-length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_said: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="session")
def new_receiver() -> Callable[[], Receiver]:
    """Makes a receiver, for whoever stops it."""
    return Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def server_on() -> Callable[[Path], Server]:
    """Makes a server on a data directory, for whoever starts and ends it."""
    return Server


@pytest.fixture
def api_of() -> Callable[[httpx.Client], Api]:
    return Api
