"""Developer mode only: a clock that can be moved, and the messages that would have been sent."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sekisho.durable import outbox_of
from sekisho.entrypoints.api.guard import answer, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import MICROSECONDS, iso

router = APIRouter(prefix="/dev", tags=["developer mode"], route_class=StrictRoute)

LATEST_S: Final = 7_258_118_400
"""The year 2200: events are not taken from then on."""
MESSAGES: Final = "message."
"""How kinds of outbox rows begin that carry a message to somebody."""
MAX_MESSAGES: Final = 100
"""Messages shown at once, the newest."""


class AdvanceIn(BaseModel):
    """How far to move the clock."""

    model_config = ConfigDict(extra="forbid")
    advance_s: float = Field(ge=0, le=366 * 86_400 * 10)


@router.post("/clock", summary="Move the server's clock forward")
async def advance(request: Request, given: AdvanceIn) -> Response:
    """For trying expiries and windows without waiting."""
    clock = node_of(request).clock
    if clock.now_us() / MICROSECONDS + given.advance_s >= LATEST_S:
        raise HttpRefusal(
            422, "out_of_range", "the clock stops at the year 2200", param="advance_s"
        )
    clock.advance(given.advance_s)
    node_of(request).acting.executor.wake()
    return answer({"object": "clock", "now": iso(clock.now_us())})


@router.get("/outbox", summary="Messages that would have been sent")
async def outbox(request: Request, to: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Newest first, all or those to one address. Nothing in this release writes any."""
    wanted = f"+{to[1:]}" if to.startswith(" ") else to  # a bare `+` in an address means a space
    found: list[dict[str, Any]] = []
    for row in outbox_of(node_of(request).store.read(), MESSAGES):
        message: dict[str, Any] = msgspec.json.decode(row.payload)
        if not wanted or message.get("to") == wanted:
            found.append({**message, "id": row.id, "at": iso(row.due_at_us)})
        if len(found) == MAX_MESSAGES:
            break
    return answer(found)
