"""Action policies: which decisions ask for which actions, for whom, at most how often."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from sekisho.actions import ActionPolicy
from sekisho.entrypoints.action_policies import KeptPolicies
from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import iso
from sekisho.kit.sentences import going_on

router = APIRouter(prefix="/v1", tags=["actions"])


class PoliciesIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policies to put in force, in place of all before."""

    policies: tuple[ActionPolicy, ...]


@router.get("/action-policies", summary="The policies in force")
async def in_force(request: Request, key: ApiKey = need("read")) -> Response:
    """With their version."""
    del key
    return answer(told_policies(node_of(request).acting.in_force))


@router.put("/action-policies", summary="Put policies in force")
async def publish(request: Request, key: ApiKey = need("act")) -> Response:
    """`{"policies": [ … ]}` takes the place of all before, from the next decision on."""
    given = read_policies(await request.body())
    return answer(told_policies(await node_of(request).acting.publish(given, key.id)))


@router.get("/action-policies/versions", summary="Every version of the policies")
async def versions(request: Request, key: ApiKey = need("read")) -> Response:
    """Newest first."""
    del key
    data = [told_policies(one) for one in node_of(request).acting.versions()]
    return answer({"object": "list", "data": data})


def read_policies(body: bytes) -> tuple[ActionPolicy, ...]:
    """Policies from JSON.

    Raises:
        HttpRefusal: it is not JSON, or not policies; the message names the place.
    """
    try:
        return msgspec.json.decode(body, type=PoliciesIn).policies
    except msgspec.ValidationError as error:
        text = str(error)
        raise HttpRefusal(422, "parameter_invalid", going_on(text)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpRefusal(400, "not_json", f"the body is not JSON: {error}") from error


def told_policies(kept: KeptPolicies) -> dict[str, Any]:
    """A version as told."""
    return {
        "object": "action_policies",
        "version": kept.version,
        "created_at": iso(kept.created_us) if kept.created_us else None,
        "author": kept.author or None,
        "policies": msgspec.to_builtins(kept.policies),
    }
