"""`list.add` and `list.remove`: what rules look up from the next decision on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import apsw
import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result, Todo
from sekisho.actions.shipped.services import Lists, Records
from sekisho.durable import Retry
from sekisho.kit.clock import MICROSECONDS, iso, to_us
from sekisho.rules import (
    ItemRefused,
    ItemRow,
    ListRefused,
    find_item_by_value,
    found_list,
    normalise_item,
)

ALREADY = "resource_already_exists"


class ListAddParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes where, and for how long.

    Attributes:
        list: alias or id.
        value: the item.
        expires_in_s: seconds from when the action was asked for; 0 = until removed.
        expires_at: or the moment itself.
    """

    list: str
    value: str
    expires_in_s: float = 0
    expires_at: datetime | None = None


class ListRemoveParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes, and from where.

    Attributes:
        list: alias or id.
        value: the item.
    """

    list: str
    value: str


class ListAdd(ActionKind[ListAddParams]):
    """Puts a value into a list, for a while or until it is removed.

    A value that is there already stays as it is, and undoing does not take it out.
    """

    name = "list.add"
    params = ListAddParams
    retry: ClassVar[Retry] = "safe"
    list_params: ClassVar[tuple[str, ...]] = ("list",)

    def check_named(self, settled: Mapping[str, Any]) -> None:
        """The list is there."""
        if "list" in settled:
            _type_of(self.services.of(Records).read(), str(settled["list"]))

    def prepare(self, params: ListAddParams) -> None:
        """The list is there, and the value can stand in it."""
        _check(self.services.of(Records).read(), params.list, params.value)
        if params.expires_in_s < 0 or (params.expires_in_s and params.expires_at):
            raise ValueError("`expires_in_s` is not negative, and not beside `expires_at`")
        if params.expires_at is not None and params.expires_at.tzinfo is None:
            raise ValueError("`expires_at` needs its offset from UTC, such as `Z`")

    async def run(self, params: ListAddParams, context: ActionContext) -> Result:
        """Put it in, under the action's id, so that a repeat knows its own."""
        lists = self.services.of(Lists)
        until_us = _until(params, context.accepted_us)
        change = lists.desk.add(params.list, params.value, context.id, until_us)
        try:
            item = await lists.carry_out(change)
        except ListRefused as refused:
            if refused.code != ALREADY:
                raise GiveUp(str(refused)) from refused
            item = _found(self.services.of(Records).read(), params.list, params.value)
        is_ours = item is not None and item.created_by == context.id
        expires_us = item.expires_us if item else 0
        return Result({"added": is_ours, "expires_at": iso(expires_us) if expires_us else None})

    def undo(self, params: ListAddParams, result: Mapping[str, Any]) -> Todo | None:
        """Take it out again, if this action put it in."""
        if not result.get("added"):
            return None
        return Todo(ListRemove.name, {"list": params.list, "value": params.value})

    def describe(self, params: ListAddParams) -> str:
        """What would be in which list."""
        return f"put `{params.value}` into the list `{params.list}`"


class ListRemove(ActionKind[ListRemoveParams]):
    """Takes a value out of a list; one that is not there is no error."""

    name = "list.remove"
    params = ListRemoveParams
    retry: ClassVar[Retry] = "safe"
    list_params: ClassVar[tuple[str, ...]] = ("list",)

    def check_named(self, settled: Mapping[str, Any]) -> None:
        """The list is there."""
        if "list" in settled:
            _type_of(self.services.of(Records).read(), str(settled["list"]))

    def prepare(self, params: ListRemoveParams) -> None:
        """The list is there, and the value could stand in it."""
        _check(self.services.of(Records).read(), params.list, params.value)

    async def run(self, params: ListRemoveParams, context: ActionContext) -> Result:
        """Take it out."""
        del context
        lists = self.services.of(Lists)
        item = _found(self.services.of(Records).read(), params.list, params.value)
        if item is None:
            return Result({"removed": False})
        try:
            await lists.carry_out(lists.desk.remove(item.id))
        except ListRefused:  # somebody else was quicker
            return Result({"removed": False})
        expires_at = iso(item.expires_us) if item.expires_us else None
        return Result({"removed": True, "expires_at": expires_at})

    def undo(self, params: ListRemoveParams, result: Mapping[str, Any]) -> Todo | None:
        """Put it back with its expiry, if this action took it out."""
        if not result.get("removed"):
            return None
        expiry = {"expires_at": at} if (at := result.get("expires_at")) else {}
        return Todo(ListAdd.name, {"list": params.list, "value": params.value, **expiry})

    def describe(self, params: ListRemoveParams) -> str:
        """What would be gone from which list."""
        return f"take `{params.value}` out of the list `{params.list}`"


def _check(connection: apsw.Connection, name: str, value: str) -> None:
    """The list is there, and the value can stand in it.

    Raises:
        ValueError: one of the two is not so.
    """
    normalise_item(_type_of(connection, name), value)


def _type_of(connection: apsw.Connection, name: str) -> str:
    """The type of a list's items.

    Raises:
        ValueError: there is no such list.
    """
    try:
        return found_list(connection, name).item_type
    except ListRefused as refused:
        raise ValueError(f"`list`: {refused}") from refused


def _found(connection: apsw.Connection, name: str, value: str) -> ItemRow | None:
    try:
        row = found_list(connection, name)
        return find_item_by_value(connection, row.id, normalise_item(row.item_type, value))
    except (ListRefused, ItemRefused) as refused:
        raise GiveUp(str(refused)) from refused


def _until(params: ListAddParams, accepted_us: int) -> int:
    if params.expires_at is not None:
        return to_us(params.expires_at)
    return accepted_us + round(params.expires_in_s * MICROSECONDS) if params.expires_in_s else 0
