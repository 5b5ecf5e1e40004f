"""How each field of a message becomes attributes: by its name, by another name, or by a function.

A function takes the draft, the message or part, and the field's value; it is called when the field
has a value, those in `ALWAYS` in any case.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from math import floor
from operator import attrgetter
from typing import Any, Final

from sekisho.events import messages, normalise
from sekisho.events.card_numbers import is_sensitive_name
from sekisho.events.draft import Draft
from sekisho.events.exchange import SCALE
from sekisho.events.given import put_choice, put_given
from sekisho.events.refusal import shown
from sekisho.kit.money import EXPONENTS

Put = Callable[[Draft, Any, Any], None]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BIN_DIGITS: Final = range(6, 9)
_ADDRESS: Final = attrgetter("line1", "line2", "city", "state", "postal_code", "country")
_SECOND: Final = timedelta(seconds=1)
_KNOWN_KEYS: Final = 4096
"""Metadata keys remembered with their attribute; merchants use a few dozen."""


def put_email(draft: Draft, act: messages.Act, text: str) -> None:
    """The address, its domain, and what kind of provider the domain is."""
    found = normalise.email(text)
    if found is None:
        hint = "give one address such as `ann@example.com`, or leave the field out"
        draft.refuse("email", "bad_email", "not an e-mail address", hint)
        return
    act.email, folded, domain = found
    record = draft.record
    record["email"] = folded
    record["email_domain"] = domain.name
    if domain.is_free:
        record["is_free_email"] = True
    elif domain.is_disposable:
        record["is_disposable_email"] = True


def put_ip_address(draft: Draft, act: messages.Act, text: str) -> None:
    """The address in canonical text."""
    found = normalise.ip_address(text)
    if found is None:
        hint = "give IPv4 or IPv6 text without port, brackets or zone"
        draft.refuse("ip_address", "bad_ip_address", "not an IP address", hint)
        return
    act.ip_address = draft.record["ip_address"] = found


def put_phone(draft: Draft, act: messages.Act, text: str) -> None:
    """The number in E.164 form and its country."""
    record = draft.record
    text, region = text.strip(), ""
    if text[:1] != "+":  # a number with its country code means the same everywhere
        region = str(record.get("phone_country") or record.get("billing_address_country") or "")
    found = normalise.phone(text, region)
    if found is None:
        hint = "give it with + and country code, such as `+6591234567`, or give `phone_country`"
        draft.refuse("phone", "bad_phone", "not a possible phone number", hint)
        return
    act.phone = record["phone"] = found.number
    if found.country:
        record["phone_country"] = found.country


def put_name(draft: Draft, _: messages.Act, text: str) -> None:
    """The name as typed, case and spacing aside."""
    name = normalise.folded_name(text)
    if name:
        draft.record["cardholder_name"] = name


def put_created(draft: Draft, _: messages.Act, moment: datetime | int) -> None:
    """Seconds since 1970 at which the merchant first knew the customer."""
    seconds = (moment - EPOCH) / _SECOND if isinstance(moment, datetime) else moment
    draft.record["customer_created_at"] = seconds


def put_currency(draft: Draft, message: messages.Movement | messages.Claim, text: str) -> None:
    """The currency, and the amount in every currency that has a rate.

    Its own currency is exact; the others are rounded to four decimals, halves up.
    """
    currency = text.lower()
    conversion = draft.context.conversion(currency)
    if conversion is None:
        _refuse_currency(draft, currency)
        return
    record, minor = draft.record, message.amount
    record["currency"] = currency
    if minor is None:
        return
    if conversion.own:
        record[conversion.own] = minor / conversion.divisor
    for attribute, factor in conversion.factors:
        record[attribute] = floor(minor * factor + 0.5) / SCALE


def put_amount(draft: Draft, message: messages.Movement | messages.Claim, minor: int) -> None:
    """The amount in minor units; it means nothing without its currency."""
    draft.record["amount"] = minor
    if not message.currency:
        hint = "give `currency`, such as `usd`, with the amount in its minor units"
        draft.refuse("currency", "missing_field", "an amount needs its currency", hint)


def put_brand(draft: Draft, _: messages.Card, text: str) -> None:
    """The card brand as rules spell it."""
    draft.record["card_brand"] = normalise.card_brand(text)


def put_bin(draft: Draft, _: messages.Card, text: str) -> None:
    """The first six digits."""
    if text.isascii() and text.isdigit() and len(text) in _BIN_DIGITS:
        draft.record["card_bin"] = text[:6]
    else:
        draft.refuse("card.bin", "bad_value", "not six to eight digits")


def put_method(draft: Draft, charge: messages.Charge, text: str | None) -> None:
    """How it is paid; a card or a SEPA debit says so by being there."""
    if text:
        draft.record["payment_method_type"] = text.casefold()
    elif charge.card is not None:
        draft.record["payment_method_type"] = "card"
    elif charge.sepa_debit is not None:
        draft.record["payment_method_type"] = "sepa_debit"


def put_transaction_type(draft: Draft, _: messages.Charge, text: str) -> None:
    """A charge, a payment intent or a set-up intent; rules of some classes depend on it."""
    put_choice(draft, "transaction_type", text, "transaction_type")


def put_wallet(draft: Draft, _: messages.Charge, text: str | None) -> None:
    """The wallet; `none` says that there was none, so it is never missing."""
    draft.record["digital_wallet"] = text.casefold() if text else "none"


def put_funding(draft: Draft, _: messages.Card, text: str | None) -> None:
    """How the card is funded; `unknown` when nobody said."""
    draft.record["card_funding"] = text.casefold() if text else "unknown"


def put_approval(draft: Draft, _: messages.Authorization, approved: bool) -> None:  # noqa: FBT001 — a field's value
    """What the issuer answered."""
    draft.record["outcome"] = "authorized" if approved else "declined"


def put_is_fraudulent(draft: Draft, dispute: messages.Dispute, stated: bool | None) -> None:  # noqa: FBT001 — a field's value
    """Whether the dispute is about fraud; its reason tells when nobody stated it."""
    fraud = dispute.reason.casefold() == "fraudulent" if stated is None else stated
    draft.record["is_fraudulent"] = fraud


def put_attributes(draft: Draft, _: messages.Message, attributes: messages.Given) -> None:
    """What the caller gives directly; it wins."""
    put_given(draft, attributes)


def whole_address(address: messages.Address) -> str:
    """The address in one line with single spaces, case-folded."""
    whole = ", ".join(filter(None, _ADDRESS(address))).casefold()
    return whole if "  " not in whole and whole.isprintable() else " ".join(whole.split())


def metadata_text(value: str | float | bool) -> str:  # noqa: FBT001 — a metadata value
    """A metadata value as the text rules compare: `true`, `25`, `2.5`.

    >>> metadata_text(True), metadata_text(25), metadata_text(2.50), metadata_text(25.0)
    ('true', '25', '2.5', '25')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def metadata_putter(scope: str, field: str) -> Put:
    """A function that puts the metadata of one scope under the names rules use, always as text."""
    attribute_of: dict[str, str] = {}

    def put(draft: Draft, message: messages.Message, entries: dict[str, Any]) -> None:
        record = draft.record
        for key, value in entries.items():
            attribute = attribute_of.get(key)
            if attribute is None:
                attribute = _attribute(draft, key, scope, field)
                if attribute and len(attribute_of) < _KNOWN_KEYS:
                    attribute_of[key] = attribute
            if type(value) is not str:
                setattr(message, field, {k: metadata_text(v) for k, v in entries.items()})
                record[attribute] = metadata_text(value)
            elif value:
                record[attribute] = value

    return put


