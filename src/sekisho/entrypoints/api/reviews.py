"""Reviews: what is to be looked at, and what became of it."""

from itertools import islice
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import iso
from sekisho.ledger import Recorded
from sekisho.reviews import Review, find_review, newest_reviews

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])
VERDICT: Final = "review_verdict"
LOOKED_AT_MAX: Final = 5_000
"""Reviews looked at for one page: a filter that finds few of them ends there."""


@router.get("", summary="Reviews")
async def list_reviews(
    request: Request,
    state: Literal["open", "closed"] | None = None,
    event: Annotated[str, Query(max_length=255)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    starting_after: Annotated[str, Query(max_length=100)] = "",
    key: ApiKey = need("read"),
) -> Response:
    """Newest first. A `review_verdict` about the event, sent to `/v1/events`, closes a review."""
    del key
    node = node_of(request)
    looked_at = islice(newest_reviews(node.store.read(), starting_after, event), LOOKED_AT_MAX)
    told = (_told(node, one) for one in looked_at)
    found = list(islice((one for one in told if state in (None, one["state"])), limit + 1))
    more = len(found) > limit
    return answer({"object": "list", "data": found[:limit], "has_more": more, "url": "/v1/reviews"})


@router.get("/{review_id}", summary="One review")
async def get_review(request: Request, review_id: str, key: ApiKey = need("read")) -> Response:
    """With its verdict, once there is one."""
    del key
    node = node_of(request)
    found = find_review(node.store.read(), review_id)
    if found is None:
        raise HttpRefusal(404, "resource_missing", f"no such review: '{review_id}'", param="id")
    return answer(_told(node, found))


def _told(node: Node, one: Review) -> dict[str, Any]:
    verdict = _verdict(node, one)
    return {
        "object": "review",
        "id": one.id,
        "state": "closed" if verdict else "open",
        "event": one.event,
        "decision": one.decision or None,
        "reason": one.reason,
        "priority": one.priority,
        "opened_at": iso(one.opened_us),
        "opened_by": one.opened_by,
        "closed_at": iso(verdict.recorded_us) if verdict else None,
        "verdict": msgspec.json.decode(verdict.body)["verdict"] if verdict else None,
    }


def _verdict(node: Node, one: Review) -> Recorded | None:
    """The first verdict about the event after the review was opened."""
    verdicts = [row for row in node.ledger.outcomes_of(one.event) if row.event_type == VERDICT]
    return next((row for row in verdicts if row.recorded_us >= one.opened_us), None)
