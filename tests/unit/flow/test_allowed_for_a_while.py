"""A fingerprint stays on the default allow list for 30 days at most."""

import asyncio
from typing import Any

DAY_S = 24 * 3_600
DAY_US = DAY_S * 1_000_000
LIST = "card_fingerprint_allowlist"
RISKY = {"card": {"fingerprint": "fp_1"}, "attributes": {"risk_level": "highest"}}


def test_a_card_is_allowed_for_thirty_days(gate: Any) -> None:
    gate.node.change(gate.node.desk.add(LIST, "fp_1", "me"))
    assert gate.decide(**RISKY)["outcome"] == "allow"
    gate.node.clock.advance(30 * DAY_S - 60)
    assert gate.decide(**RISKY)["outcome"] == "allow"
    gate.node.clock.advance(60)
    assert gate.decide(**RISKY)["outcome"] == "block"
    gate.node.change(gate.node.desk.add(LIST, "fp_1", "me"))
    assert gate.decide(**RISKY)["outcome"] == "allow"


def test_a_longer_expiry_is_shortened_and_a_shorter_one_kept(gate: Any) -> None:
    node, now_us = gate.node, gate.node.clock.now_us()
    given = {"long": now_us + 90 * DAY_US, "short": now_us + DAY_US, "none": 0}
    asyncio.run(node.filler.fill(LIST, list(given.items()), "me"))
    asyncio.run(node.filler.fill("email_allowlist", [("a@b.example", given["long"])], "me"))
    lives = {name: round((node.book.values[LIST][name] - now_us) / DAY_US, 2) for name in given}
    assert lives == {"long": 30, "short": 1, "none": 30}
    assert node.book.values["email_allowlist"]["a@b.example"] == given["long"]
