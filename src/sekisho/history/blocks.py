"""Files of history in blocks: the rows that could be read, and those that could not."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says what to do."""


class Broken(NamedTuple):
    """A row that is none.

    Attributes:
        number: its place among the rows of the block, from 0.
        code: what is wrong, for programs.
        message: what is wrong, for people.
        raw: the row as it stands in the file.
    """

    number: int
    code: str
    message: str
    raw: str


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file.

    Attributes:
        frame: the rows that could be read.
        numbers: the place of each among the rows of the block.
        broken: the others.
        rows: how many there are in all.
    """

    frame: pl.DataFrame
    numbers: NDArray[np.int64]
    broken: list[Broken]
    rows: int
