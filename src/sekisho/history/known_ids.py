"""Which ids an import has met: in its files, in earlier imports, in the log."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.events import OUTCOME_TYPES
from sekisho.history.past import hashes_of

Hashes = NDArray[np.uint64]
_OF_OUTCOME: Final = np.uint64(0x9E3779B97F4A7C15)


class KnownIds:
    """Hashes of ids in sorted runs, each at least twice as long as the next: 8 bytes an id.

    Ids of decided events and of outcomes are apart. Two different ids meet with a chance of one in
    300,000 among ten million, and then the second row counts as a duplicate.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def add(self, ids: pl.Series, types: pl.Series) -> NDArray[np.bool_]:
        """Take ids in; tells which of them were new, each id once."""
        is_outcome = types.is_in([*OUTCOME_TYPES, "event"]).to_numpy()
        hashes = hashes_of(ids) ^ np.where(is_outcome, _OF_OUTCOME, np.uint64(0))
        unique, first = np.unique(hashes, return_index=True)
        known = np.zeros(len(unique), np.bool_)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, unique), len(run) - 1)
            known |= run[place] == unique
        fresh = np.zeros(len(hashes), np.bool_)
        fresh[first[~known]] = True
        self._put(unique[~known])
        return fresh

    def _put(self, run: Hashes) -> None:
        if not len(run):
            return
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate((self._runs[-1], last)))