def _attribute(draft: Draft, key: str, scope: str, field: str) -> str:
    """The attribute of a metadata key, empty when the key cannot be taken."""
    place = f"{field}.{shown(key)}"
    if is_sensitive_name(key):
        hint = "card secrets are not taken; remove the field"
        draft.refuse(place, "sensitive_field", "a key that names a card secret", hint)
        return ""
    if key.startswith((":", "customer:", "destination:", "account:")) or key.endswith(":"):
        hint = "rename it: a colon separates the scopes of metadata"
        draft.refuse(place, "bad_metadata_key", "a key that rules cannot name", hint)
        return ""
    return f"::{scope}{key}::"


def _refuse_currency(draft: Draft, currency: str) -> None:
    near = get_close_matches(currency[:20], EXPONENTS, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "give three letters, such as `usd`"
    draft.refuse("currency", "bad_currency", "not a currency of ISO 4217", hint)


RENAMED: Final[Mapping[type, Mapping[str, str]]] = {
    messages.Card: {"three_d_secure_support": "card_3d_secure_support"},
    messages.ThreeDSecure: {
        "attempted": "is_3d_secure",
        "authenticated": "is_3d_secure_authenticated",
        "liability_shift": "has_liability_shift",
    },
    messages.Merchant: {"id": "merchant", "category_code": "merchant_category"},
    messages.Counterparty: {"id": "counterparty"},
    messages.Movement: {"description": "charge_description"},
    messages.Dispute: {"reason": "dispute_reason"},
    messages.Refund: {"reason": "refund_reason"},
    messages.Return: {"code": "return_code"},
    messages.Label: {"source": "label_source"},
}
"""Attributes that are neither named prefix and field nor just as the field."""

PUT: Final[Mapping[str, Put]] = {
    "email": put_email,
    "ip_address": put_ip_address,
    "phone": put_phone,
    "name": put_name,
    "cardholder_name": put_name,
    "customer_created_at": put_created,
    "amount": put_amount,
    "currency": put_currency,
    "card.brand": put_brand,
    "card.bin": put_bin,
    "card.funding": put_funding,
    "payment_method_type": put_method,
    "transaction_type": put_transaction_type,
    "digital_wallet": put_wallet,
    "approved": put_approval,
    "is_fraudulent": put_is_fraudulent,
    "metadata": metadata_putter("", "metadata"),
    "customer_metadata": metadata_putter("customer:", "customer_metadata"),
    "destination_metadata": metadata_putter("destination:", "destination_metadata"),
    "account_metadata": metadata_putter("account:", "account_metadata"),
    "attributes": put_attributes,
}
"""Fields with a function of their own, parts by `part.field`; they run last, in this order."""

ALWAYS: Final = frozenset(
    {"digital_wallet", "card.funding", "payment_method_type", "is_fraudulent"}
)
"""Fields whose function is called without a value too."""

PARTS: Final[Mapping[str, tuple[type, str]]] = {
    "card": (messages.Card, "card_"),
    "three_d_secure": (messages.ThreeDSecure, ""),
    "bank_account": (messages.BankAccount, "bank_account_"),
    "sepa_debit": (messages.BankAccount, "sepa_debit_"),
    "merchant": (messages.Merchant, "merchant_"),
    "counterparty": (messages.Counterparty, "counterparty_"),
    "billing_address": (messages.Address, "billing_address_"),
    "shipping_address": (messages.Address, "shipping_address_"),
}
"""Fields that hold an object, with the prefix of its attributes."""

WHOLE: Final[Mapping[str, Callable[[Any], str]]] = {
    "billing_address": whole_address,
    "shipping_address": whole_address,
}
"""Parts that are an attribute as a whole, besides those of their fields."""
