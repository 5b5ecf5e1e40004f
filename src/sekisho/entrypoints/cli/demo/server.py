"""The real server of the demo, as a child process in developer mode."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, Self

from sekisho.entrypoints.settings import PREFIX

START_S: Final = 180.0
"""How long a first start may take: it compiles the counter kernel."""
END_S: Final = 30.0
"""How long the server may take to finish after SIGTERM."""
HEADROOM: Final = 4
"""Rate limit of the demo's key, as a multiple of the rate that the demo sends."""
SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class NotStarted(Exception):
    """The server ended, or said nothing, before it was ready; the message has its last words."""


class DemoServer:
    """`sekisho serve --dev` on the loopback; ended with SIGTERM when the block is left."""

    def __init__(self, data: Path, port: int, rate: int) -> None:
        self._log = (data / "demo-server.log").open("w+b")
        limit = {f"{PREFIX}RATE_LIMIT_PER_S": str(max(5_000, HEADROOM * rate))}
        serve = ("serve", "--dev", "--data", str(data), "--port", str(port))
        self._process = subprocess.Popen(  # noqa: S603 — this very program
            [sys.executable, "-m", "sekisho.entrypoints.cli", *serve],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | limit,
            process_group=0,  # Ctrl-C is for the demo, which then ends the server in its own time
        )
        self.data = data
        self.url = ""
        self.port = 0

    def wait_until_ready(self, is_cancelled: Callable[[], bool]) -> None:
        """Wait for the line that names the server's address.

        Raises:
            NotStarted: the server ended, took too long, or the demo was cancelled.
        """
        assert self._process.stdout is not None
        pipe = self._process.stdout
        waited = 0.0
        while not select.select([pipe], [], [], 0.25)[0]:
            waited += 0.25
            if is_cancelled():
                raise NotStarted("stopped before the server was ready")
            if waited >= START_S:
                raise NotStarted("the server was not ready in time" + self.last_words())
        word, _, url = pipe.readline().decode().strip().partition(" ")
        if word != "ready":
            raise NotStarted("the server did not start" + self.last_words())
        self.url = url
        self.port = int(url.rpartition(":")[2])

    @property
    def is_running(self) -> bool:
        """The process is alive."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """The end of what the server wrote to its log."""
        self._log.flush()
        lines = Path(self._log.name).read_text(errors="replace").strip().splitlines()
        return "".join(f"\n  {line}" for line in lines[-8:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()


def on_signal(call: Callable[[], None]) -> None:
    """Call this instead of ending at once when somebody presses Ctrl-C or ends the demo."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        call()

    for number in SIGNALS:
        signal.signal(number, handle)
