"""Which of many texts are among some: a look into a table of hashes spares most comparisons."""

from typing import Final

import numpy as np
import polars as pl

SEED: Final = 0xA309
SPACE: Final = 32
"""Places in the table for each text: one text in so many is compared in vain."""


class Among:
    """Some texts, for asking about others block by block.

    >>> Among(pl.Series(["a", "b"])).has(pl.Series(["b", "c", None])).to_list()
    [True, False, False]
    """

    def __init__(self, texts: pl.Series) -> None:
        self._texts = texts.drop_nulls().unique().implode()
        places = 1 << (len(texts) * SPACE).bit_length()
        self._mask = np.uint64(places - 1)
        self._table = np.zeros(places, np.bool_)
        self._table[self._places(texts)] = True

    def has(self, texts: pl.Series) -> pl.Series:
        """Whether each text is among them."""
        likely = self._table[self._places(texts)].nonzero()[0]
        found = np.zeros(len(texts), np.bool_)
        found[likely] = texts.gather(likely).is_in(self._texts).fill_null(value=False).to_numpy()
        return pl.Series(found)

    def _places(self, texts: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        return texts.hash(SEED).to_numpy() & self._mask
