"""A first defence for the simulated world: rules, the counters they read, and their lists."""

Declaration = dict[str, str | list[str]]
"""A counter as an operator would declare it."""

RULES: tuple[str, ...] = (
    # asking for proof costs an honest customer seconds, not the purchase
    "Request 3D Secure if :is_anonymous_ip: and :amount_in_usd: > 60",
    (
        "Request 3D Secure if :card_country: != :ip_country: "
        "and is_missing(:hours_since_card_first_seen:)"
    ),
    # card testing: one place tries many cards, and issuers refuse them
    (
        "Block if :declined_charges_per_ip_address_hourly: > 3 "
        "and :card_count_for_ip_address_hourly: > 4"
    ),
    "Block if :declined_charges_per_email_daily: > 3 and :card_count_for_email_daily: > 3",
    "Block if :cards_per_device_daily: > 4 and :declines_per_device_daily: > 2",
    "Block if :declined_charges_per_card_number_daily: > 4",
    # a card that suddenly belongs to several people
    (
        "Block if :card_count_for_email_weekly: > 2 and :email_count_for_card_weekly: > 0 "
        "and :hours_since_email_first_seen: < 96"
    ),
    (
        "Review if :email_count_for_card_weekly: > 0 and :total_charges_per_email_daily: > 1 "
        "and :hours_since_email_first_seen: < 24 and :amount_in_usd: > 40"
    ),
    # the welcome offer is for people, not for one telephone with many accounts
    "Block if ::promo:: = 'WELCOME' and :signups_per_device_daily: > 2",
    "Review if :event_type: = 'signup' and :signups_per_ip_daily: > 3",
    "Review if :is_disposable_email: and ::CustomerType:: = 'guest' and :amount_in_usd: > 40",
    # the Mallory flood: prepaid cards of one brand buy gift cards as guests, many an hour
    (
        "Block if :card_funding: = 'prepaid' and :card_brand: = 'mallory' and :amount_in_usd: > 20 "
        "and ::CustomerType:: = 'guest' and :total_charges_per_customer_hourly: > 2"
    ),
    (
        "Review if :card_funding: = 'prepaid' and :card_brand: = 'mallory' "
        "and ::segment:: = 'gift_cards' and ::CustomerType:: = 'guest'"
    ),
    # accounts: many names from one place, then a door that opens
    "Challenge if :event_type: = 'login' and :accounts_per_device_daily: > 2",
    (
        "Challenge if :event_type: = 'login' and :accounts_per_ip_hourly: > 4 "
        "and :failed_logins_per_ip_hourly: > 3"
    ),
    "Challenge if :event_type: = 'sensitive_change' and :accounts_per_device_daily: > 1",
    (
        "Review if :changes_per_customer_daily: > 0 and :amount_in_usd: > 80 "
        "and not (:event_type: = 'inbound_transfer')"
    ),
    # codes: numbers nobody asked about, from places that ask all day
    "Block if :event_type: = 'otp_request' and :phones_per_ip_hourly: > 5",
    "Block if :event_type: = 'otp_request' and :phones_per_device_daily: > 5",
    (
        "Challenge if :event_type: = 'otp_request' and :phone_country: in @pumped_phone_countries "
        "and :phone_country: != :ip_country:"
    ),
    # transfers: an account that everybody suddenly pays
    (
        "Hold if :event_type: = 'outbound_transfer' and :senders_per_counterparty_daily: > 1 "
        "and :amount_in_usd: > 50"
    ),
    "Hold if :event_type: = 'outbound_transfer' and :receipts_per_account_daily: > 2",
    "Review if :event_type: = 'inbound_transfer' and :receipts_per_account_daily: > 2",
    # what people already decided
    "Block if :card_fingerprint: in @card_fingerprint_blocklist",
    "Block if :ip_country: in @client_ip_country_blocklist",
)

COUNTERS: dict[str, Declaration] = {
    "cards_per_device_daily": {
        "aggregate": "distinct", "of": "payment", "by": ["device"],
        "value": "card_fingerprint", "window": "24h",
    },
    "declines_per_device_daily": {
        "aggregate": "count", "of": "payment", "by": ["device"],
        "where": ":outcome: = 'declined'", "window": "24h",
    },
    "signups_per_device_daily": {
        "aggregate": "count", "of": "signup", "by": ["device"], "window": "24h",
    },
    "signups_per_ip_daily": {
        "aggregate": "count", "of": "signup", "by": ["ip_address"], "window": "24h",
    },
    "accounts_per_ip_hourly": {
        "aggregate": "distinct", "of": "login", "by": ["ip_address"],
        "value": "customer", "window": "1h",
    },
    "accounts_per_device_daily": {
        "aggregate": "distinct", "of": "login", "by": ["device"],
        "value": "customer", "window": "24h",
    },
    "changes_per_customer_daily": {
        "aggregate": "count", "of": "sensitive_change", "by": ["customer"], "window": "24h",
    },
    "failed_logins_per_ip_hourly": {
        "aggregate": "count", "of": "login", "by": ["ip_address"],
        "where": ":login_result: != 'success'", "window": "1h",
    },
    "phones_per_ip_hourly": {
        "aggregate": "distinct", "of": "otp_request", "by": ["ip_address"],
        "value": "phone", "window": "1h",
    },
    "phones_per_device_daily": {
        "aggregate": "distinct", "of": "otp_request", "by": ["device"],
        "value": "phone", "window": "24h",
    },
    "senders_per_counterparty_daily": {
        "aggregate": "distinct", "of": "outbound_transfer", "by": ["counterparty"],
        "value": "account", "window": "24h",
    },
    "receipts_per_account_daily": {
        "aggregate": "count", "of": "inbound_transfer", "by": ["account"], "window": "24h",
    },
}  # fmt: skip

LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pumped_phone_countries": ("country", ("AZ", "BD", "TN", "LK", "PK", "NG")),
    "card_fingerprint_blocklist": ("card_fingerprint", ()),
    "client_ip_country_blocklist": ("country", ()),
}


def default_rules() -> list[str]:
    """Rules that catch a good part of the world's fraud, the Mallory flood included."""
    return list(RULES)


def default_counters() -> dict[str, Declaration]:
    """The counters that `default_rules` read beyond the built-in families, as declarations."""
    return {name: dict(declaration) for name, declaration in COUNTERS.items()}


def default_lists() -> dict[str, tuple[str, list[str]]]:
    """The lists that `default_rules` name: item type and first items by alias."""
    return {alias: (kind, list(items)) for alias, (kind, items) in LISTS.items()}
