"""Declared counters: declare, watch the backfill, list, remove."""

from typing import Any

from fastapi import APIRouter, Request, Response

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.velocity import CounterRefused

router = APIRouter(prefix="/v1/counters", tags=["counters"], route_class=StrictRoute)


@router.put("/{name}", summary="Declare a counter")
async def declare(
    request: Request, name: str, declaration: dict[str, Any], key: ApiKey = need("rules")
) -> Response:
    """Fills the counter from history; it goes live, and may stand in rules, once it is exact.

    A short history is read before the answer. A long one goes on in the background: `status` is
    `backfilling`
    and `progress` tells how far it is.
    """
    del key
    try:
        return answer(await node_of(request).policy.declare(name, declaration))
    except CounterRefused as refused:
        raise HttpRefusal(
            400,
            "counter_refused",
            str(refused),
            param=refused.place or name,
            hint=refused.hint,
        ) from refused


@router.get("", summary="Every declared counter")
async def list_counters(request: Request, key: ApiKey = need("read")) -> Response:
    """By name, with status and progress."""
    del key
    policy = node_of(request).policy
    return answer({"object": "list", "data": [policy.counter(one) for one in policy.declared]})


@router.get("/{name}", summary="One declared counter")
async def get_counter(request: Request, name: str, key: ApiKey = need("read")) -> Response:
    """Declaration, status and progress."""
    del key
    return answer(node_of(request).policy.counter(name))


@router.delete("/{name}", summary="Remove a counter")
async def delete(request: Request, name: str, key: ApiKey = need("rules")) -> Response:
    """Refused while a rule reads it."""
    del key
    await node_of(request).policy.forget(name)
    return answer({"object": "counter", "id": name, "deleted": True})
