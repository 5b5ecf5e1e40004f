"""Every attribute a rule may read: name, type, meaning, and whether it may be given."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

from sekisho.events.families import family_attributes
from sekisho.language import AttributeSpec, Catalogue, Type

DECLARED_COUNTER_GROUP: Final = "counter"
"""Group of attributes that an operator declared as counters; like our own, they cannot be given."""

_COUNTED_GROUPS: Final = frozenset({
    "velocity_authorized", "velocity_blocked", "velocity_declined", "velocity_total",
    "email_usage", "refunds", "efw", "disputes", "time", "legacy_alias", DECLARED_COUNTER_GROUP,
})  # fmt: skip
_COUNTED_PREFIXES: Final = (
    "card_count_for_", "name_count_for_", "total_customers_", "dispute_count_for_account_",
    "average_usd_amount_", "total_usd_amount_",
)  # fmt: skip

PERSONAL_ATTRIBUTES: Final = frozenset({
    "email", "phone", "ip_address", "cardholder_name", "counterparty_name", "user_agent",
    "device", "customer", "account", "counterparty", "card_fingerprint",
    "bank_account_fingerprint", "sepa_debit_fingerprint",
    *(f"{kind}_address{part}" for kind in ("billing", "shipping")
      for part in ("", "_line1", "_line2", "_postal_code", "_city")),
})  # fmt: skip
"""Attributes that point at a person: masked in logs and turned into pseudonyms on the way out."""


@cache
def default_catalogue() -> Catalogue:
    """The attributes of Radar's rule language and our extensions, before counters and profiles.

    >>> default_catalogue()["risk_score"].type.value
    'numeric'
    """
    return Catalogue([
        *_table("attributes.toml", frozenset()),
        *family_attributes(),
        *_table("extensions.toml", frozenset({"extension"})),
    ])  # fmt: skip


def is_counter(spec: AttributeSpec) -> bool:
    """Whether we count it ourselves, so that a caller may not give it.

    >>> is_counter(default_catalogue()["total_charges_per_customer_hourly"])
    True
    """
    return spec.group in _COUNTED_GROUPS or spec.name.startswith(_COUNTED_PREFIXES)


def _table(file: str, extra: frozenset[str]) -> Iterator[AttributeSpec]:
    text = resources.files("sekisho.events").joinpath(file).read_text(encoding="utf-8")
    for group, rows in tomllib.loads(text).items():
        for name, (kind, meaning, *flags) in rows.items():
            yield AttributeSpec(name, Type(kind), meaning, group, extra.union(flags))
