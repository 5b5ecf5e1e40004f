"""Counters on their way into force: filled from history in a thread, then swapped in at once."""

from dataclasses import dataclass
from typing import Final

from sekisho.entrypoints.foundation import Foundation
from sekisho.events import ReceiveContext
from sekisho.flow import Checkpoint, Folder
from sekisho.history import count_imported
from sekisho.velocity import Counters

NEAR_THE_END: Final = 500
"""Rows left for the owner's thread when a backfill hands over: a few milliseconds."""


@dataclass(slots=True)
class Backfill:
    """How far filling new counters from history is."""

    total: int
    done: int = 0
    error: str = ""


class CounterFilling:
    """Fresh counters, how far they have read the log, and the step that puts them in place."""

    def __init__(self, fresh: Counters, base: Foundation, context: ReceiveContext) -> None:
        self._fresh = fresh
        self._base = base
        self._ledger = base.ledger
        self._context = context
        self._folder = Folder(base.ledger, context, base.past)
        self._reached = 0

    def read_history(self, progress: Backfill | None) -> None:
        """Read what was imported, then the log up to near its end.

        May run in a thread while events go on.
        """
        base, ledger = self._base, self._ledger
        progress = progress or Backfill(0)
        imported = sum(one.rows for one in base.archive.imported)

        def tell(done: int) -> None:
            progress.done, progress.total = done, imported + ledger.last_seq

        now_us = base.clock.now_us()
        count_imported(base.archive, self._fresh, self._context, now_us, tell)
        while ledger.last_seq - self._reached > NEAR_THE_END:
            self._read_on()
            tell(imported + self._reached)

    def finish(self, older: Counters, checkpoint: Checkpoint | None) -> Counters:
        """Read the rest, and what is on its way to the disk, and take over from the older ones.

        On the owner's thread, between two events. What is on its way is taken back, if it has to
        be, the way it was counted here: its first record may lack what the new counters read.
        """
        self._read_on()
        if checkpoint is not None:
            checkpoint.recount(
                lambda entry, seq: self._folder.fold(self._fresh, entry, seq), self._reached
            )
        self._fresh.adopt(older)
        return self._fresh

    def _read_on(self) -> None:
        for row in self._ledger.read_from(self._reached + 1):
            self._folder.fold(self._fresh, row, row.seq)
            self._reached = row.seq
