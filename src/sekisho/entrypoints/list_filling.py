"""Fills lists of any length while decisions go on: many small commits, one swap at the end."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from sekisho.entrypoints.chronicle import VALUES_A_ROW
from sekisho.entrypoints.foundation import Foundation
from sekisho.rules import Filling, ListChange, ListDesk, Prepared, Renewal, let_go, prepare
from sekisho.rules import sqlite as tables
from sekisho.rules.sqlite import ItemRow, ListRow

ITEMS_A_COMMIT: Final = 1_000
"""Items written in one commit: decisions in between wait some milliseconds, not seconds."""


class ListFiller:
    """Puts many values into lists, one list at a time."""

    def __init__(self, base: Foundation, desk: ListDesk) -> None:
        self._base = base
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def fill(
        self,
        name_or_id: str,
        values: Sequence[tuple[str, int]],
        author: str,
        *,
        replacing: bool = False,
    ) -> tuple[ListRow, int]:
        """Put values in (value, expiry); with `replacing`, they become the whole list.

        Rules see the old list until all of the new one is on disk. Interrupted, a replacement has
        no effect, and an addition has added some of its values.

        Returns:
            The list, and how many values it did not have before.

        Raises:
            ListRefused: there is no such list, or a value cannot stand in it.
        """
        async with self._one_at_a_time:
            base, desk = self._base, self._desk
            begin = partial(desk.begin_fill, name_or_id=name_or_id, replacing=replacing)
            filling = await base.write_soon(begin)
            items = await asyncio.to_thread(desk.items_of, filling, values, author)
            await self._clean(filling.row.id)
            added = 0
            for part in _parts(items):
                insert = partial(desk.insert, filling=filling, rows=part)
                added += await base.write_soon(insert)
            await asyncio.to_thread(self._check_room, filling)
            async with base.settling:  # the list keeps its name until rules see it
                row = await base.write_soon(partial(desk.end_fill, filling=filling))
                await self._show(row)
            await self._clean(row.id)
            return row, added

    def _check_room(self, filling: Filling) -> None:
        self._desk.check_room(self._base.store.read(), filling)

    async def _show(self, row: ListRow) -> None:
        """Let rules see the filled list: worked out and told of aside, then swapped at once."""
        book = self._base.book
        renewal = book.renew(row.alias)
        prepared, parts = await asyncio.to_thread(self._worked_out, row, renewal)
        for part in parts:
            book.announce(part)
            await asyncio.sleep(0)  # decisions in between
        old = book.put_in_place(renewal, prepared)
        await asyncio.to_thread(let_go, renewal.before, old)

    def _worked_out(self, row: ListRow, renewal: Renewal) -> tuple[Prepared, list[ListChange]]:
        values = tables.values_of(self._base.store.read(), row.id)
        prepared = prepare(row.item_type, values)
        return prepared, renewal.work_out(prepared.values, VALUES_A_ROW)

    async def _clean(self, list_id: str) -> None:
        """Drop what an interrupted or finished replacement left, a little at a time."""
        drop = partial(tables.delete_other_editions, list_id=list_id, limit=ITEMS_A_COMMIT)
        while await self._base.write_soon(drop):
            pass


def _parts(items: list[ItemRow]) -> list[list[ItemRow]]:
    return [items[at : at + ITEMS_A_COMMIT] for at in range(0, len(items), ITEMS_A_COMMIT)]
