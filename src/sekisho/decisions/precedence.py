"""Which class decides, and which rule is named (rule-language contract, section 2)."""

from collections.abc import Sequence
from typing import Final

from sekisho.decisions.model import Decision, Outcome
from sekisho.language import Action
from sekisho.rules import Hit

PRECEDENCE: Final[tuple[tuple[Action, Outcome], ...]] = (
    (Action.ALLOW, Outcome.ALLOW),
    (Action.BLOCK, Outcome.BLOCK),
    (Action.HOLD, Outcome.HOLD),
    (Action.CHALLENGE, Outcome.CHALLENGE),
    (Action.REVIEW, Outcome.REVIEW),
    (Action.REQUEST_3DS, Outcome.REQUEST_3DS),
)
"""The first class with a hit decides. A 3DS hit ends nothing, so it names the outcome only alone;
the
field `request_3ds` says that it matched. Hold and Challenge are Sekisho's own, below Block."""

_OUTCOME_ACTIONS: Final = frozenset(action for action, _ in PRECEDENCE)


def decide(hits: Sequence[Hit]) -> Decision:
    """Settle the outcome among all hits of all classes.

    Hits of rules about disputes or accounts are recorded and change nothing here.
    """
    if not hits:
        return _ALLOWED
    actions = {hit.action for hit in hits if hit.action in _OUTCOME_ACTIONS}
    for action, outcome in PRECEDENCE:
        if action in actions:
            credited = min((hit for hit in hits if hit.action is action), key=_credit_order)
            return Decision(
                outcome=outcome,
                credited=credited,
                hits=tuple(hits),
                request_3ds=Action.REQUEST_3DS in actions
                and outcome not in (Outcome.ALLOW, Outcome.BLOCK),
                rule_override_by_allow_rule=outcome is Outcome.ALLOW and len(actions) > 1,
            )
    return Decision(Outcome.ALLOW, None, tuple(hits), False, False)


_ALLOWED: Final = Decision(Outcome.ALLOW, None, (), False, False)
"""What most events get: nothing matched."""


def _credit_order(hit: Hit) -> tuple[bool, int, str]:
    """Rules that need the issuer's answer come last, then the older rule, then the smaller id."""
    return hit.rule.post_authorization, hit.rule.created_us, hit.rule.id
