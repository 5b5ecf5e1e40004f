"""The rules that are there before anyone writes one, with fixed readable ids."""

from typing import Final

BUILTIN_RULES: Final[dict[str, str]] = {
    "allow_if_in_allowlist": (
        "Allow if (:card_fingerprint: in @card_fingerprint_allowlist"
        " or :customer: in @customer_id_allowlist"
        " or :email: in @email_allowlist"
        " or :ip_address: in @client_ip_address_allowlist"
        " or :card_bin: in @card_bin_allowlist"
        " or :card_country: in @card_country_allowlist"
        " or :ip_country: in @client_ip_country_allowlist"
        " or :email_domain: in @email_domain_allowlist"
        " or :charge_description: in @charge_description_allowlist)"
    ),
    "block_if_in_blocklist": (
        "Block if :card_fingerprint: in @card_fingerprint_blocklist"
        " or :customer: in @customer_id_blocklist"
        " or :email: in @email_blocklist"
        " or :ip_address: in @client_ip_address_blocklist"
        " or :card_bin: in @card_bin_blocklist"
        " or :card_country: in @card_country_blocklist"
        " or :ip_country: in @client_ip_country_blocklist"
        " or :email_domain: in @email_domain_blocklist"
        " or :charge_description: in @charge_description_blocklist"
    ),
    "block_if_high_risk__enabled": "Block if :risk_level: = 'highest'",
}
"""By id. A published rule with the same condition takes the place of its built-in twin."""
