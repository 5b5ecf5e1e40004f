"""How `sekisho actions` reaches actions: over HTTP, or in a data directory at rest."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from sekisho.actions import ActionRefused
from sekisho.durable import PauseOf, State, Wanted
from sekisho.entrypoints.actions_told import told_action, told_pause, told_whole
from sekisho.entrypoints.cli.console import fail
from sekisho.entrypoints.node import Node

WHO = "command line"
TIMEOUT_S = 30


class Access(Protocol):
    """What the commands do, answered as the API answers."""

    def newest(self, state: str, kind: str, limit: int) -> dict[str, Any]:
        """The newest actions."""
        ...

    def show(self, action_id: str) -> dict[str, Any]:
        """One with its history."""
        ...

    def do(self, verb: str, action_id: str, verdict: str = "") -> dict[str, Any]:
        """Cancel, replay, undo or settle one."""
        ...

    def pause(self, of: PauseOf, name: str, *, goes_on: bool) -> dict[str, Any]:
        """Let a kind or a destination wait, or go on."""
        ...

    def pauses(self) -> dict[str, Any]:
        """What is paused."""
        ...


class RemoteAccess:
    """A running server.

    Args:
        url: its address.
        key: an API key with the scopes `read` and `act`.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url.rstrip("/"), key

    def newest(self, state: str, kind: str, limit: int) -> dict[str, Any]:
        """The newest actions."""
        given = {"state": state, "kind": kind, "limit": limit}
        return self._get("?" + urlencode({name: one for name, one in given.items() if one}))

    def show(self, action_id: str) -> dict[str, Any]:
        """One with its history."""
        return self._get(f"/{quote(action_id, safe='')}")

    def do(self, verb: str, action_id: str, verdict: str = "") -> dict[str, Any]:
        """Cancel, replay, undo or settle one."""
        body = {"verdict": verdict} if verdict else {}
        return self._send(f"/{quote(action_id, safe='')}/{verb}", body)

    def pause(self, of: PauseOf, name: str, *, goes_on: bool) -> dict[str, Any]:
        """Let a kind or a destination wait, or go on."""
        return self._send("/resume" if goes_on else "/pause", {"of": of, "name": name})

    def pauses(self) -> dict[str, Any]:
        """What is paused."""
        return self._get("/pauses")

    def _get(self, path: str) -> dict[str, Any]:
        return self._call(Request(f"{self._url}/v1/actions{path}"))  # noqa: S310 — the operator's own server

    def _send(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(body).encode()
        return self._call(Request(f"{self._url}/v1/actions{path}", data, method="POST"))  # noqa: S310 — the same

    def _call(self, request: Request) -> dict[str, Any]:
        request.add_header("authorization", f"Bearer {self._key}")
        request.add_header("content-type", "application/json")
        try:
            with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 — the same
                return json.load(response)
        except HTTPError as error:
            fail(_told_error(error))
        except (URLError, OSError, ValueError) as error:
            fail(f"{self._url} does not answer: {error}", "start it, or check --url")


class LocalAccess:
    """A data directory that no server works on."""

    def __init__(self, node: Node) -> None:
        self._desk = node.acting.desk

    def newest(self, state: str, kind: str, limit: int) -> dict[str, Any]:
        """The newest actions."""
        wanted = Wanted(limit, 0, State[state.upper()] if state else None, kind)
        jobs = asyncio.run(self._desk.newest(wanted))
        return {"data": [told_action(job) for job in jobs]}

    def show(self, action_id: str) -> dict[str, Any]:
        """One with its history."""
        return told_whole(_refusing(self._desk.show(action_id)))

    def do(self, verb: str, action_id: str, verdict: str = "") -> dict[str, Any]:
        """Cancel, replay, undo or settle one."""
        desk = self._desk
        if verb == "settle":
            return told_action(_refusing(desk.settle(action_id, verdict, WHO)))
        carry_out = {"cancel": desk.cancel, "replay": desk.replay, "undo": desk.undo}[verb]
        return told_action(_refusing(carry_out(action_id, WHO)))

    def pause(self, of: PauseOf, name: str, *, goes_on: bool) -> dict[str, Any]:
        """Let a kind or a destination wait, or go on."""
        _refusing(self._desk.resume(of, name) if goes_on else self._desk.pause(of, name, WHO))
        return {"of": of, "name": name, "paused": not goes_on}

    def pauses(self) -> dict[str, Any]:
        """What is paused."""
        return {"data": [told_pause(one) for one in asyncio.run(self._desk.pauses())]}


def _refusing(asked: Any) -> Any:
    """The result of a coroutine of the desk; its refusal ends the command."""
    try:
        return asyncio.run(asked)
    except ActionRefused as refused:
        fail(str(refused))


def _told_error(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {error.code}"
