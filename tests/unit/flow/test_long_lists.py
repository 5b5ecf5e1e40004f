"""A long list takes the place of another between two decisions, and no decision waits for it."""

import asyncio
import json
from itertools import count, pairwise
from typing import Any

import msgspec
import pytest

from sekisho.entrypoints.chronicle import VALUES_A_ROW
from sekisho.entrypoints.parity import verify_parity
from sekisho.entrypoints.rates import rates_of
from sekisho.flow import Asking
from sekisho.ledger import LogReader
from sekisho.rules import ListRefused

LENGTH = 5 * VALUES_A_ROW
OLD = [(f"old{n}", 0) for n in range(LENGTH)]
NEW = [(f"new{n}", 0) for n in range(LENGTH)]
ADDED = "put in meanwhile"


def steps_of(gate: Any) -> list[str]:
    """What the log tells, row by row: outcomes of decisions, and the parts of changed lists."""
    told: list[str] = []
    for row in gate.node.ledger.read_from(1):
        if row.kind == "decision":
            told.append(msgspec.json.decode(row.answer)["outcome"])
        elif row.kind == "control":
            changes = msgspec.json.decode(row.body).get("changes", ())
            told += [one["how"] for one in changes]
    return told


async def swap(node: Any) -> None:
    """Replace the list while somebody asks, and put one value in when it is half done."""
    numbers = count()
    node.attach(asyncio.get_running_loop())
    filling = asyncio.create_task(node.filler.fill("burnt", NEW, "me", replacing=True))
    adding: asyncio.Task[Any] | None = None
    while not filling.done() or node.checkpoint.pending:
        if not filling.done() and node.checkpoint.pending < 50:
            sent = {"type": "payment", "amount": 1, "currency": "usd", "customer": "old7"}
            body = json.dumps({**sent, "id": f"p{next(numbers)}"}).encode()
            node.checkpoint.decide(body, Asking(), lambda _reply: None)
        if adding is None and node.book.is_renewing("burnt"):
            change = node.desk.add("burnt", ADDED, "me")
            adding = asyncio.create_task(node.change_soon(change))
        await asyncio.sleep(0)
    assert adding is not None
    await adding
    node.detach()


def test_decisions_go_on_while_a_long_list_takes_the_place_of_another(gate: Any) -> None:
    node = gate.node
    node.change(node.desk.create("burnt", "Burnt", "customer_id", {}, "me"))
    gate.publish("Block if :customer: in @burnt")
    asyncio.run(node.filler.fill("burnt", OLD, "me"))
    assert gate.decide(customer="old7")["outcome"] == "block"
    before = len(steps_of(gate))
    asyncio.run(swap(node))
    assert gate.decide(customer="new7")["outcome"] == "block"
    assert gate.decide(customer="old7")["outcome"] == "allow"
    assert gate.decide(customer=ADDED)["outcome"] == "block"
    steps = steps_of(gate)[before:]
    first, last = steps.index("begin"), steps.index("renew")
    assert steps[first:last].count("prepare") == 2 * LENGTH // VALUES_A_ROW - 2
    assert "allow" not in steps[:last]
    assert "block" not in steps[last:-3]
    parts = [at for at, step in enumerate(steps) if step in {"begin", "prepare", "renew"}]
    between = [later - earlier > 1 for earlier, later in pairwise(parts)]
    assert sum(between) > len(between) // 2, "decisions were made between the parts"
    gate.close()
    log = LogReader(gate.data / "sekisho.db")
    found = verify_parity(log, rates_of(node.settings), (0, 1 << 62))
    log.close()
    assert (found.mismatched, found.unverifiable) == (0, {})
    assert found.verified == found.decisions > 3
    gate.open()
    assert gate.decide(customer=ADDED)["outcome"] == "block"


def test_list_that_is_too_long_changes_nothing(gate: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sekisho.rules.desk.MAX_ITEMS", 3)
    node = gate.node
    asyncio.run(node.filler.fill("email_blocklist", [("a@b.test", 0)], "me"))
    many = [(f"m{n}@b.test", 0) for n in range(4)]
    for replacing in (True, False):
        with pytest.raises(ListRefused, match="at most 3"):
            asyncio.run(node.filler.fill("email_blocklist", many, "me", replacing=replacing))
    assert list(node.book.values["email_blocklist"]) == ["a@b.test"]
