"""Parameters: one value for each entity, such as a limit, with a default for all others."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from sekisho.collect import DEFAULT, NotDeclared, TableSpec, table_spec
from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.profiles import csv_in, history_told, known_at, pushed_told
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.profile_pushing import push_soon
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.kit.clock import iso, to_us

router = APIRouter(prefix="/v1/parameters", tags=["parameters"], route_class=StrictRoute)
STRICT = ConfigDict(extra="forbid")


class ParameterIn(BaseModel):
    """A parameter and what counts where an entity has no value of its own."""

    model_config = STRICT
    type: str = "numeric"
    meaning: str = ""
    default: bool | int | float | str | None = None


class ValueIn(BaseModel):
    """The value of one entity."""

    model_config = STRICT
    value: bool | int | float | str


@router.put("/{name}", summary="Declare a parameter, set its default")
async def declare(
    request: Request, name: str, given: ParameterIn, key: ApiKey = need("rules")
) -> Response:
    """`company.review_limit` is read in rules as `:company.review_limit:`."""
    del key
    node = node_of(request)
    entity, dot, attribute = name.partition(".")
    if not dot or not entity:
        raise HttpRefusal(
            422,
            "profile_refused",
            f"`{name[:60]}` names no entity: say `company.{name[:40]}` or the like",
            param="name",
        )
    attributes = {attribute: {"type": given.type, "meaning": given.meaning}}
    spec = table_spec(name, {"attributes": attributes})
    if given.default is not None:
        spec.checked({attribute: given.default})
    await node.policy.declare_table(spec)
    default = None if given.default is None else {attribute: given.default}
    await push_soon(node, name, [(DEFAULT, default)])
    return answer(_told(node, name))


@router.get("", summary="Every parameter")
async def all_parameters(request: Request, key: ApiKey = need("read")) -> Response:
    """By name, each with its default."""
    del key
    node = node_of(request)
    tables = node.profiles.tables.items()
    names = sorted(name for name, table in tables if table.known.is_parameter)
    return answer({"object": "list", "data": [_told(node, name) for name in names]})


@router.get("/{name}", summary="One parameter")
async def get_parameter(
    request: Request,
    name: str,
    history: Annotated[int, Query(ge=0, le=100)] = 0,
    key: ApiKey = need("read"),
) -> Response:
    """Its default and the number of values; with the newest defaults when asked."""
    del key
    node = node_of(request)
    _spec(node, name)
    versions = await history_told(node, name, DEFAULT, history) if history else {}
    return answer({**_told(node, name), **versions})


@router.post("/{name}/csv", summary="Set values from a table")
async def set_csv(request: Request, name: str, key: ApiKey = need("profiles")) -> Response:
    """The body is CSV with the columns `id` and `value`; an empty value takes one away."""
    del key
    node = node_of(request)
    rows = await csv_in(request, _spec(node, name))
    return answer(pushed_told(await push_soon(node, name, rows)))


@router.put("/{name}/{entity_id:path}", summary="Set the value of one entity")
async def set_value(
    request: Request, name: str, entity_id: str, given: ValueIn, key: ApiKey = need("profiles")
) -> Response:
    """From the next decision on."""
    del key
    node = node_of(request)
    attribute = next(iter(_spec(node, name).attributes))
    await push_soon(node, name, [(entity_id, {attribute: given.value})])
    return answer(_value(node, name, entity_id))


@router.get("/{name}/{entity_id:path}", summary="The value of one entity")
async def get_value(
    request: Request,
    name: str,
    entity_id: str,
    history: Annotated[int, Query(ge=0, le=100)] = 0,
    as_of: AwareDatetime | None = None,
    key: ApiKey = need("read"),
) -> Response:
    """Its own value or the default, and which of them; or as it was at a moment."""
    del key
    node = node_of(request)
    _spec(node, name)
    if as_of is not None:
        return answer(
            {
                "object": "parameter_value",
                "parameter": name,
                "id": entity_id,
                **await _value_at(node, name, entity_id, to_us(as_of)),
            }
        )
    versions = await history_told(node, name, entity_id, history) if history else {}
    return answer({**_value(node, name, entity_id), **versions})


@router.delete("/{name}/{entity_id:path}", summary="Take the value of one entity away")
async def delete_value(
    request: Request, name: str, entity_id: str, key: ApiKey = need("profiles")
) -> Response:
    """The default counts from now on."""
    del key
    node = node_of(request)
    _spec(node, name)
    await push_soon(node, name, [(entity_id, None)])
    return answer(_value(node, name, entity_id))


async def _value_at(node: Node, name: str, entity_id: str, at_us: int) -> dict[str, Any]:
    try:
        return {**await known_at(node, name, entity_id, at_us), "is_default": False}
    except HttpRefusal:
        return {**await known_at(node, name, DEFAULT, at_us), "is_default": True}


def _spec(node: Node, name: str) -> TableSpec:
    table = node.profiles.tables.get(name)
    if table is None or not table.known.is_parameter:
        raise NotDeclared(f"no parameter `{name[:80]}` is declared", "name")
    return table.known


def _value(node: Node, name: str, entity_id: str) -> dict[str, Any]:
    table = node.profiles.table(name)
    own = table.newest.get(table.known.folded_id(entity_id))
    held = table.attributes(own)
    version = own if held is not None else table.newest.get(DEFAULT)
    value = table.attributes(version)
    return {
        "object": "parameter_value",
        "parameter": name,
        "id": table.known.folded_id(entity_id),
        "value": next(iter(value.values())) if value else None,
        "is_default": held is None,
        "known_since": iso(version[0]) if version else None,
    }


def _told(node: Node, name: str) -> dict[str, Any]:
    spec = _spec(node, name)
    newest = node.profiles.tables[name].newest
    default = node.profiles.tables[name].attributes(newest.get(DEFAULT))
    (attribute,) = spec.specs()
    return {
        "object": "parameter",
        "name": name,
        "type": attribute.type.value,
        "meaning": attribute.meaning,
        "default": next(iter(default.values())) if default else None,
        "values": node.profiles.tables[name].present - (default is not None),
    }
