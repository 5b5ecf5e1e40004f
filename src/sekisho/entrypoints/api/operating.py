"""For operators: health, readiness, metrics, keys, attributes."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sekisho.entrypoints import control
from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import SCOPES, ApiKey, digest_of, new_secret
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import iso

router = APIRouter(tags=["operating"], route_class=StrictRoute)


class KeyIn(BaseModel):
    """A new API key."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(default_factory=lambda: ["decide", "read"])


@router.get("/healthz", summary="Alive")
async def health() -> Response:
    """The process answers."""
    return answer({"status": "ok"})


@router.get("/readyz", summary="Ready")
async def ready(request: Request) -> Response:
    """The log can be written and the counters are loaded."""
    node = node_of(request)
    problem = node.ledger.poisoned
    if not node.ready or problem is not None:
        return answer({"status": "unavailable", "reason": str(problem or "starting")}, 503)
    return answer({"status": "ready", "recorded": node.ledger.last_seq})


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(request: Request) -> Response:
    """In the text exposition format."""
    node = node_of(request)
    node.metrics.actions.depths = await node.acting.depths()
    return Response(node.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/v1/attributes", summary="Every attribute that rules may read")
async def attributes(request: Request, key: ApiKey = need("read")) -> Response:
    """Name, type, meaning, flags."""
    del key
    catalogue = node_of(request).policy.catalogue
    return answer(
        {
            "object": "list",
            "data": [
                {
                    "name": spec.name,
                    "type": spec.type.value,
                    "group": spec.group,
                    "meaning": spec.meaning,
                    "flags": sorted(spec.flags),
                    "alias_of": spec.alias_of or None,
                }
                for spec in catalogue.values()
            ],
        }
    )


@router.post("/v1/keys", summary="Make an API key")
async def make_key(request: Request, given: KeyIn, key: ApiKey = need("admin")) -> Response:
    """The key is shown this once; only its hash is kept."""
    del key
    node = node_of(request)
    unknown = sorted(set(given.scopes) - set(SCOPES))
    if unknown:
        raise HttpRefusal(
            422,
            "bad_value",
            f"no such scope: {unknown[0]}; there are {', '.join(SCOPES)}",
            param="scopes",
        )
    secret = new_secret(live=not node.settings.dev)
    made = ApiKey(
        node.ids.new("key"),
        given.name,
        digest_of(secret),
        f"{secret[:8]}…{secret[-4:]}",
        frozenset(given.scopes),
        node.clock.now_us(),
    )
    await node.base.write_soon(lambda connection: control.insert_key(connection, made))
    node.keyring.add(made)
    return answer({**told_key(made), "key": secret}, 201)


@router.get("/v1/keys", summary="Every API key")
async def list_keys(request: Request, key: ApiKey = need("admin")) -> Response:
    """Without the keys themselves."""
    del key
    rows = control.all_keys(node_of(request).store.read())
    return answer({"object": "list", "data": [told_key(one) for one in rows]})


@router.delete("/v1/keys/{key_id}", summary="Revoke an API key")
async def revoke_key(request: Request, key_id: str, key: ApiKey = need("admin")) -> Response:
    """At once."""
    del key
    node = node_of(request)
    now_us = node.clock.now_us()
    if not await node.base.write_soon(lambda c: control.revoke_key(c, key_id, now_us)):
        raise HttpRefusal(404, "resource_missing", f"no key in force: '{key_id}'", param="id")
    node.keyring.revoke(key_id)
    return answer({"object": "api_key", "id": key_id, "revoked": True})


def told_key(key: ApiKey) -> dict[str, Any]:
    """A key as told: never the secret."""
    return {
        "object": "api_key",
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": sorted(key.scopes),
        "created_at": iso(key.created_us),
        "revoked_at": iso(key.revoked_us) if key.revoked_us else None,
    }
