"""Rules that read the issuer's checks are judged when the issuer's answer is reported."""

from typing import Any

import pytest

CARD = {"fingerprint": "fp_1", "brand": "visa"}
BAD_CVC = "Block if :cvc_check: = 'fail'"
FAILED = {"type": "authorization", "approved": True, "cvc_check": "fail"}


def test_a_failed_check_reverses_an_approved_payment(gate: Any) -> None:
    gate.publish(BAD_CVC, "Block if :amount_in_usd: > 1000")
    assert gate.decide(id="p", card=CARD)["outcome"] == "allow"
    told = gate.report(about="p", id="a", **FAILED)
    assert (told["outcome"], told["network_status"]) == ("block", "reversed_after_approval")
    assert told["rule"]["predicate"] == BAD_CVC
    assert [hit["action"] for hit in told["hits"]] == ["block"]
    rule = told["rule"]["id"]
    assert gate.outbox() == [("payment.reverse", {"event": "a", "about": "p", "rule": rule})]


def test_a_reversed_payment_counts_as_blocked_also_after_a_restart(gate: Any) -> None:
    counters = ("blocked_charges_per_card_number_daily", "authorized_charges_per_card_number_daily")
    gate.publish(BAD_CVC, *(f"Review if :{name}: > 9" for name in counters))
    gate.decide(id="p", card=CARD)
    gate.report(about="p", **FAILED)

    def counted(event_id: str) -> list[int]:
        attributes = gate.decide(id=event_id, card=CARD)["attributes"]
        return [attributes[name] for name in counters]

    assert counted("q") == [1, 0]
    gate.node.ledger.close()
    gate.node.store.close()  # without a snapshot: the log alone must tell
    gate.open()
    assert counted("r") == [1, 0]


@pytest.mark.parametrize(
    ("decided", "reported"),
    [
        ({}, {"approved": False, "cvc_check": "fail"}),
        ({}, {"approved": True, "cvc_check": "pass"}),
        ({}, {"approved": True}),
        ({"attributes": {"risk_level": "highest"}}, {"approved": True, "cvc_check": "fail"}),
    ],
    ids=["declined", "passed", "not checked", "blocked before"],
)
def test_nothing_follows(gate: Any, decided: dict[str, Any], reported: dict[str, Any]) -> None:
    gate.publish(BAD_CVC)
    gate.decide(id="p", card=CARD, **decided)
    before = gate.outbox()
    told = gate.report(type="authorization", about="p", **reported)
    assert (told["hits"], "outcome" in told) == ([], False)
    assert gate.outbox() == before


def test_a_payment_is_reversed_once(gate: Any) -> None:
    gate.publish(BAD_CVC)
    gate.decide(id="p", card=CARD)
    gate.report(about="p", id="a", **FAILED)
    assert gate.report(about="p", id="b", **FAILED)["hits"] == []
    assert len(gate.outbox()) == 1


def test_an_allow_rule_rescues_what_the_issuer_approved(gate: Any) -> None:
    gate.publish(BAD_CVC, "Allow if :amount_in_usd: < 100")
    gate.decide(id="p", card=CARD)
    told = gate.report(about="p", **FAILED)
    assert (told["outcome"], told["rule_override_by_allow_rule"]) == ("allow", True)
    assert gate.outbox() == []


def test_a_review_opens_after_approval_and_authentication_comes_too_late(gate: Any) -> None:
    gate.publish("Review if :cvc_check: = 'fail'", "Request 3DS if :cvc_check: = 'fail'")
    gate.decide(id="p", card=CARD)
    told = gate.report(about="p", **FAILED)
    assert [hit["action"] for hit in told["hits"]] == ["review"]
    assert [kind for kind, _ in gate.outbox()] == ["decision.review"]


def test_rules_that_read_nothing_of_the_issuer_have_had_their_say(gate: Any) -> None:
    gate.publish(BAD_CVC)
    gate.decide(id="p", card=CARD)
    gate.publish(BAD_CVC, "Block if :amount_in_usd: > 1")
    told = gate.report(about="p", type="authorization", approved=True, cvc_check="pass")
    assert told["hits"] == []
