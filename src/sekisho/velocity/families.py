"""The counters every fraud team knows, by the names the rule language gives them."""

from collections.abc import Iterator
from functools import cache
from types import MappingProxyType
from typing import Final

from sekisho.velocity.spec import DAY_US, SECOND_US, UNITS, Aggregate, CounterSpec

CHARGES: Final = ("payment", "card_authorization")
SIGHTINGS: Final = ("payment", "card_authorization", "signup")
"""Where an e-mail address may be seen for the first time."""
BOUND: Final = 25
WINDOWS: Final = {
    "hourly": 3600 * SECOND_US,
    "daily": DAY_US,
    "weekly": 7 * DAY_US,
    "monthly": 30 * DAY_US,
    "yearly": 365 * DAY_US,
    "all_time": None,
}
FOUR: Final = ("all_time", "weekly", "daily", "hourly")
KEYS: Final = {
    "card": "card_fingerprint",
    "card_number": "card_fingerprint",
    "ip": "ip_address",
    "account": "account",
    "billing_address": "billing_address",
    "shipping_address": "shipping_address",
    "customer": "customer",
    "email": "email",
    "ip_address": "ip_address",
}
PLACES: Final = ("billing_address", "customer", "email", "ip_address", "shipping_address")
AUTHORIZED: Final = ":outcome: = 'authorized'"
FAILED: Final = ":outcome: in ('blocked', 'declined')"
OUTCOMES: Final = {
    "authorized": AUTHORIZED,
    "blocked": ":outcome: = 'blocked'",
    "declined": ":outcome: = 'declined'",
    "total": "",
}
WITH_FRAUD: Final = (
    ":is_fraudulent: or :event_type: = 'early_fraud_warning' or :outcome: = 'blocked'"
)
FRAUD_SIGNS: Final = (*CHARGES, "dispute", "early_fraud_warning")

# scheme, keys, windows, event types, condition, what is told apart ("" counts events)
BOUNDED: Final = (
    ("card_count_for_{}_{}", PLACES, FOUR, CHARGES, "", "card_fingerprint"),
    (
        "email_count_for_{}_{}",
        ("billing_address", "card", "ip", "shipping_address"),
        FOUR,
        CHARGES,
        "",
        "email",
    ),
    ("name_count_for_{}_{}", ("card",), FOUR, CHARGES, "", "cardholder_name"),
    ("refund_count_on_{}_{}", ("card",), FOUR, ("refund",), "", ""),
    ("efw_count_on_{}_{}", ("card", "ip"), FOUR, ("early_fraud_warning",), "", ""),
    (
        "dispute_count_on_{}_{}",
        ("card_number",),
        ("all_time", "yearly"),
        ("dispute",),
        ":is_fraudulent:",
        "",
    ),
    ("dispute_count_on_{}_{}", ("ip",), FOUR, ("dispute",), ":is_fraudulent:", ""),
    (
        "total_customers_for_{}_{}",
        ("card", "email"),
        ("yearly", "weekly"),
        CHARGES,
        "",
        "customer",
    ),
    (
        "total_customers_with_prior_fraud_activity_for_{}_{}",
        ("card", "email"),
        ("yearly", "weekly"),
        FRAUD_SIGNS,
        WITH_FRAUD,
        "customer",
    ),
)
TIMERS: Final = {
    "customer_was_created": (("signup",), "customer", ""),
    "email_first_seen": (SIGHTINGS, "email", ""),
    "email_first_seen_on_stripe": (SIGHTINGS, "email", ""),
    "card_first_seen": (CHARGES, "card_fingerprint", ""),
    "first_successful_auth_on_card": (CHARGES, "card_fingerprint", AUTHORIZED),
}
AMOUNTS: Final = {
    "average_usd_amount_attempted": (Aggregate.AVG, ""),
    "average_usd_amount_successful": (Aggregate.AVG, AUTHORIZED),
    "total_usd_amount_charged": (Aggregate.SUM, ""),
    "total_usd_amount_failed": (Aggregate.SUM, FAILED),
    "total_usd_amount_successful": (Aggregate.SUM, AUTHORIZED),
}


def family_spec(name: str) -> CounterSpec | None:
    """The counter behind an attribute such as `total_charges_per_customer_hourly`, or None.

    One installation sees only itself, so the timers `…_on_stripe` equal their twins without it.
    Customers with prior fraud are those with a fraud dispute, an early fraud warning or a blocked
    payment on the card or e-mail address within the window.

    >>> family_spec("total_charges_per_customer_hourly").window_us // 1_000_000
    3600
    """
    return _families().get(name)


def family_names() -> frozenset[str]:
    """Every attribute that is a counter."""
    return frozenset(_families())


@cache
def _families() -> MappingProxyType[str, CounterSpec]:
    specs = [*_charges(), *_bounded(), *_account_disputes(), *_timers(), *_amounts(), _new_card()]
    return MappingProxyType({spec.name: spec for spec in specs})


def _charges() -> Iterator[CounterSpec]:
    for outcome, where in OUTCOMES.items():
        for key in ("card_number", *PLACES):
            for window in FOUR:
                name = f"{outcome}_charges_per_{key}_{window}"
                by = (KEYS[key],)
                yield CounterSpec(name, Aggregate.COUNT, CHARGES, by, where, WINDOWS[window])


def _bounded() -> Iterator[CounterSpec]:
    for scheme, keys, windows, of, where, value in BOUNDED:
        aggregate = Aggregate.DISTINCT if value else Aggregate.COUNT
        for key in keys:
            for window in windows:
                yield CounterSpec(
                    scheme.format(key, window),
                    aggregate,
                    of,
                    (KEYS[key],),
                    where,
                    WINDOWS[window],
                    value=value,
                    cap=BOUND,
                )


def _account_disputes() -> Iterator[CounterSpec]:
    for window in ("monthly", "weekly"):
        name = f"dispute_count_for_account_{window}"
        by = ("account",)
        yield CounterSpec(name, Aggregate.COUNT, ("dispute",), by, window_us=WINDOWS[window])


def _timers() -> Iterator[CounterSpec]:
    for seen, (of, key, where) in TIMERS.items():
        for unit, unit_us in UNITS.items():
            name = f"{unit}_since_{seen}"
            yield CounterSpec(name, Aggregate.FIRST, of, (key,), where, unit_us=unit_us)


def _amounts() -> Iterator[CounterSpec]:
    for scheme, (aggregate, where) in AMOUNTS.items():
        for key in ("card", "customer"):
            name = f"{scheme}_on_{key}_all_time"
            yield CounterSpec(name, aggregate, CHARGES, (KEYS[key],), where, value="amount_in_usd")


def _new_card() -> CounterSpec:
    by = ("customer", "card_fingerprint")
    return CounterSpec("is_new_card_on_customer", Aggregate.UNSEEN, CHARGES, by)
