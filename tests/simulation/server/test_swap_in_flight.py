"""Counters that go live while a batch is on its way: a failure takes back what they counted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from recount import recounted

from sekisho.flow import Asking, NotRecorded

if TYPE_CHECKING:
    from sekisho.entrypoints.node import Node

SUM_IN_EURO = {
    "aggregate": "sum", "of": ["payment"], "by": ["customer"], "window": "1d",
    "value": "amount_in_eur", "include_current": False,
}  # fmt: skip


def payment(event_id: str) -> bytes:
    event = {"type": "payment", "id": event_id, "customer": "c", "amount": 500, "currency": "usd"}
    return json.dumps(event).encode()


def refuse(node: Node, *, on: bool) -> None:
    """Make the disk refuse every row of the log, or take them again."""
    text = (
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.ledger BEGIN SELECT RAISE(FAIL, 'x'); END"
    )
    node.store.write(lambda c: c.execute(text if on else "DROP TRIGGER full")).result()


def test_failed_batch_leaves_nothing_in_counters_that_went_live_meanwhile(new_node: Any) -> None:
    node = new_node()
    refuse(node, on=True)
    told: list[Any] = []
    for number in range(5):
        node.checkpoint.decide(payment(f"p{number}"), Asking(), told.append)
    asyncio.run(node.policy.declare("spent_in_euro", SUM_IN_EURO))
    node.owner.run_until(lambda: len(told) == 5)
    assert all(isinstance(one, NotRecorded) for one in told)
    refuse(node, on=False)
    answer = json.loads(node.decide(payment("after")).body)
    assert answer["attributes"]["spent_in_euro"] == 0
    assert recounted(node)[1] == []
