"""Profiles: declare what may be known of an entity, push it, read it as of any moment."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sekisho.collect import HOUR_US, Profile, TableSpec, table_spec
from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.profile_desk import Pushed
from sekisho.entrypoints.profile_files import MAX_PROFILES, profiles_in_csv
from sekisho.entrypoints.profile_pushing import push_soon
from sekisho.entrypoints.profile_rows import PastVersion
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import iso, to_us

router = APIRouter(prefix="/v1/profiles", tags=["profiles"], route_class=StrictRoute)
STRICT = ConfigDict(extra="forbid")


class ProfileIn(BaseModel):
    """All that is known of an entity."""

    model_config = STRICT
    attributes: dict[str, Any]
    known_from: AwareDatetime | None = None


class OneOfMany(BaseModel):
    """A profile among others; without attributes, one that is gone."""

    model_config = STRICT
    id: str
    attributes: dict[str, Any] | None


class ProfilesIn(BaseModel):
    """Many profiles."""

    model_config = STRICT
    profiles: list[OneOfMany] = Field(max_length=MAX_PROFILES)
    known_from: AwareDatetime | None = None


@router.put("/schemas/{entity}", summary="Declare what may be known of an entity")
async def declare(
    request: Request, entity: str, declaration: dict[str, Any], key: ApiKey = need("rules")
) -> Response:
    """Rules may read `:company.industry:` from now on. Attributes may be added later."""
    del key
    node = node_of(request)
    if "." in entity:
        raise HttpRefusal(422, "profile_refused", "an entity has no dot", param="entity")
    await node.policy.declare_table(table_spec(entity, declaration))
    return answer(_schema(node, entity))


@router.get("/schemas", summary="Every declaration")
async def schemas(request: Request, key: ApiKey = need("read")) -> Response:
    """By entity, with the number of profiles."""
    del key
    node = node_of(request)
    tables = node.profiles.tables.items()
    names = sorted(name for name, table in tables if not table.known.is_parameter)
    return answer({"object": "list", "data": [_schema(node, name) for name in names]})


@router.get("/schemas/{entity}", summary="One declaration")
async def schema(request: Request, entity: str, key: ApiKey = need("read")) -> Response:
    """Attributes with their types, and the number of profiles."""
    del key
    return answer(_schema(node_of(request), entity))


@router.post("/{entity}", summary="Push many profiles")
async def push_many(
    request: Request, entity: str, given: ProfilesIn, key: ApiKey = need("profiles")
) -> Response:
    """All are checked before the first is taken. The same profiles again change nothing."""
    del key
    node = node_of(request)
    require_profiles(node, entity)
    profiles = [(one.id, one.attributes) for one in given.profiles]
    at_us = to_us(given.known_from) if given.known_from else None
    return answer(pushed_told(await push_soon(node, entity, profiles, at_us)))


@router.post("/{entity}/csv", summary="Push profiles from a table")
async def push_csv(request: Request, entity: str, key: ApiKey = need("profiles")) -> Response:
    """The body is CSV: a column `id`, and one for each attribute."""
    del key
    node = node_of(request)
    spec = require_profiles(node, entity)
    return answer(pushed_told(await push_soon(node, entity, await csv_in(request, spec))))


@router.put("/{entity}/{entity_id:path}", summary="Push a profile")
async def push(
    request: Request,
    entity: str,
    entity_id: str,
    given: ProfileIn,
    key: ApiKey = need("profiles"),
) -> Response:
    """All that is known of an entity from now on; what is left out is not known any more."""
    del key
    node = node_of(request)
    require_profiles(node, entity)
    at_us = to_us(given.known_from) if given.known_from else None
    pushed = await push_soon(node, entity, [(entity_id, given.attributes)], at_us)
    told = _profile(node, entity, entity_id)
    return answer({**told, "changed": bool(pushed.changed), "older": bool(pushed.older)})


@router.get("/{entity}/{entity_id:path}", summary="One profile")
async def get(
    request: Request,
    entity: str,
    entity_id: str,
    history: Annotated[int, Query(ge=0, le=100)] = 0,
    as_of: AwareDatetime | None = None,
    key: ApiKey = need("read"),
) -> Response:
    """As it is now, or was known at a moment; with its newest versions when asked."""
    del key
    node = node_of(request)
    require_profiles(node, entity)
    if as_of is not None:
        version = await known_at(node, entity, entity_id, to_us(as_of))
        return answer({"object": "profile", "entity": entity, "id": entity_id, **version})
    versions = await history_told(node, entity, entity_id, history) if history else {}
    return answer({**_profile(node, entity, entity_id, gone=bool(history)), **versions})


@router.delete("/{entity}/{entity_id:path}", summary="Remove a profile")
async def delete(
    request: Request, entity: str, entity_id: str, key: ApiKey = need("profiles")
) -> Response:
    """Nothing is known of the entity from now on; decisions made before keep what they knew."""
    del key
    node = node_of(request)
    require_profiles(node, entity)
    _profile(node, entity, entity_id)
    await push_soon(node, entity, [(entity_id, None)])
    return answer({"object": "profile", "entity": entity, "id": entity_id, "deleted": True})


# ── shared with parameters ──────────────────────────────────────────────────────────────────────


async def csv_in(request: Request, spec: TableSpec) -> list[Profile]:
    """The rows of a body in CSV."""
    try:
        text = (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HttpRefusal(400, "not_utf8", "the table is not UTF-8") from error
    return list(profiles_in_csv(text, spec))


def pushed_told(pushed: Pushed) -> dict[str, Any]:
    """What became of many profiles."""
    return {
        "object": "push",
        "known_since": iso(pushed.known_us),
        "changed": pushed.changed,
        "unchanged": pushed.unchanged,
        "older": pushed.older,
    }


async def history_told(node: Node, name: str, entity_id: str, limit: int) -> dict[str, Any]:
    """The newest versions, each with the moment from which it was known."""
    found = node.known.history(name, entity_id, limit)
    return {"history": [version_told(one) for one in found]}


def version_told(version: PastVersion) -> dict[str, Any]:
    """A version; `attributes` is null where nothing was known any more."""
    return {"known_since": iso(version.known_us), "attributes": version.attributes}


async def known_at(node: Node, name: str, entity_id: str, at_us: int) -> dict[str, Any]:
    """What was known at a moment.

    Raises:
        HttpRefusal: 404 when nothing was.
    """
    for version in node.known.history(name, entity_id, MAX_PROFILES):
        if version.known_us <= at_us:
            if version.attributes is None:
                break
            return version_told(version)
    raise HttpRefusal(404, "resource_missing", f"nothing was known of `{entity_id[:60]}` then")


def require_profiles(node: Node, entity: str) -> TableSpec:
    """The declaration of an entity's profiles.

    Raises:
        HttpRefusal: 404 when nothing is declared.
    """
    table = node.profiles.tables.get(entity)
    if table is None or table.known.is_parameter:
        raise HttpRefusal(
            404,
            "resource_missing",
            f"no profiles of `{entity[:60]}` are declared: declare them under /v1/profiles/schemas",
            param="entity",
        )
    return table.known


def _profile(node: Node, entity: str, entity_id: str, *, gone: bool = False) -> dict[str, Any]:
    table = node.profiles.table(entity)
    folded = table.known.folded_id(entity_id)
    version = table.newest.get(folded)
    attributes = table.attributes(version)
    if version is None or (attributes is None and not gone):
        raise HttpRefusal(404, "resource_missing", f"no profile of `{entity_id[:60]}` is known")
    return {
        "object": "profile",
        "entity": entity,
        "id": folded,
        "attributes": attributes,
        "known_since": iso(version[0]),
        "profile_age_hours": round((node.clock.now_us() - version[0]) / HOUR_US, 4),
    }


def _schema(node: Node, entity: str) -> dict[str, Any]:
    spec = require_profiles(node, entity)
    attributes = {
        one.name.partition(".")[2]: {"type": one.type.value, "meaning": one.meaning}
        for one in spec.specs()
    }
    return {
        "object": "profile_schema",
        "entity": entity,
        "attributes": attributes,
        "profiles": node.profiles.tables[entity].present,
    }
