"""`review.open`: put something before a person."""

from typing import ClassVar

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result
from sekisho.actions.shipped.services import Records
from sekisho.durable import Retry
from sekisho.reviews import Review, open_review

REASON_MAX = 1_000
PRIORITY_MAX = 100


class ReviewParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What about, and why.

    Attributes:
        event: id of the decided event; empty = the one that the action is because of.
        reason: for the person; empty = the rule and outcome of the decision.
        priority: 0 to 100; the higher, the sooner.
    """

    event: str = ""
    reason: str = ""
    priority: int = 0


class ReviewOpen(ActionKind[ReviewParams]):
    """Opens a review, shown by `GET /v1/reviews` until a `review_verdict` about its event."""

    name = "review.open"
    params = ReviewParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: ReviewParams) -> None:
        """The reason and the priority are within bounds."""
        if len(params.reason) > REASON_MAX:
            raise ValueError(f"`reason` has at most {REASON_MAX} characters")
        if not 0 <= params.priority <= PRIORITY_MAX:
            raise ValueError(f"`priority` lies between 0 and {PRIORITY_MAX}")

    async def run(self, params: ReviewParams, context: ActionContext) -> Result:
        """Open it, once for this action."""
        cause = context.cause
        event = params.event or str(cause.get("event", ""))
        if not event:
            raise GiveUp("`event` is empty, and no decision asked for this action")
        reason = params.reason or f"{cause.get('outcome', '')} by {cause.get('rule') or 'no rule'}"
        review = Review(
            id=f"rev_{context.id.removeprefix('act_')}",
            event=event,
            decision=str(cause.get("decision", "")) if event == cause.get("event") else "",
            reason=reason if cause or params.reason else "",
            priority=params.priority,
            opened_us=context.now_us,
            opened_by=context.id,
        )
        opened = await self.services.of(Records).write(lambda c: open_review(c, review))
        return Result({"review": opened.id})
