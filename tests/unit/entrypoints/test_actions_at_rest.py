"""`sekisho actions` on a data directory that no server works on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from sekisho.actions import Asked, Todo
from sekisho.entrypoints.cli.action_access import LocalAccess
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    opened = open_node(Settings(data=tmp_path / "data"))
    yield opened
    opened.close()


def test_actions_at_rest_are_shown_stopped_and_repeated(node: Node) -> None:
    todo = Todo("again.after", {"delay_s": 1, "kind": "x", "params": {}})
    asyncio.run(node.acting.desk.submit("act_1", todo, Asked("test", node.clock.now_us())))
    access = LocalAccess(node)
    assert [one["id"] for one in access.newest("ready", "", 10)["data"]] == ["act_1"]
    assert access.do("cancel", "act_1")["state"] == "cancelled"
    assert access.do("replay", "act_1")["state"] == "ready"
    history = access.show("act_1")["history"]
    assert [(line["what"], line["by"]) for line in history] == [
        ("cancelled", "command line"),
        ("replayed", "command line"),
    ]
    assert access.pause("kind", "again.after", goes_on=False)["paused"] is True
    assert [one["name"] for one in access.pauses()["data"]] == ["again.after"]
    assert access.pause("kind", "again.after", goes_on=True)["paused"] is False
    for wrong in (("undo", "act_1"), ("settle", "act_1", "done"), ("cancel", "act_2")):
        with pytest.raises(typer.Exit):
            access.do(*wrong)
