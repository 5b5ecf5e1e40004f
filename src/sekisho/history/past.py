"""Imported events by their ids: whether there is one, what it was, what became of it."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from sekisho.events import OUTCOME_TYPES, Event, ReceiveContext, with_amounts
from sekisho.flow import Subject
from sekisho.history.archive import Archive

KEYS: Final = ("event", "type", "at_us", "about")
_ROW_BITS: Final = np.uint64(32)


class _Index(NamedTuple):
    """Hashed ids in order, each with its place: the segment's number and the row in it."""

    hashes: NDArray[np.uint64]
    places: NDArray[np.uint64]

    def find(self, text: str) -> list[tuple[int, int]]:
        """Places of rows that may be the ones; mostly none."""
        wanted = np.uint64(hash_of(text))
        first = int(np.searchsorted(self.hashes, wanted))
        found: list[tuple[int, int]] = []
        while first < len(self.hashes) and self.hashes[first] == wanted:
            place = int(self.places[first])
            found.append((place >> 32, place & 0xFFFFFFFF))
            first += 1
        return found


class ImportedPast:
    """What an archive's imports tell of live events.

    Takes 16 bytes of memory for each imported event, twice that for an outcome. A look that finds
    nothing costs about a microsecond; one that finds an event reads it from its segment.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._segments = archive.imported
        decided: list[_Index] = []
        outcomes: list[_Index] = []
        abouts: list[_Index] = []
        for number, segment in enumerate(self._segments):
            frame = archive.read(segment, KEYS)
            is_outcome = frame["type"].is_in(list(OUTCOME_TYPES)).to_numpy()
            rows = np.arange(frame.height, dtype=np.uint64) | np.uint64(number) << _ROW_BITS
            events = hashes_of(frame["event"])
            told = np.flatnonzero(is_outcome)
            decided.append(_Index(events[~is_outcome], rows[~is_outcome]))
            outcomes.append(_Index(events[told], rows[told]))
            abouts.append(_Index(hashes_of(frame["about"].gather(told)), rows[told]))
        self._decided, self._outcomes, self._abouts = map(_joined, (decided, outcomes, abouts))

    def tells_of(self, event_id: str, /, *, outcome: bool = False) -> bool:
        """Whether an event to be decided, or an outcome, of this id is known from history.

        An event that only an imported outcome tells of happened before, too.
        """
        if outcome:
            return bool(self._rows(self._outcomes, event_id, "event"))
        return bool(
            self._rows(self._decided, event_id, "event")
            or self._rows(self._abouts, event_id, "about")
        )

    def subject(self, event_id: str, context: ReceiveContext, /) -> Subject | None:
        """An imported event with its imported outcomes; None when it is none."""
        rows = self._rows(self._decided, event_id, "event")
        if not rows:
            return None
        event = _event(rows[0], context)
        return Subject(event, event.record, self.outcomes_of(event_id, context))

    def outcomes_of(self, event_id: str, context: ReceiveContext, /) -> tuple[Event, ...]:
        """Imported outcomes about an event of any origin, in the order of their times."""
        rows = self._rows(self._abouts, event_id, "about")
        found = (_event(row, context) for row in rows)
        return tuple(sorted(found, key=lambda one: one.at_us))

    def _rows(self, index: _Index, text: str, column: str) -> list[pl.DataFrame]:
        """The rows that have a text in a column, a frame each, in the order of import."""
        places = sorted(index.find(text))
        rows = [
            self._archive.lazy(self._segments[segment]).slice(row, 1).collect()
            for segment, row in places
        ]
        return [row for row in rows if row[column].item() == text]


def hash_of(text: str) -> int:
    """The hash under which an id is kept."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def hashes_of(texts: Iterable[str]) -> NDArray[np.uint64]:
    """The hashes of many ids."""
    digest = xxh3_64_intdigest
    return np.array([digest(text.encode("utf-8", "surrogatepass")) for text in texts], np.uint64)


def _joined(parts: list[_Index]) -> _Index:
    nothing = np.zeros(0, np.uint64)
    hashes = np.concatenate([nothing, *(part.hashes for part in parts)])
    places = np.concatenate([nothing, *(part.places for part in parts)])
    order = np.argsort(hashes, kind="stable")
    return _Index(hashes[order], places[order])


def _event(row: pl.DataFrame, context: ReceiveContext) -> Event:
    known: dict[str, Any] = with_amounts(row, context).row(0, named=True)
    keys = {name: known.pop(name) for name in KEYS}
    record = {name: value for name, value in known.items() if value is not None}
    return Event(
        keys["event"], keys["type"], keys["at_us"], record, frozenset(), keys["about"] or "", b""
    )
