"""`Resolve dispute` rules: no say in a payment, judged when a dispute is reported."""

import asyncio
import json
from pathlib import Path

import msgspec

from sekisho.entrypoints.node import Node
from sekisho.entrypoints.settings import read_settings
from sekisho.entrypoints.wiring import open_node
from sekisho.rules import DraftRule


def _publish(node: Node, rules: list[str]) -> None:

    async def run() -> None:
        await node.policy.save_draft([DraftRule(rule) for rule in rules], "test")
        await node.policy.publish("test", "")

    asyncio.run(run())


def test_a_dispute_rule_is_judged_on_the_dispute_and_not_on_the_payment(tmp_path: Path) -> None:
    node = open_node(read_settings({}, data=tmp_path))
    try:
        _publish(node, ["Resolve dispute if :amount_in_usd: <= 10.00"])
        payment = {"type": "payment", "id": "p", "amount": 500, "currency": "usd"}
        decision = msgspec.json.decode(node.decide(json.dumps(payment).encode()).body)
        assert (decision["outcome"], decision["hits"]) == ("allow", [])
        dispute = {"type": "dispute", "about": "p", "reason": "fraudulent", "id": "d"}
        told = msgspec.json.decode(node.report(json.dumps(dispute).encode()).body)
        assert [hit["action"] for hit in told["hits"]] == ["resolve_dispute"]
        kinds = [row[0] for row in node.store.read().execute("SELECT kind FROM outbox")]
        assert kinds == ["dispute.resolve"]
    finally:
        node.close()
