"""A list's new content on its way: worked out aside, while the old one goes on being read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec


class ListChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened to a list in memory, in the spelling that rules compare with.

    Attributes:
        alias: which list.
        how: `set` replaces it whole, `patch` puts and takes values, `drop` forgets it. A long patch
            is told in parts that change nothing yet: `begin` has the first, `prepare` the others;
            `renew` has the last and brings all of them into force.
        item_type: of a list that is set.
        put: values that are in it from now on, each with its expiry or `NEVER`.
        take: values that are not any more.
    """

    alias: str
    how: Literal["set", "patch", "drop", "begin", "prepare", "renew"]
    item_type: str = ""
    put: dict[str, int] = {}
    take: tuple[str, ...] = ()


@dataclass(slots=True)
class Renewal:
    """What a list held when its new content began to be worked out, and what changed since.

    Attributes:
        alias: which list.
        item_type: of its items.
        before: what it held.
        changed: values put in or taken out since, one by one: they stay as they are now.
        lapsed: values that ran out since.
        rest: the last part of what differs, to be told when the new content comes into force.
    """

    alias: str
    item_type: str
    before: dict[str, int]
    changed: set[str] = field(default_factory=set[str])
    lapsed: set[str] = field(default_factory=set[str])
    rest: "Portion" = field(default_factory=lambda: ({}, []))

    def work_out(self, new: Mapping[str, int], size: int) -> list[ListChange]:
        """What is to be told of before another content takes the place of the one before.

        Any thread may do it: steps are small, so that the one that decides is not kept waiting.

        Args:
            new: the content to come.
            size: values in one part; the last part is kept for `last`.
        """
        *parts, self.rest = [*_portions(_differences(self.before, new), size)] or [({}, [])]
        return [
            ListChange(self.alias, "prepare" if number else "begin", "", put, tuple(take))
            for number, (put, take) in enumerate(parts)
        ]

    def last(self, now: Mapping[str, int], new: dict[str, int]) -> ListChange:
        """Carry over what changed meanwhile; the part that brings the new content into force."""
        put, take = dict(self.rest[0]), set(self.rest[1])
        for value in self.lapsed & new.keys():
            put[value] = new[value]
        for value in self.changed:
            put.pop(value, None)
            new.pop(value, None)
            take.add(value)
            if value in now:
                put[value] = new[value] = now[value]
        return ListChange(self.alias, "renew", "", put, tuple(sorted(take - put.keys())))


Portion = tuple[dict[str, int], list[str]]
"""Values to put, with their expiry, and values to take."""


def let_go(*contents: dict[str, int]) -> None:
    """Give back the memory of long contents step by step: in one step it would stall others."""
    for content in contents:
        while content:
            content.popitem()


def _differences(
    before: Mapping[str, int], new: Mapping[str, int]
) -> Iterator[tuple[str, int | None]]:
    """Values to put, with their expiry, then values to take."""
    for value, until in new.items():
        if before.get(value) != until:
            yield value, until
    for value in before:
        if value not in new:
            yield value, None


def _portions(found: Iterable[tuple[str, int | None]], size: int) -> Iterator[Portion]:
    put: dict[str, int] = {}
    take: list[str] = []
    for value, until in found:
        if until is None:
            take.append(value)
        else:
            put[value] = until
        if len(put) + len(take) == size:
            yield put, take
            put, take = {}, []
    if put or take:
        yield put, take
