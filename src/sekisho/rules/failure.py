"""What a rule does when something it needs is down: never a silent allow."""

from enum import StrEnum


class FailurePolicy(StrEnum):
    """How a rule whose inputs are unavailable counts in the decision."""

    OPEN = "open"
    """The rule is left out; the decision says so."""
    REVIEW = "review"
    """The rule counts as a Review match."""
    CHALLENGE = "challenge"
    """The rule counts as a Challenge match (a step-up)."""
    CLOSED = "closed"
    """The rule counts as a Block match."""


DEFAULTS: dict[tuple[str, str], FailurePolicy] = {
    ("counters", "payment"): FailurePolicy.REVIEW,
    ("counters", "card_authorization"): FailurePolicy.REVIEW,
    ("counters", "inbound_transfer"): FailurePolicy.REVIEW,
    ("counters", "outbound_transfer"): FailurePolicy.REVIEW,
    ("counters", "received_debit"): FailurePolicy.REVIEW,
    ("counters", "login"): FailurePolicy.CHALLENGE,
    ("counters", "sensitive_change"): FailurePolicy.CHALLENGE,
    ("counters", "signup"): FailurePolicy.CLOSED,
    ("counters", "otp_request"): FailurePolicy.CLOSED,
    ("profiles", "login"): FailurePolicy.OPEN,
    ("profiles", "signup"): FailurePolicy.CHALLENGE,
    ("profiles", "otp_request"): FailurePolicy.CHALLENGE,
}
"""By dependency and flow. What is not listed is `open`, always named in the decision."""


def default_policy(dependency: str, event_type: str) -> FailurePolicy:
    """The policy of a flow for a missing dependency, where the rule names none.

    >>> default_policy("counters", "otp_request")
    <FailurePolicy.CLOSED: 'closed'>
    >>> default_policy("score", "payment")
    <FailurePolicy.OPEN: 'open'>
    """
    return DEFAULTS.get((dependency, event_type), FailurePolicy.OPEN)
