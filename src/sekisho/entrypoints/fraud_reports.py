"""A refund as fraud puts the card and the e-mail on the default block lists."""

from typing import Any, Final

import msgspec

from sekisho.entrypoints.node import Node

LISTED: Final = (("card_fingerprint", "card_fingerprint_blocklist"), ("email", "email_blocklist"))
"""Attribute of the refunded payment → default list (rule-language contract, section 6)."""


async def learn_from(node: Node, answer: bytes) -> None:
    """Carry the consequence of a recorded outcome into the lists; most have none."""
    told: dict[str, Any] = msgspec.json.decode(answer)
    if told["type"] != "refund":
        return
    row = node.ledger.find_event(told["id"], "event")
    if row is None or msgspec.json.decode(row.body).get("reason") != "fraudulent":
        return
    record = node.checkpoint.subject(told["about"]).record
    for attribute, alias in LISTED:
        value = record.get(attribute)
        if isinstance(value, str):
            author = f"refund {told['id']}"
            await node.filler.fill(alias, [(value, 0)], author)
