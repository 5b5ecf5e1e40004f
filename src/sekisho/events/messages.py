"""What callers may send: one strict message per type of event.

A field has the name of the attribute it becomes, wherever it becomes one; what belongs to a card,
an address, a merchant or an account stands in an object of its own. Empty text counts as absent.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from sekisho.kit.money import MAX_MINOR

MAX_TEXT: Final = 500
"""Characters of an ordinary text, the bound payment processors use for metadata."""
MAX_LONG_TEXT: Final = 2048
"""Characters of a user agent or a description."""
MAX_ENTRIES: Final = 50
"""Entries of one metadata scope."""
MAX_ATTRIBUTES: Final = 500
"""Attributes given directly: more than the whole catalogue has."""

Id = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
LongText = Annotated[str, Meta(max_length=MAX_LONG_TEXT)]
Minor = Annotated[int, Meta(ge=0, le=MAX_MINOR)]
LATEST_SECOND: Final = 7_258_118_400  # 2200-01-01
Moment = Annotated[datetime, Meta(tz=True)] | Annotated[int, Meta(ge=0, lt=LATEST_SECOND)]
Scalar = Text | int | float | bool
Metadata = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=100)], Scalar], Meta(max_length=MAX_ENTRIES)
]
Given = Annotated[dict[str, LongText | int | float | bool], Meta(max_length=MAX_ATTRIBUTES)]
Check = Literal["pass", "fail", "unavailable", "unchecked", "not_provided"]
Truth = Literal["fraud", "legitimate"]


class Part(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An object inside a message."""


class Address(Part):
    """A postal address."""

    line1: Text | None = None
    line2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None


class Card(Part):
    """A payment card, known by a stand-in: never its number."""

    fingerprint: Text | None = None
    brand: Text | None = None
    country: Text | None = None
    funding: Text | None = None
    bin: Text | None = None
    three_d_secure_support: Text | None = None
    cvc_check: Check | None = None
    address_zip_check: Check | None = None
    address_line1_check: Check | None = None


class ThreeDSecure(Part):
    """What 3D Secure has shown so far."""

    attempted: bool | None = None
    authenticated: bool | None = None
    liability_shift: bool | None = None


class BankAccount(Part):
    """A bank account, known by a stand-in."""

    fingerprint: Text | None = None
    bank_code: Text | None = None
    country: Text | None = None


class Merchant(Part, kw_only=True):
    """Who is paid."""

    id: Text
    category_code: Text | None = None
    country: Text | None = None


class Counterparty(Part):
    """The other side of a transfer."""

    id: Text | None = None
    name: Text | None = None
    country: Text | None = None


class Message(
    Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False, tag_field="type"
):
    """What every message has."""

    occurred_at: Moment | None = None
    metadata: Metadata | None = None
    customer_metadata: Metadata | None = None
    destination_metadata: Metadata | None = None
    account_metadata: Metadata | None = None
    attributes: Given | None = None


class Act(Message, kw_only=True):
    """Somebody does something: who, from where, with which device."""

    id: Id
    customer: Text | None = None
    customer_created_at: Moment | None = None
    account: Text | None = None
    company: Text | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    phone_country: Text | None = None
    ip_address: Text | None = None
    ip_country: Text | None = None
    ip_state: Text | None = None
    ip_address_connection_type: Text | None = None
    is_anonymous_ip: bool | None = None
    isp: Text | None = None
    user_agent: LongText | None = None
    browser: Text | None = None
    operating_system: Text | None = None
    device: Text | None = None
    device_type: Text | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    label: Truth | None = None


class Movement(Act):
    """Money moves, or is asked to."""

    amount: Minor | None = None
    currency: Text | None = None
    description: LongText | None = None
    statement_descriptor: Text | None = None
    destination: Text | None = None
    merchant: Text | Merchant | None = None
    merchant_category: Text | None = None
    merchant_country: Text | None = None
    bank_account: BankAccount | None = None
    outcome: Literal["authorized", "declined", "blocked"] | None = None
    decline_code: Text | None = None


