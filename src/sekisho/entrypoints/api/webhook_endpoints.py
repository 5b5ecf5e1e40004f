"""Endpoints of webhooks: where signed messages go, their keys, a message to try."""

from time import perf_counter
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sekisho.egress import EgressFailed, EgressRefused
from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.kit.clock import iso
from sekisho.webhooks import (
    OVERLAP_S,
    Endpoint,
    Message,
    all_endpoints,
    deliver,
    found_endpoint,
    shown,
)

router = APIRouter(prefix="/v1/webhook_endpoints", tags=["webhooks"], route_class=StrictRoute)
STRICT = ConfigDict(extra="forbid")
TEST: Final = "webhook.test"
"""Type of the message that tries an endpoint."""


class EndpointIn(BaseModel):
    """A new endpoint."""

    model_config = STRICT
    url: str
    description: str = ""


class EndpointChanges(BaseModel):
    """What changes; the rest stays."""

    model_config = STRICT
    url: str | None = None
    description: str | None = None
    enabled: bool | None = None


class RotationIn(BaseModel):
    """How long the key before the new one signs too."""

    model_config = STRICT
    overlap_s: int = Field(default=OVERLAP_S, ge=0)


@router.get("", summary="Every endpoint")
async def all_of_them(request: Request, key: ApiKey = need("read")) -> Response:
    """Newest first, without their keys."""
    del key
    node = node_of(request)
    rows = all_endpoints(node.store.read())
    return answer({"object": "list", "data": [_told(node, one) for one in rows]})


@router.post("", summary="Make an endpoint")
async def create(request: Request, given: EndpointIn, key: ApiKey = need("admin")) -> Response:
    """The answer shows the signing key, this once."""
    node = node_of(request)
    write = node.endpoints.create(given.url, given.description, key.id)
    return answer(_with_key(node, await node.base.write_soon(write)), 201)


@router.get("/{endpoint_id}", summary="One endpoint")
async def get_endpoint(request: Request, endpoint_id: str, key: ApiKey = need("read")) -> Response:
    """Without its keys."""
    del key
    node = node_of(request)
    return answer(_told(node, found_endpoint(node.store.read(), endpoint_id)))


@router.patch("/{endpoint_id}", summary="Change an endpoint")
async def update(
    request: Request, endpoint_id: str, given: EndpointChanges, key: ApiKey = need("admin")
) -> Response:
    """Its address, its description, or whether it is sent anything."""
    del key
    node = node_of(request)
    write = node.endpoints.update(
        endpoint_id, url=given.url, description=given.description, is_enabled=given.enabled
    )
    return answer(_told(node, await node.base.write_soon(write)))


@router.delete("/{endpoint_id}", summary="Remove an endpoint")
async def delete(request: Request, endpoint_id: str, key: ApiKey = need("admin")) -> Response:
    """Nothing is sent to it any more, and its keys are never used again."""
    del key
    node = node_of(request)
    one = await node.base.write_soon(node.endpoints.delete(endpoint_id))
    return answer({"object": "webhook_endpoint", "id": one.id, "deleted": True})


@router.post("/{endpoint_id}/rotate", summary="Give an endpoint a new key")
async def rotate(
    request: Request, endpoint_id: str, given: RotationIn, key: ApiKey = need("admin")
) -> Response:
    """Until the overlap ends, messages are signed with the old key and the new one."""
    del key
    node = node_of(request)
    write = node.endpoints.rotate(endpoint_id, given.overlap_s)
    return answer(_with_key(node, await node.base.write_soon(write)))


@router.post("/{endpoint_id}/test", summary="Send a message to try an endpoint")
async def try_it(request: Request, endpoint_id: str, key: ApiKey = need("admin")) -> Response:
    """Sends `webhook.test` now, once, and tells what came of it."""
    del key
    node = node_of(request)
    endpoint = found_endpoint(node.store.read(), endpoint_id)
    now_us = node.clock.now_us()
    message = Message(node.ids.new("msg"), TEST, now_us, {"endpoint": endpoint.id})
    status, reason, began = None, "", perf_counter()
    try:
        returned = await deliver(node.egress, node.endpoint_keys, endpoint, message, now_us)
        status = returned.status
        reason = "" if returned.is_success else f"the receiver answered {status}, not 2xx"
    except (EgressRefused, EgressFailed) as error:
        reason = str(error)
    return answer(
        {
            "object": "webhook_attempt",
            "message": message.id,
            "delivered": not reason,
            "status": status,
            "reason": reason or None,
            "latency_ms": round((perf_counter() - began) * 1000, 1),
        }
    )


def _told(node: Node, one: Endpoint) -> dict[str, Any]:
    overlapping = len(one.generations(node.clock.now_us())) > 1
    return {
        "object": "webhook_endpoint",
        "id": one.id,
        "url": one.url,
        "description": one.description,
        "enabled": one.is_enabled,
        "key_generation": one.generation,
        "old_key_until": iso(one.overlap_until_us) if overlapping else None,
        "created_at": iso(one.created_us),
        "created_by": one.created_by,
    }


def _with_key(node: Node, one: Endpoint) -> dict[str, Any]:
    return {**_told(node, one), "secret": shown(node.endpoint_keys.key(one.id, one.generation))}
