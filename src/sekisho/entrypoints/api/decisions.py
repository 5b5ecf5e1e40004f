"""Decisions and outcomes: batches, outcomes, and a decision with its explanation."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.decisions_route import (
    MAX_BODY,
    Waiting,
    ask,
    begin,
    finish,
    idempotency_key,
    read_body,
    too_large,
)
from sekisho.entrypoints.explaining import explained, recent
from sekisho.entrypoints.fraud_reports import learn_from
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.flow import Asking

router = APIRouter(prefix="/v1", tags=["decisions"])

MAX_BATCH = 1_000
"""Events in one batch."""
MAX_BATCH_BODY = 16 << 20
"""Bytes of one batch."""
_RAW_LIST = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])


@router.post(
    "/decisions/batch",
    summary="Decide many events, in their order",
)
async def decide_batch(request: Request, key: ApiKey = need("decide")) -> Response:
    """Send `{"events": [ … ]}`; each gets `{"status", "decision"}` or `{"status", "error"}`.

    Events see each other in the order given. One that is refused does not stop the others.
    """
    node = node_of(request)
    events = _events(await read_body(request.receive, MAX_BATCH_BODY))
    if len(events) > 1 and not node.limiter.allow(key.id, len(events) - 1):
        raise HttpRefusal(429, "rate_limit", "this batch is larger than what is left of the rate")
    begun = [_begin(node, bytes(raw), Asking(key.id)) for raw in events]
    results = [await _result(one) for one in begun]
    return answer({"object": "list", "data": results})


@router.post("/events", summary="Report what became of an event")
async def report(request: Request, key: ApiKey = need("decide")) -> Response:
    """Counters and labels learn from an outcome `about` a decided event.

    Types: authorization, dispute, early_fraud_warning, refund, return, review_verdict, label.
    """
    node = node_of(request)
    name = idempotency_key(request.scope["headers"])
    body = await read_body(request.receive, MAX_BODY)
    reply = await ask(node, node.checkpoint.report, body, Asking(key.id, name))
    if not reply.replayed:
        await learn_from(node, reply.body)
    headers = {"idempotent-replayed": "true"} if reply.replayed else None
    return Response(reply.body, reply.status, headers, "application/json")


@router.get("/decisions", summary="The newest decisions")
async def list_decisions(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    starting_after: str = "",
    key: ApiKey = need("read"),
) -> Response:
    """Newest first; page on with the id of the last decision seen."""
    del key
    data, more = await asyncio.to_thread(recent, node_of(request), limit, starting_after)
    return answer({"object": "list", "data": data, "has_more": more, "url": "/v1/decisions"})


@router.get("/decisions/{decision_id}", summary="One decision, explained")
async def get_decision(request: Request, decision_id: str, key: ApiKey = need("read")) -> Response:
    """The decision as answered, and for each rule which part was true, false or unknown."""
    del key
    return answer(await asyncio.to_thread(explained, node_of(request), decision_id))


def _events(body: bytes) -> Sequence[msgspec.Raw]:
    try:
        decoded = _RAW_LIST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpRefusal(400, "not_json", f"the batch cannot be read: {error}") from error
    if set(decoded) != {"events"}:
        raise HttpRefusal(422, "missing_field", 'send `{"events": [ … ]}`', param="events")
    if len(decoded["events"]) > MAX_BATCH:
        raise HttpRefusal(
            422, "out_of_range", f"a batch has at most {MAX_BATCH} events", param="events"
        )
    return decoded["events"]


def _begin(node: Node, raw: bytes, asking: Asking) -> Waiting | HttpRefusal:
    if len(raw) > MAX_BODY:
        return too_large(MAX_BODY)
    try:
        return begin(node, node.checkpoint.decide, raw, asking)
    except HttpRefusal as refusal:
        return refusal


async def _result(begun: Waiting | HttpRefusal) -> dict[str, Any]:
    try:
        if isinstance(begun, HttpRefusal):
            raise begun
        reply = await finish(begun)
    except HttpRefusal as refusal:
        return {"status": refusal.status, "error": refusal.error}
    return {"status": reply.status, "decision": msgspec.Raw(reply.body)}
