"""The application beyond developer mode, driven without a socket."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from sekisho.durable import OutboxRow, insert_outbox
from sekisho.entrypoints import control
from sekisho.entrypoints.keys import SCOPES, ApiKey, digest_of
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import build_application, open_node

SECRET = "sk_live_of_this_test"  # noqa: S105 — of this test alone
PAYMENT = {"type": "payment", "id": "p", "amount": 100, "currency": "usd"}
Talk = Callable[[httpx.AsyncClient, Node], Awaitable[None]]


@pytest.fixture
def talk() -> Callable[[Settings, Talk], None]:
    """Runs a conversation with a node that has one key with every scope."""

    def run(settings: Settings, conversation: Talk) -> None:
        node = open_node(settings)
        key = ApiKey("key_1", "test", digest_of(SECRET), "…", frozenset(SCOPES), 1)
        node.store.write(lambda connection: control.insert_key(connection, key)).result()
        node.keyring.add(key)

        async def converse() -> None:
            transport = httpx.ASGITransport(build_application(node))
            async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
                assert (await client.get("/readyz")).status_code == 503
                node.attach(asyncio.get_running_loop())
                client.headers["authorization"] = f"Bearer {SECRET}"
                await conversation(client, node)

        try:
            asyncio.run(converse())
        finally:
            node.close()

    return run


def test_developers_doors_are_shut_in_earnest(talk: Any, tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, _node: Node) -> None:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post("/dev/clock", json={"advance_s": 1})).status_code == 404
        assert (await client.get("/dev/outbox")).status_code == 404
        assert (await client.post("/v1/decisions", json=PAYMENT)).status_code == 200
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert not [path for path in paths if path.startswith("/dev")]
        body = {"alias": "live", "name": "live"}
        made = await client.post("/v1/radar/value_lists", data=body)
        assert made.json()["livemode"] is True
        new = await client.post("/v1/keys", json={"name": "x"})
        assert new.json()["key"].startswith("sk_live_")
        client.headers["authorization"] = "Bearer sk_test_sekisho"
        assert (await client.get("/v1/rulesets")).status_code == 401

    talk(Settings(data=tmp_path), conversation)


def test_caller_over_the_rate_is_told_429_at_every_door(talk: Any, tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, node: Node) -> None:
        batch = {"events": [{**PAYMENT, "id": f"b{number}"} for number in range(3)]}
        refused = await client.post("/v1/decisions/batch", json=batch)
        assert refused.status_code == 429
        await client.get("/v1/rulesets")
        for answer in (
            await client.post("/v1/decisions", json=PAYMENT),
            await client.get("/v1/rulesets"),
            await client.get("/v1/radar/value_lists"),
        ):
            assert answer.status_code == 429
            assert answer.json()["error"]["code"] == "rate_limit"
        assert (await client.get("/readyz")).json()[
            "recorded"
        ] == 1  # what was in force at the start
        node.clock.advance(1)
        assert (await client.post("/v1/decisions", json=PAYMENT)).status_code == 200

    talk(Settings(data=tmp_path, rate_limit_per_s=1), conversation)


def test_full_queue_is_503_and_asks_to_retry(talk: Any, tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, _node: Node) -> None:
        batch = {"events": [{**PAYMENT, "id": f"b{number}"} for number in range(6)]}
        told = (await client.post("/v1/decisions/batch", json=batch)).json()["data"]
        assert [one["status"] for one in told] == [200, 200, 503, 503, 503, 503]
        assert told[-1]["error"]["code"] == "overloaded"
        again = (await client.post("/v1/decisions/batch", json=batch)).json()["data"]
        assert [one["status"] for one in again] == [200, 200, 200, 200, 503, 503]

    talk(Settings(data=tmp_path, max_pending=2), conversation)


def test_developers_see_messages_newest_first_and_nothing_else(talk: Any, tmp_path: Path) -> None:
    async def conversation(client: httpx.AsyncClient, node: Node) -> None:
        assert (await client.get("/dev/outbox")).json() == []
        for number, (kind, to) in enumerate(
            [("message.sms", "+6591234567"), ("message.email", "a@b.example"),
             ("message.sms", "+6591234567"), ("decision.block", "+6591234567")]
        ):  # fmt: skip
            body = {"channel": "sms", "to": to, "text": f"code {number}", "code": str(number)}
            row = OutboxRow(f"m{number}", kind, msgspec.json.encode(body), to, number * 1_000_000)
            node.store.write(lambda c, n=number, r=row: insert_outbox(c, [(n, r)])).result()

        async def codes(query: str) -> list[str]:
            return [one["code"] for one in (await client.get(f"/dev/outbox{query}")).json()]

        assert await codes("") == ["2", "1", "0"]
        assert await codes("?to=+6591234567") == ["2", "0"]
        assert await codes("?to=%2B6591234567") == ["2", "0"]
        assert await codes("?to=nobody") == []
        (newest, *_) = (await client.get("/dev/outbox")).json()
        assert newest == {"channel": "sms", "to": "+6591234567", "text": "code 2", "code": "2",
                          "id": "m2", "at": "1970-01-01T00:00:02Z"}  # fmt: skip

    talk(Settings(data=tmp_path, dev=True), conversation)


def test_the_developers_clock_moves_what_is_decided_and_stops_in_time(
    talk: Any, tmp_path: Path
) -> None:
    async def conversation(client: httpx.AsyncClient, _node: Node) -> None:
        before = (await client.post("/v1/decisions", json=PAYMENT)).json()["occurred_at"]
        told = await client.post("/dev/clock", json={"advance_s": 86_400})
        later = {**PAYMENT, "id": "q"}
        after = (await client.post("/v1/decisions", json=later)).json()["occurred_at"]
        days = (datetime.fromisoformat(after) - datetime.fromisoformat(before)).days
        assert (told.status_code, days) == (200, 1)
        statuses = {
            (await client.post("/dev/clock", json={"advance_s": 366 * 86_400 * 10})).status_code
            for _ in range(20)
        }
        assert statuses == {200, 422}
        assert (await client.post("/v1/decisions", json={**PAYMENT, "id": "r"})).status_code == 200

    talk(Settings(data=tmp_path, dev=True), conversation)


def test_decisions_go_on_while_long_rules_are_checked_published_and_explained(
    talk: Any, tmp_path: Path
) -> None:
    async def conversation(client: httpx.AsyncClient, _node: Node) -> None:
        choices = " or ".join(f":email: = 'x{number}'" for number in range(220))
        rules = {"rules": [f"Block if {choices} or ::k{one}:: = 'a'" for one in range(60)]}
        numbers = count()

        async def meanwhile(asking: Awaitable[httpx.Response]) -> None:
            task = asyncio.ensure_future(asking)
            event = {**PAYMENT, "id": f"w{next(numbers)}"}
            await asyncio.sleep(0)
            assert (await client.post("/v1/decisions", json=event)).status_code == 200
            assert not task.done()
            assert (await task).status_code == 200

        await client.post("/v1/decisions", json=PAYMENT)
        await meanwhile(client.post("/v1/rules/check", json=rules))
        await meanwhile(client.put("/v1/rulesets/draft", json=rules))
        await meanwhile(client.get("/v1/rulesets/draft"))
        await meanwhile(client.post("/v1/rulesets/draft/publish"))
        await client.post("/v1/decisions", json={**PAYMENT, "id": "e"})
        await meanwhile(client.get("/v1/decisions/e"))

    talk(Settings(data=tmp_path), conversation)
