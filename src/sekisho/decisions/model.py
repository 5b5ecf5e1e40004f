"""The nouns of deciding: outcomes and decisions."""

from enum import StrEnum
from typing import Final

import msgspec

from sekisho.language import Action
from sekisho.rules import Hit


class Outcome(StrEnum):
    """What the caller is to do."""

    ALLOW = "allow"
    REQUEST_3DS = "request_3ds"
    CHALLENGE = "challenge"
    REVIEW = "review"
    BLOCK = "block"
    HOLD = "hold"


ACTION_CODES: Final[dict[Action, str]] = {
    Action.REQUEST_3DS: "request_3ds",
    Action.ALLOW: "allow",
    Action.BLOCK: "block",
    Action.REVIEW: "review",
    Action.RESOLVE_DISPUTE: "resolve_dispute",
    Action.PAYOUT_PAUSE: "payout_pause",
    Action.CHALLENGE: "challenge",
    Action.HOLD: "hold",
}
"""How the API spells an action."""


class Decision(msgspec.Struct, frozen=True):
    """One outcome, the rule credited with it, and everything that matched."""

    outcome: Outcome
    credited: Hit | None
    hits: tuple[Hit, ...]
    request_3ds: bool
    """A 3DS rule matched and the payment goes on: authenticate whatever else happens."""
    rule_override_by_allow_rule: bool
    """An Allow rule rescued what another rule would have stopped, challenged or sent to review."""
