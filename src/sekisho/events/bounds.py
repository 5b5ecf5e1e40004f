"""What an attribute may be where the catalogue states it: a range of numbers, or one of a few."""

from math import inf
from typing import Final

from sekisho.events.families import CURRENCIES

Range = tuple[float, float]

RANGES: Final[dict[str, Range]] = {
    "risk_score": (0, 100),
    "fraudulent_dispute_score": (0, 99),
    "fraudulent_payment_score": (0, 99),
    "early_fraud_warning_score": (0, 99),
    "bot_score": (0, 99),
    "sms_pumping_risk": (0, 100),
    "hour_of_day": (0, 23),
    "day_of_week": (1, 7),
    "distance_between_billing_and_shipping_address": (0, inf),
    "distance_between_ip_and_billing_address": (0, inf),
    "distance_between_ip_and_shipping_address": (0, inf),
    "amount": (0, inf),
    **{f"amount_in_{currency}": (0, inf) for currency in CURRENCIES},
}
"""The lowest and highest number of an attribute, both taken."""

_CHECK: Final = frozenset({"pass", "fail", "unavailable", "unchecked", "not_provided"})
CHOICES: Final[dict[str, frozenset[str]]] = {
    "risk_level": frozenset({"normal", "elevated", "highest", "not_assessed", "unknown"}),
    "account_risk_level": frozenset({"normal", "elevated", "highest", "not_assessed", "unknown"}),
    "transaction_type": frozenset({"charge", "payment_intent", "setup_intent"}),
    "outcome": frozenset({"authorized", "declined", "blocked"}),
    "label": frozenset({"fraud", "legitimate"}),
    "verdict": frozenset({"approved", "refunded", "refunded_as_fraud", "canceled"}),
    "cvc_check": _CHECK,
    "address_zip_check": _CHECK,
    "address_line1_check": _CHECK,
}
"""The texts of an attribute, as rules compare them. Attributes that only name examples are open."""


def told(bounds: Range) -> str:
    """A range in words.

    >>> told((0, 100)), told((0, inf))
    ('0 to 100', '0 or more')
    """
    low, high = bounds
    return f"{low:g} or more" if high == inf else f"{low:g} to {high:g}"
