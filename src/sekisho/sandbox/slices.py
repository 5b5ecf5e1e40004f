"""A run of the world's days as frames: what payloads and files are made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from sekisho.sandbox.seasons import Shard

HINDSIGHT = ("outcome", "label", "label_known_at")
"""Columns of an event that became known only after it: for importing history, never sent live."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of days: events by stream, outcomes that happen within it, and the truth."""

    shard: Shard
    streams: dict[str, pl.DataFrame]
    outcomes: pl.DataFrame
    truth: pl.DataFrame


class Sliced(Protocol):
    """Anything that tells its story shard by shard; in practice a `World`."""

    def shards(self) -> list[Shard]:
        """The runs of days, in order."""
        ...

    def slices(self) -> Iterator[Slice]:
        """One slice for each shard, in order."""
        ...

    def campaigns(self) -> pl.DataFrame:
        """The attacks as planned."""
        ...
