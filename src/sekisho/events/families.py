"""Attributes whose names follow a pattern: addresses, amounts, counters and timers."""

from collections.abc import Iterator

from sekisho.language import AttributeSpec, Type

CURRENCIES = (
    "aed", "ars", "aud", "brl", "cad", "chf", "clp", "cop", "czk", "dkk", "eur", "gbp", "hkd",
    "huf", "idr", "ils", "inr", "jpy", "khr", "krw", "mxn", "myr", "nok", "nzd", "php", "pln",
    "ron", "rub", "sek", "sgd", "thb", "try", "twd", "usd",
)  # fmt: skip
"""Currencies an amount is converted to: `amount_in_usd` and so on."""

FOUR_WINDOWS = ("all_time", "weekly", "daily", "hourly")
WINDOW_WORDS = {
    "all_time": "ever",
    "yearly": "in the last 365 days",
    "monthly": "in the last 30 days",
    "weekly": "in the last 7 days",
    "daily": "in the last 24 hours",
    "hourly": "in the last hour",
}
CHARGE_KEYS = (
    "billing_address",
    "card_number",
    "customer",
    "email",
    "ip_address",
    "shipping_address",
)
CHARGE_WORDS = {
    "authorized": "payments the issuer approved",
    "blocked": "payments we blocked",
    "declined": "payments the issuer declined",
    "total": "payment attempts",
}
ADDRESS_PARTS = {
    "line1": "first line",
    "line2": "second line",
    "postal_code": "postal code",
    "city": "city",
    "state": "state or province",
}
TIMERS = {
    "customer_was_created": "the customer was created",
    "email_first_seen": "the e-mail address was first seen",
    "email_first_seen_on_stripe": "the e-mail address was first seen anywhere we can look",
    "card_first_seen": "the card was first seen",
    "first_successful_auth_on_card": "the card was first approved",
}
USD_AGGREGATES = {
    "average_usd_amount_attempted": "mean dollars attempted",
    "average_usd_amount_successful": "mean dollars approved",
    "total_usd_amount_charged": "dollars attempted",
    "total_usd_amount_failed": "dollars blocked or declined",
    "total_usd_amount_successful": "dollars approved",
}
LEGACY = {"charge_attempts": "total_charges", "blocks": "blocked_charges"}

# scheme with {key} and {window}, keys, windows, what is counted, group; all stop at 25
BOUNDED_FAMILIES = (
    (
        "card_count_for_{key}_{window}",
        ("billing_address", "customer", "email", "ip_address", "shipping_address"),
        FOUR_WINDOWS,
        "different cards",
        "card_usage",
    ),
    (
        "email_count_for_{key}_{window}",
        ("billing_address", "card", "ip", "shipping_address"),
        FOUR_WINDOWS,
        "different e-mail addresses",
        "email_usage",
    ),
    ("name_count_for_{key}_{window}", ("card",), FOUR_WINDOWS, "different holder names", "name"),
    ("refund_count_on_{key}_{window}", ("card",), FOUR_WINDOWS, "refunds", "refunds"),
    ("efw_count_on_{key}_{window}", ("card", "ip"), FOUR_WINDOWS, "early fraud warnings", "efw"),
    (
        "dispute_count_on_{key}_{window}",
        ("card_number",),
        ("all_time", "yearly"),
        "disputes for fraud",
        "disputes",
    ),
    ("dispute_count_on_{key}_{window}", ("ip",), FOUR_WINDOWS, "disputes for fraud", "disputes"),
    (
        "total_customers_for_{key}_{window}",
        ("card", "email"),
        ("yearly", "weekly"),
        "customers",
        "customer",
    ),
    (
        "total_customers_with_prior_fraud_activity_for_{key}_{window}",
        ("card", "email"),
        ("yearly", "weekly"),
        "customers with fraud in their past",
        "customer",
    ),
)


def family_attributes() -> Iterator[AttributeSpec]:
    """Every attribute that a pattern makes, counters and legacy spellings included."""
    yield from _addresses()
    yield from _amounts()
    yield from _charge_counters()
    yield from _bounded_counters()
    yield from _account_counters()
    yield from _timers()
    yield from _legacy()


def _addresses() -> Iterator[AttributeSpec]:
    for kind in ("billing", "shipping"):
        name = f"{kind}_address"
        yield AttributeSpec(name, Type.STRING_CI, f"whole {kind} address in one line", "address")
        for part, words in ADDRESS_PARTS.items():
            meaning = f"{words} of the {kind} address"
            yield AttributeSpec(f"{name}_{part}", Type.STRING_CI, meaning, "address")
        meaning = f"country of the {kind} address, two letters"
        yield AttributeSpec(f"{name}_country", Type.COUNTRY, meaning, "address")


def _amounts() -> Iterator[AttributeSpec]:
    for currency in CURRENCIES:
        meaning = f"amount in {currency.upper()}, major units, whatever its own currency"
        yield AttributeSpec(f"amount_in_{currency}", Type.NUMERIC, meaning, "amount")
    for scheme, words in USD_AGGREGATES.items():
        for key in ("card", "customer"):
            meaning = f"{words} with this {key} ever, without the current payment"
            yield AttributeSpec(f"{scheme}_on_{key}_all_time", Type.NUMERIC, meaning, "amount")


def _charge_counters() -> Iterator[AttributeSpec]:
    for outcome, words in CHARGE_WORDS.items():
        for key in CHARGE_KEYS:
            for window in FOUR_WINDOWS:
                name = f"{outcome}_charges_per_{key}_{window}"
                group = f"velocity_{outcome}"
                yield AttributeSpec(name, Type.NUMERIC, _counted(words, key, window), group)


def _bounded_counters() -> Iterator[AttributeSpec]:
    for scheme, keys, windows, words, group in BOUNDED_FAMILIES:
        for key in keys:
            for window in windows:
                name = scheme.format(key=key, window=window)
                meaning = f"{_counted(words, key, window)}; stops at 25"
                yield AttributeSpec(name, Type.BOUNDED, meaning, group)


def _account_counters() -> Iterator[AttributeSpec]:
    for window in ("monthly", "weekly"):
        name = f"dispute_count_for_account_{window}"
        meaning = f"disputes of any kind on the account {WINDOW_WORDS[window]}"
        yield AttributeSpec(name, Type.NUMERIC, meaning, "account_rules")


def _timers() -> Iterator[AttributeSpec]:
    flags = frozenset({"missing_if_unseen"})
    for unit in ("hours", "minutes", "seconds"):
        for event, words in TIMERS.items():
            meaning = f"{unit} since {words}; missing when it never was"
            yield AttributeSpec(f"{unit}_since_{event}", Type.NUMERIC, meaning, "time", flags)


def _legacy() -> Iterator[AttributeSpec]:
    for old, new in LEGACY.items():
        for key in ("ip_address", "card_number"):
            current = f"{new}_per_{key}_hourly"
            yield AttributeSpec(
                f"{old}_per_{key}_hourly",
                Type.NUMERIC,
                f"older spelling of {current}",
                "legacy_alias",
                frozenset({f"alias={current}"}),
                current,
            )


def _counted(words: str, key: str, window: str) -> str:
    return f"{words} with this {key.replace('_', ' ')} {WINDOW_WORDS[window]}"
