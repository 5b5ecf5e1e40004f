"""Nodes and servers to do harm to; the modules beside this one are imported by their names."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness
from stream import COUNTERS, RULES

from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node
from sekisho.rules import DraftRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.entrypoints.node import Node


async def arm_policy(node: Node) -> None:
    """Put counters of every kind in force."""
    for name, declaration in COUNTERS.items():
        assert (await node.policy.declare(name, declaration))["status"] == "live"
    await node.policy.save_draft([DraftRule(text, "") for text in RULES], "test")
    await node.policy.publish("test", "")


@pytest.fixture
def new_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Opens nodes on directories of their own, with counters of every kind in force."""
    opened: list[Node] = []

    def make(name: str = "data", **settings: Any) -> Node:
        fresh = not (tmp_path / name).exists()
        node = open_node(Settings(data=tmp_path / name, dev=True, **settings))
        opened.append(node)
        if fresh:
            asyncio.run(arm_policy(node))
        return node

    yield make
    for node in opened:
        node.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[harness.Servers]:
    yield from harness.servers(tmp_path_factory.mktemp("servers") / "log")


@pytest.fixture
def server(servers: harness.Servers) -> Iterator[harness.Servers]:
    """Starts servers, one at a time; none outlives the test."""
    yield servers
    if servers.pid:
        servers.end(signal.SIGKILL)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with counters of every kind in force."""
    return prepared(tmp_path / "data")


@pytest.fixture
def new_data(tmp_path: Path) -> Callable[[str], Path]:
    """Makes such directories by name."""
    return lambda name: prepared(tmp_path / name)


def prepared(directory: Path) -> Path:
    """Make a data directory with counters of every kind in force."""
    node = open_node(Settings(data=directory, dev=True))
    asyncio.run(arm_policy(node))
    node.close()
    return directory


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data directory on a file system of 20 MiB."""
    disk = tmp_path / "small"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root; the file size limit covers the rest")
    yield prepared(disk / "data")
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607 — found on the path
