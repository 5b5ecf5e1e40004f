"""A rule that an event does not take changes nothing, and the explanation says so."""

from typing import Any

from sekisho.entrypoints.explaining import explained

REQUEST = "Request 3DS if :amount_in_usd: > 1"


def test_a_bare_charge_is_not_authenticated(gate: Any) -> None:
    gate.publish(REQUEST)
    charge = gate.decide(transaction_type="Charge")
    assert (charge["outcome"], charge["request_3ds"], charge["hits"]) == ("allow", False, [])
    intent = gate.decide(transaction_type="payment_intent")
    assert (intent["outcome"], intent["request_3ds"]) == ("request_3ds", True)


def test_the_explanation_tells_what_was_held_back(gate: Any) -> None:
    gate.publish(REQUEST)
    charge = gate.decide(transaction_type="charge")
    rules = explained(gate.node, charge["id"])["explanation"]["rules"]
    told = {one["predicate"]: (one["matched"], one["held_back"]) for one in rules}
    assert told[REQUEST] == (False, True)
    assert sum(held_back for _, held_back in told.values()) == 1
