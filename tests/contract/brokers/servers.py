"""Brokers of the tests' own: real processes on free ports, ended with the tests."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

START_S = 60


def binary(name: str, package: str, *elsewhere: str) -> str:
    """An installed program; where there is none, CI fails and others skip."""
    found = shutil.which(name) or next((path for path in elsewhere if Path(path).exists()), None)
    if found is None:
        message = f"{name} is not installed: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Service:
    """A server process that can be killed and started again on the same data."""

    command: list[str]
    port: int
    url: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        end = time.monotonic() + START_S
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the server and its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running(service: Service) -> Iterator[Service]:
    service.start()
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill()


def nats_server(folder: Path) -> Service:
    port = free_port()
    configuration = folder / "nats.conf"
    store = folder / "jetstream"
    configuration.write_text(f"listen: 127.0.0.1:{port}\njetstream {{\n  store_dir: {store}\n}}\n")
    command = [binary("nats-server", "nats-server"), "-c", str(configuration)]
    return Service(command, port, f"nats://127.0.0.1:{port}", folder / "nats.log")


def redis_server(folder: Path) -> Service:
    port = free_port()
    command = [
        *(binary("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1"),
        *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(folder)),
    ]
    return Service(command, port, f"redis://127.0.0.1:{port}/0", folder / "redis.log")


def rabbitmq_server(folder: Path) -> Service:
    port, distribution, epmd = free_port(), free_port(), free_port()
    # Debian's own wrapper runs as another user in another folder; the script behind it does not.
    script = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    environment = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"sekisho{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
    }
    (folder / "rabbitmq.conf").write_text("loopback_users = none\n")
    (folder / "plugins").write_text("[].\n")
    command = [binary("rabbitmq-server", "rabbitmq-server", script)]
    if Path(script).exists():
        command = [script]
    url = f"amqp://guest:guest@127.0.0.1:{port}/"
    return Service(command, port, url, folder / "rabbitmq.log", environment)
