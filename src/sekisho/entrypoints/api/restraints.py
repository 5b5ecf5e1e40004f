"""Restraints: which features of accounts, and which transfers, are held back now."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.keys import ApiKey
from sekisho.kit.clock import iso
from sekisho.restraints import restraints

router = APIRouter(prefix="/v1/restraints", tags=["restraints"])


@router.get("", summary="What is held back")
async def list_restraints(
    request: Request,
    of: Literal["account", "transfer"] | None = None,
    id: Annotated[str, Query(max_length=255)] = "",  # noqa: A002 — the name of the parameter
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    key: ApiKey = need("read"),
) -> Response:
    """Of one account or transfer, or of all. What has run out is not among them."""
    del key
    node = node_of(request)
    found = restraints(node.store.read(), node.clock.now_us(), of or "", id, limit + 1)
    data = [
        {
            "object": "restraint",
            "of": one.of,
            "id": one.subject,
            "feature": one.feature,
            "reason": one.reason,
            "since": iso(one.since_us),
            "until": iso(one.until_us) if one.until_us else None,
            "by": one.by,
        }
        for one in found[:limit]
    ]
    return answer(
        {"object": "list", "data": data, "has_more": len(found) > limit, "url": "/v1/restraints"}
    )
