"""Profiles pushed over the API, a row of the log after another."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.collect import Profile
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.profile_desk import Pushed
from sekisho.entrypoints.profile_rows import PROFILES_A_ROW


async def push_soon(
    node: Node, name: str, profiles: Sequence[Profile], at_us: int | None = None
) -> Pushed:
    """Push profiles; decisions go on in between. All are checked before the first is taken.

    Raises:
        ProfileRefused: something does not fit, and nothing was taken.
        Refusal: the log did not take all; the same again is safe.
    """
    desk = node.known
    checked = await asyncio.to_thread(desk.check, name, profiles)
    at_us = desk.moment(at_us)
    waiting: list[asyncio.Future[Pushed]] = []
    items = list(checked.items())
    for start in range(0, max(len(items), 1), PROFILES_A_ROW):
        waiting.append(_pushed(node, name, dict(items[start : start + PROFILES_A_ROW]), at_us))
        await asyncio.sleep(0)
    parts = await asyncio.gather(*waiting, return_exceptions=True)
    for one in parts:
        if isinstance(one, BaseException):
            raise one
    return _summed([one for one in parts if isinstance(one, Pushed)])


def _pushed(
    node: Node, name: str, checked: Mapping[str, Mapping[str, Any] | None], at_us: int
) -> asyncio.Future[Pushed]:
    future: asyncio.Future[Pushed] = asyncio.get_running_loop().create_future()

    def done(result: Pushed | Exception) -> None:
        if future.done():
            return  # whoever asked has gone
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    node.known.push(name, checked, at_us, done)
    return future


def _summed(parts: Sequence[Pushed]) -> Pushed:
    total = Pushed(parts[0].known_us)
    for one in parts:
        total.changed += one.changed
        total.unchanged += one.unchanged
        total.older += one.older
    return total
