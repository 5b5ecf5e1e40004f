"""Actions: ask for one, look at them, stop, repeat and undo them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sekisho.actions import read_request
from sekisho.durable import Job, State, Wanted
from sekisho.entrypoints.actions_told import told_action, told_pause, told_whole
from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.decisions_route import idempotency_key
from sekisho.entrypoints.keys import ApiKey
from sekisho.kit.clock import iso

router = APIRouter(prefix="/v1", tags=["actions"])

States = Literal["ready", "leased", "done", "dead", "needs_check", "cancelled", "noted"]


class SettleIn(BaseModel):
    """How an attempt of unknown outcome ended."""

    model_config = ConfigDict(extra="forbid")
    verdict: Literal["done", "again", "dead"]


class PauseIn(BaseModel):
    """Whose actions are to wait, or to go on."""

    model_config = ConfigDict(extra="forbid")
    of: Literal["kind", "destination"]
    name: str = Field(min_length=1, max_length=255)


@router.post("/actions", summary="Ask for an action")
async def submit(request: Request, key: ApiKey = need("act")) -> Response:
    """A CloudEvent: `type` is `sekisho.action.` and the kind, `data` its parameters.

    Structured as JSON, or binary with `ce-` headers.

    The same `source` and `id`, or the same `Idempotency-Key`, is the same action: it is answered as
    the first time, and carried out once. With other contents it is refused with 422.
    """
    node = node_of(request)
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw
    }
    name = idempotency_key(request.headers.raw)
    body = await request.body()
    asked = read_request(headers, body, key.id, name, node.clock.now_us())
    taken = await node.acting.desk.submit(asked.id, asked.todo, asked.asked)
    told = {
        "object": "action",
        "id": taken.id,
        "kind": asked.todo.kind,
        "accepted_at": iso(taken.accepted_us),
    }
    replayed = answer(told, 202)
    if not taken.is_new:
        replayed.headers["idempotent-replayed"] = "true"
    return replayed


@router.get("/actions", summary="The newest actions")
async def list_actions(
    request: Request,
    state: States | None = None,
    kind: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    starting_after: Annotated[str, Query(max_length=100)] = "",
    key: ApiKey = need("read"),
) -> Response:
    """Newest first; page on with the id of the last action seen. Notes only when asked for."""
    del key
    desk = node_of(request).acting.desk
    before = (await desk.show(starting_after)).job.seq if starting_after else 0
    wanted = Wanted(limit + 1, before, State[state.upper()] if state else None, kind)
    jobs = await desk.newest(wanted)
    data = [told_action(job) for job in jobs[:limit]]
    told = {"object": "list", "data": data, "has_more": len(jobs) > limit, "url": "/v1/actions"}
    return answer(told)


@router.get("/actions/kinds", summary="What can be asked for")
async def list_kinds(request: Request, key: ApiKey = need("read")) -> Response:
    """Every installed kind, whether it may be repeated, and its parameters as a JSON schema."""
    del key
    return answer({"object": "list", "data": node_of(request).acting.kinds.told()})


@router.get("/actions/pauses", summary="What is paused")
async def list_pauses(request: Request, key: ApiKey = need("read")) -> Response:
    """Kinds and destinations whose actions wait, and destinations left alone for their failures."""
    del key
    acting = node_of(request).acting
    data = [told_pause(one) for one in await acting.desk.pauses()]
    return answer({"object": "list", "data": data, "spared": acting.traffic.open()})


@router.post("/actions/pause", summary="Let actions wait")
async def pause(request: Request, given: PauseIn, key: ApiKey = need("act")) -> Response:
    """Of a kind or to a destination, until they are resumed; those under way end."""
    await node_of(request).acting.desk.pause(given.of, given.name, key.id)
    return answer({"object": "action_pause", "of": given.of, "name": given.name, "paused": True})


@router.post("/actions/resume", summary="Let actions go on")
async def resume(request: Request, given: PauseIn, key: ApiKey = need("act")) -> Response:
    """What was paused."""
    del key
    await node_of(request).acting.desk.resume(given.of, given.name)
    return answer({"object": "action_pause", "of": given.of, "name": given.name, "paused": False})


@router.get("/actions/{action_id}", summary="One action with its history")
async def show(request: Request, action_id: str, key: ApiKey = need("read")) -> Response:
    """Every attempt, and everything people did with it."""
    del key
    return answer(told_whole(await node_of(request).acting.desk.show(action_id)))


@router.post("/actions/{action_id}/cancel", summary="Never start an action that waits")
async def cancel(request: Request, action_id: str, key: ApiKey = need("act")) -> Response:
    """409 when it is under way or over."""
    return _told(await node_of(request).acting.desk.cancel(action_id, key.id))


@router.post("/actions/{action_id}/replay", summary="Try a dead or cancelled action anew")
async def replay(request: Request, action_id: str, key: ApiKey = need("act")) -> Response:
    """It gets as many attempts as at first, under the same id."""
    return _told(await node_of(request).acting.desk.replay(action_id, key.id))


@router.post("/actions/{action_id}/undo", summary="Take a done action back")
async def undo(request: Request, action_id: str, key: ApiKey = need("act")) -> Response:
    """Asks for the inverse action and answers it; asked twice, it is the same one."""
    return _told(await node_of(request).acting.desk.undo(action_id, key.id), 202)


@router.post("/actions/{action_id}/settle", summary="Say how an unknown attempt ended")
async def settle(
    request: Request, action_id: str, given: SettleIn, key: ApiKey = need("act")
) -> Response:
    """`done`: it took effect; `again`: it did not, try again; `dead`: leave it."""
    return _told(await node_of(request).acting.desk.settle(action_id, given.verdict, key.id))


def _told(job: Job, status: int = 200) -> Response:
    return answer(told_action(job), status)
