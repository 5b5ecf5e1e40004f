"""A small catalogue with every type, for rules written as files."""

import pytest

from sekisho.language import AttributeSpec, Catalogue, Type

ROWS = {
    Type.STRING_CI: "email email_domain card_funding card_brand card_bin risk_level digital_wallet "
    "ip_address billing_address_city company.industry transaction_type",
    Type.STRING_CS: "customer card_fingerprint cvc_check",
    Type.COUNTRY: "card_country ip_country billing_address_country",
    Type.STATE: "ip_state",
    Type.NUMERIC: "risk_score amount_in_usd amount_in_eur total_charges_per_customer_hourly "
    "seconds_since_card_first_seen company.mean_amount",
    Type.BOUNDED: "dispute_count_on_ip_daily",
    Type.BOOLEAN: "is_recurring is_3d_secure is_anonymous_ip has_liability_shift",
}

OF_A_CLASS = {
    "is_fraudulent": (Type.BOOLEAN, "dispute"),
    "network_reason_code": (Type.STRING_CI, "dispute"),
    "account_risk_level": (Type.STRING_CI, "account_rules"),
    "dispute_count_for_account_weekly": (Type.NUMERIC, "account_rules"),
}


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    specs = [
        AttributeSpec(name, kind, "for the tests")
        for kind, names in ROWS.items()
        for name in names.split()
    ]
    old = AttributeSpec(
        "charge_attempts_per_customer_hourly",
        Type.NUMERIC,
        "an older spelling",
        alias_of="total_charges_per_customer_hourly",
    )
    of_class = [
        AttributeSpec(name, kind, "for the tests", group)
        for name, (kind, group) in OF_A_CLASS.items()
    ]
    return Catalogue([*specs, old, *of_class])


@pytest.fixture(scope="session")
def lists() -> dict[str, str]:
    return {
        "risky_countries": "country",
        "bad_emails": "email",
        "names": "string",
        "bins": "card_bin",
    }
