"""Commands on a data directory: what they say, and how they end when they cannot."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import open_node
from sekisho.rules.sqlite import KeptRule, Published, publish

Run = Callable[..., tuple[int, str, str]]


def test_items_are_added_shown_and_counted_once(run: Run, tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    file = tmp_path / "bad.txt"
    file.write_text("c@d.example\n\n a@b.example \n")
    status, out, _ = run("lists", "add", "email_blocklist", "a@b.example", "--file", file, *data)
    assert (status, out.strip()) == (0, "@email_blocklist: 2 added, 1 were there already")
    status, out, _ = run("lists", "show", "email_blocklist", "--json", *data)
    assert (status, sorted(json.loads(out))) == (0, ["a@b.example", "c@d.example"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lists", "add", "email_blocklist"), "nothing to add"),
        (("lists", "add", "email_blocklist", "--file", "nowhere.txt"), "nowhere.txt: No such file"),
        (("lists", "add", "email_blocklist", "x", "--expires-in-hours", "1e15"), "year 9999"),
        (("lists", "add", "nope", "x"), "no such value list: 'nope'"),
        (("lists", "show", "nope"), "no such value list: 'nope'"),
        (("keys", "create", "x", "--scope", "nope"), "no such scope: nope"),
        (("keys", "revoke", "nope"), "no key in force: nope"),
        (("decide", "nowhere.json"), "nowhere.json: No such file"),
        (("verify-ledger",), "there is no log"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_reason(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    status, _, err = run(*arguments, "--data", tmp_path / "data")
    assert status == 2
    assert said in err
    assert "Traceback" not in err


def test_file_that_is_no_text_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(b"\xff")
    arguments = ("lists", "add", "email_blocklist", "--file", file, "--data", tmp_path / "data")
    status, _, err = run(*arguments)
    assert (status, "not UTF-8" in err) == (2, True)


def test_key_is_shown_once_and_listed_without_its_secret(run: Run, tmp_path: Path) -> None:
    data = ("--data", tmp_path / "data")
    _, out, _ = run("keys", "create", "shop", "--scope", "decide", "--json", *data)
    made = json.loads(out)
    _, listed, _ = run("keys", "list", "--json", *data)
    assert [one["id"] for one in json.loads(listed)] == [made["id"]]
    assert made["key"] not in listed
    assert run("keys", "revoke", made["id"], *data)[0] == 0
    assert json.loads(run("keys", "list", "--json", *data)[1])[0]["revoked"] is True


def test_published_rules_that_no_longer_check_are_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    node = open_node(Settings(data=data))
    rule = KeptRule("r1", "Block if :gone: > 1", 1)
    published = Published(1, "rs_1", 1, "me", "", (rule,))
    node.store.write(lambda connection: publish(connection, published)).result()
    node.close()
    command = [Path(sys.executable).with_name("sekisho"), "serve", "--data", data, "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown attribute `:gone:`" in done.stderr
    assert "Traceback" not in done.stderr
