"""Puts the sandbox's lists, counters and rules in force, as an operator would: over the API."""

from collections.abc import Mapping
from time import sleep
from typing import Any, Final

from sekisho.entrypoints.cli.demo.client import Connection
from sekisho.sandbox import default_counters, default_lists, default_rules

LOOK_AGAIN_S: Final = 0.2
BACKFILLING: Final = "backfilling"


class Refused(Exception):
    """The server did not accept a list, a counter or the rules; the message says why."""


def put_in_force(connection: Connection) -> tuple[Mapping[str, str], str]:
    """Make lists, declare counters, publish rules; gives the rules by id, and a line about it.

    Raises:
        Refused: the server did not accept something.
    """
    lists, counters, rules = default_lists(), default_counters(), default_rules()
    have = {one["alias"] for one in _ask(connection, "GET", "/v1/lists")["data"]}
    for alias, (kind, items) in lists.items():
        if alias not in have:
            _ask(connection, "POST", "/v1/lists", {"alias": alias, "item_type": kind})
        if items:
            _ask(connection, "POST", f"/v1/lists/{alias}/items", {"items": items})
    for name, declaration in counters.items():
        _ask(connection, "PUT", f"/v1/counters/{name}", declaration)
    for name in counters:
        _wait_until_live(connection, name)
    _ask(connection, "PUT", "/v1/rulesets/draft", {"rules": rules})
    published = _ask(connection, "POST", "/v1/rulesets/draft/publish", {"note": "sekisho demo"})
    live = _ask(connection, "GET", "/v1/rulesets/live")
    told = f"{len(lists)} lists, {len(counters)} counters, {len(rules)} rules"
    by_id = {one["id"]: one["predicate"] for one in live["rules"]}
    return by_id, f"{told} in force, as {published['version']}"


def _wait_until_live(connection: Connection, name: str) -> None:
    """A counter on a data directory with history is filled from it first."""
    while (told := _ask(connection, "GET", f"/v1/counters/{name}"))["status"] == BACKFILLING:
        sleep(LOOK_AGAIN_S)
    if told["status"] != "live":
        raise Refused(f"the counter `{name}` could not be filled: {told}")


def _ask(connection: Connection, method: str, path: str, value: object = None) -> Any:
    answer = connection.ask(method, path, value)
    if not answer.is_fine:
        raise Refused(f"{method} {path}: {answer.reason()}")
    return answer.value()