class Charge(Movement):
    """A card or account is charged."""

    cardholder_name: Text | None = None
    card: Card | None = None
    sepa_debit: BankAccount | None = None
    three_d_secure: ThreeDSecure | None = None
    payment_method_type: Text | None = None
    transaction_type: Text | None = None
    digital_wallet: Text | None = None
    has_cryptogram: bool | None = None
    is_checkout: bool | None = None
    is_off_session: bool | None = None
    is_recurring: bool | None = None


class Payment(Charge, tag="payment"):
    """A customer pays us or one of our merchants."""


class CardAuthorization(Charge, tag="card_authorization"):
    """A card we issued is used at somebody's till."""


class Transfer(Movement):
    """Money between accounts."""

    counterparty: Text | Counterparty | None = None
    network: Text | None = None


class InboundTransfer(Transfer, tag="inbound_transfer"):
    """Money comes in, pulled or pushed from another account."""


class OutboundTransfer(Transfer, tag="outbound_transfer"):
    """Money leaves for another account."""


class ReceivedDebit(Transfer, tag="received_debit"):
    """Somebody else debits an account of ours."""


class Signup(Act, tag="signup"):
    """A customer opens an account with us."""


class Login(Act, tag="login"):
    """A customer signs in, or tries to."""

    login_result: Text | None = None
    login_method: Text | None = None
    is_mfa_used: bool | None = None


class SensitiveChange(Act, tag="sensitive_change"):
    """A customer changes what keeps the account safe."""

    change_kind: Text | None = None


class OtpRequest(Act, tag="otp_request"):
    """A one-time code is asked for."""

    channel: Text | None = None
    otp_purpose: Text | None = None


class OutcomeMessage(Message, kw_only=True):
    """Something became known about an earlier event; without id it gets one from its content."""

    id: Id = ""
    about: Id


class Authorization(OutcomeMessage, tag="authorization", kw_only=True):
    """The issuer answered a payment."""

    approved: bool
    decline_code: Text | None = None
    cvc_check: Check | None = None
    address_zip_check: Check | None = None
    address_line1_check: Check | None = None
    three_d_secure: ThreeDSecure | None = None


class Claim(OutcomeMessage):
    """An outcome that may have an amount of its own."""

    amount: Minor | None = None
    currency: Text | None = None


class Dispute(Claim, tag="dispute"):
    """The payer disputes a payment."""

    reason: Text = ""
    is_fraudulent: bool | None = None
    network_reason_code: Text | None = None


class EarlyFraudWarning(OutcomeMessage, tag="early_fraud_warning"):
    """The issuer warns that a payment was fraud."""

    fraud_type: Text | None = None


class Refund(Claim, tag="refund"):
    """Money was given back."""

    reason: Text | None = None


class Return(Claim, tag="return"):
    """A bank sent a transfer or debit back."""

    code: Text | None = None


class ReviewVerdict(OutcomeMessage, tag="review_verdict", kw_only=True):
    """A person decided on a reviewed event."""

    verdict: Literal["approved", "refunded", "refunded_as_fraud", "canceled"]


class Label(OutcomeMessage, tag="label", kw_only=True):
    """The truth about an event, as somebody states it."""

    label: Truth
    source: Text | None = None


AnyMessage = (
    Payment | CardAuthorization | InboundTransfer | OutboundTransfer | ReceivedDebit | Signup
    | Login | SensitiveChange | OtpRequest | Authorization | Dispute | EarlyFraudWarning | Refund
    | Return | ReviewVerdict | Label
)  # fmt: skip
MESSAGES: Final[dict[str, type[Message]]] = {
    str(kind.__struct_config__.tag): kind for kind in AnyMessage.__args__
}
"""The message of each event type, by its name."""

OUTCOME_TYPES: Final = frozenset(
    name for name, kind in MESSAGES.items() if issubclass(kind, OutcomeMessage)
)
"""Types that tell what became of an earlier event."""
DECIDED_TYPES: Final = frozenset(MESSAGES) - OUTCOME_TYPES
"""Types that get a decision."""
