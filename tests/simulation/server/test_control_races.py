"""Counters, lists and rules changed by many at once: nothing breaks, and a restart is whole."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from recount import recounted

from sekisho.entrypoints.rulesets_told import live_told
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.wiring import build_application, open_node

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

HEADERS = {"authorization": "Bearer sk_test_sekisho"}
AT_ONCE = 24
ROUNDS = 14
COUNT = {"aggregate": "count", "of": ["payment"], "by": ["customer"]}
CURRENCIES = ("eur", "jpy", "sgd")


class Crowd:
    """Callers who change what the others rely on."""

    def __init__(self, client: httpx.AsyncClient, seed: int) -> None:
        self.client = client
        self.rng = random.Random(seed)
        self.statuses: Counter[int] = Counter()
        self.broken: list[str] = []

    def change(self, number: int) -> Awaitable[httpx.Response]:
        """One change or report, drawn at random."""
        rng, http, name = self.rng, self.client, f"c{self.rng.randrange(3)}"
        draft = "/v1/rulesets/draft"
        match rng.randrange(10):
            case 0:
                window = f"{rng.randrange(1, 4)}h"
                return http.put(f"/v1/counters/{name}", json={**COUNT, "window": window})
            case 1:
                return http.delete(f"/v1/counters/{name}")
            case 2:
                amount = f"amount_in_{rng.choice(CURRENCIES)}"
                rules = [f"Review if :{name}: > 3", f"Block if :{amount}: > 10"]
                return http.put(draft, json={"rules": rules})
            case 3:
                return http.put(draft, json={"rules": [f"Review if :email: in @{name}"]})
            case 4:
                return http.post(f"{draft}/publish")
            case 5:
                return http.post("/v1/lists", json={"alias": name})
            case 6:
                return http.delete(f"/v1/lists/{name}")
            case 7:
                return http.post(f"/v1/lists/{name}/items", json={"items": [f"v{number}"]})
            case 8:
                return http.post("/v1/rulesets/1/publish")
            case _:
                return http.get("/v1/lists")

    async def take_part(self, number: int) -> None:
        """A change, a decision, an issuer's answer."""
        event = {"type": "payment", "id": f"e{number}", "customer": "x", "amount": 5,
                 "currency": "usd", "email": "v1@a.example"}  # fmt: skip
        report = {"type": "authorization", "about": f"e{number}", "approved": True}
        for asking in (
            self.change(number),
            self.client.post("/v1/decisions", json=event),
            self.client.post("/v1/events", json=report),
        ):
            answer = await asking
            self.statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                self.broken.append(f"{answer.request.method} {answer.request.url}: {answer.text}")


def run_crowd(settings: Settings, seed: int) -> Crowd:
    node = open_node(settings)

    async def run() -> Crowd:
        node.attach(asyncio.get_running_loop())
        transport = httpx.ASGITransport(build_application(node), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://node", headers=HEADERS
        ) as client:
            crowd = Crowd(client, seed)
            for start in range(0, AT_ONCE * ROUNDS, AT_ONCE):
                numbers = range(start, start + AT_ONCE)
                await asyncio.gather(*(crowd.take_part(number) for number in numbers))
            return crowd

    try:
        return asyncio.run(run())
    finally:
        node.close()


@pytest.mark.parametrize("seed", range(3))
def test_no_race_breaks_a_request_or_the_next_start(tmp_path: Path, seed: int) -> None:
    settings = Settings(data=tmp_path, dev=True)
    crowd = run_crowd(settings, seed)
    assert crowd.broken == [], f"seed {seed}"
    assert crowd.statuses[200] > AT_ONCE * ROUNDS
    node = open_node(settings)
    try:
        live: Any = live_told(node.policy.live.ruleset)["rules"]
        assert live
        assert recounted(node)[1] == [], f"seed {seed}"
    finally:
        node.close()
