"""Lists and items as Stripe's SDKs expect them."""

from typing import Any, Final

import apsw

from sekisho.kit.clock import MICROSECONDS
from sekisho.rules.sqlite import ItemRow, ListRow, Page, list_items

EMBEDDED: Final = 10
"""Items shown inside a list."""
ITEMS_PATH: Final = "/v1/radar/value_list_items"
LISTS_PATH: Final = "/v1/radar/value_lists"


def value_list(
    connection: apsw.Connection,
    row: ListRow,
    now_us: int,
    live: bool,  # noqa: FBT001 — a field of the object
) -> dict[str, Any]:
    """`radar.value_list` with its newest items."""
    items, more = list_items(connection, row.id, Page(EMBEDDED), now_us)
    return {
        "id": row.id,
        "object": "radar.value_list",
        "alias": row.alias,
        "name": row.name,
        "item_type": row.item_type,
        "created": row.created_us // MICROSECONDS,
        "created_by": row.created_by,
        "livemode": live,
        "metadata": dict(row.metadata),
        "list_items": page(
            [value_list_item(one, live) for one in items], more, f"{ITEMS_PATH}?value_list={row.id}"
        ),
    }


def value_list_item(row: ItemRow, live: bool) -> dict[str, Any]:  # noqa: FBT001 — a field of the object
    """`radar.value_list_item`."""
    return {
        "id": row.id,
        "object": "radar.value_list_item",
        "value": row.value,
        "value_list": row.list,
        "created": row.created_us // MICROSECONDS,
        "created_by": row.created_by,
        "livemode": live,
    }


def page(data: list[dict[str, Any]], more: bool, url: str) -> dict[str, Any]:  # noqa: FBT001 — a field of the object
    """A list object; the SDK pages on with its url."""
    return {"object": "list", "data": data, "has_more": more, "url": url}


def deleted(kind: str, object_id: str) -> dict[str, Any]:
    """What is left of something deleted."""
    return {"id": object_id, "object": kind, "deleted": True}
