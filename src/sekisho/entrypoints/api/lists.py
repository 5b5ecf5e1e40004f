"""Lists in Sekisho's own shape: by alias, with expiry, whole lists at once."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from sekisho.entrypoints.api.guard import answer, need, node_of
from sekisho.entrypoints.api.strict_json import StrictRoute
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.kit.clock import iso, to_us
from sekisho.rules import found_list
from sekisho.rules.lists import MAX_ITEMS
from sekisho.rules.sqlite import ItemRow, ListRow, Page, count_items, list_items, list_lists

router = APIRouter(prefix="/v1/lists", tags=["lists"], route_class=StrictRoute)
STRICT = ConfigDict(extra="forbid")


class ListIn(BaseModel):
    """A new list."""

    model_config = STRICT
    alias: str
    name: str = ""
    item_type: str = "string"
    metadata: dict[str, str] = Field(default_factory=dict)


class ItemIn(BaseModel):
    """One value, perhaps for a while only."""

    model_config = STRICT
    value: str
    expires_at: AwareDatetime | None = None


class ItemsIn(BaseModel):
    """Many values."""

    model_config = STRICT
    items: list[str | ItemIn] = Field(max_length=MAX_ITEMS)


@router.get("", summary="Every list")
async def all_lists(request: Request, key: ApiKey = need("read")) -> Response:
    """The default lists are among them."""
    del key
    node = node_of(request)
    rows, _ = list_lists(node.store.read(), Page(limit=100_000))
    return answer({"object": "list", "data": [await _told(node, row) for row in rows]})


@router.post("", summary="Make a list")
async def create(request: Request, given: ListIn, key: ApiKey = need("lists")) -> Response:
    """Rules use it as `@alias`."""
    node = node_of(request)
    change = node.desk.create(
        given.alias, given.name or given.alias, given.item_type, given.metadata, key.id
    )
    return answer(await _told(node, await node.change_soon(change)), 201)


@router.get("/{alias}", summary="One list")
async def get_list(request: Request, alias: str, key: ApiKey = need("read")) -> Response:
    """By alias or id."""
    del key
    node = node_of(request)
    return answer(await _told(node, found_list(node.store.read(), alias)))


@router.delete("/{alias}", summary="Remove a list")
async def delete(request: Request, alias: str, key: ApiKey = need("lists")) -> Response:
    """Refused while a rule uses it."""
    del key
    node = node_of(request)
    row = await node.change_soon(node.desk.delete(alias))
    return answer({"object": "list_of_values", "id": row.id, "alias": row.alias, "deleted": True})


@router.get("/{alias}/items", summary="A list's items")
async def items(
    request: Request,
    alias: str,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    starting_after: str = "",
    key: ApiKey = need("read"),
) -> Response:
    """Newest first."""
    del key
    node = node_of(request)
    connection = node.store.read()
    row = found_list(connection, alias)
    page = Page(limit, starting_after)
    found, more = list_items(connection, row.id, page, node.clock.now_us())
    return answer({"object": "list", "data": [_item(one) for one in found], "has_more": more})


@router.post("/{alias}/items", summary="Add values")
async def add(
    request: Request, alias: str, given: ItemsIn, key: ApiKey = need("lists")
) -> Response:
    """Values that are there already stay as they are."""
    node = node_of(request)
    values = await asyncio.to_thread(_values, given)
    row, added = await node.filler.fill(alias, values, key.id)
    return answer({**await _told(node, row), "added": added})


@router.put("/{alias}/items", summary="Replace all values")
async def replace(
    request: Request, alias: str, given: ItemsIn, key: ApiKey = need("lists")
) -> Response:
    """A decision sees the old list or the new one, never a part."""
    node = node_of(request)
    values = await asyncio.to_thread(_values, given)
    row, added = await node.filler.fill(alias, values, key.id, replacing=True)
    return answer({**await _told(node, row), "added": added})


@router.delete("/{alias}/items/{item_id}", summary="Remove one value")
async def remove(
    request: Request, alias: str, item_id: str, key: ApiKey = need("lists")
) -> Response:
    """By the item's id."""
    del alias, key
    node = node_of(request)
    item = await node.change_soon(node.desk.remove(item_id))
    return answer({"object": "list_item", "id": item.id, "deleted": True})


def _values(given: ItemsIn) -> list[tuple[str, int]]:
    return [
        (one, 0) if isinstance(one, str) else (one.value, _until(one.expires_at))
        for one in given.items
    ]


def _until(moment: datetime | None) -> int:
    return to_us(moment) if moment else 0


async def _told(node: Node, row: ListRow) -> dict[str, Any]:
    def counted() -> int:
        return count_items(node.store.read(), row.id, node.clock.now_us())

    return {
        "object": "list_of_values",
        "id": row.id,
        "alias": row.alias,
        "name": row.name,
        "item_type": row.item_type,
        "metadata": dict(row.metadata),
        "created_at": iso(row.created_us),
        "created_by": row.created_by,
        "items": await asyncio.to_thread(counted),
        "used_by": sorted(node.policy.rules_using(row.alias)),
    }


def _item(row: ItemRow) -> dict[str, Any]:
    return {
        "object": "list_item",
        "id": row.id,
        "value": row.value,
        "created_at": iso(row.created_us),
        "created_by": row.created_by,
        "expires_at": iso(row.expires_us) if row.expires_us else None,
    }
