"""Identity keys: the attributes by which events belong to the same person, card or device."""

from typing import Final

from sekisho.events.draft import Record

IDENTITY_KEYS: Final = {
    "customer": "customer",
    "card": "card_fingerprint",
    "email": "email",
    "phone": "phone",
    "ip_address": "ip_address",
    "device": "device",
    "account": "account",
    "counterparty": "counterparty",
    "company": "company",
    "merchant": "merchant",
    "bank_account": "bank_account_fingerprint",
    "sepa_debit": "sepa_debit_fingerprint",
    "billing_address": "billing_address",
    "shipping_address": "shipping_address",
}
"""The attribute that identifies each kind of entity."""


def identity_keys(record: Record) -> dict[str, str]:
    """The entities an event belongs to, by kind.

    >>> identity_keys({"customer": "cus_1", "amount": 5})
    {'customer': 'cus_1'}
    """
    return {
        entity: value
        for entity, attribute in IDENTITY_KEYS.items()
        if isinstance(value := record.get(attribute), str)
    }
