"""Keeps counters small and restarts short: sweeps, and snapshots beside the log."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from sekisho.durable import StoreError
from sekisho.entrypoints.foundation import Foundation
from sekisho.flow import Checkpoint
from sekisho.velocity import Counters

SNAPSHOT: Final = "counters"
"""Name of the snapshots of counters."""
IMPORTS: Final = "imports"
"""The part of a snapshot that says which imported history it includes."""
SWEEP_EVERY: Final = 2_000
"""Recorded entries between two looks for contributions that no window reaches any more."""
COMMIT_S: Final = 0.005
"""About the time of one commit."""


class CounterKeeper:
    """Looks after the counters of a node between batches, on the owner's thread."""

    def __init__(self, base: Foundation) -> None:
        self._base = base
        self._writing = threading.Lock()
        self._since_snapshot = 0
        self._since_sweep = 0
        self._newest_us = 0

    def after_batch(self, checkpoint: Checkpoint, count: int, newest_us: int) -> None:
        """Sweep and snapshot now and then."""
        counters = checkpoint.parts.counters
        self._newest_us = max(self._newest_us, newest_us)
        self._since_sweep += count
        self._since_snapshot += count
        if self._since_sweep >= SWEEP_EVERY:
            self._since_sweep = 0
            # Event time bounds the sweep, so that history sent late is not swept before it is read.
            counters.evict(min(self._base.clock.now_us(), self._newest_us))
        due = self._since_snapshot >= self._base.settings.snapshot_every
        if due and self._writing.acquire(blocking=False):
            self._since_snapshot = 0
            state = (checkpoint, checkpoint.last_seq, checkpoint.taken_back, counters.snapshot())
            threading.Thread(target=self._write, args=state, daemon=True).start()

    def save(self, counters: Counters) -> None:
        """Keep the counters at shutdown, when nothing is in flight."""
        ledger = self._base.ledger
        if ledger.poisoned is None:
            # A full disk costs time at the next start, nothing else.
            with self._writing, suppress(OSError, StoreError):
                ledger.save_snapshot(SNAPSHOT, ledger.last_seq, self._parts(counters.snapshot()))

    def _parts(self, counted: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**counted, IMPORTS: self._base.archive.imports_digest}

    def _write(
        self, checkpoint: Checkpoint, seq: int, taken_back: int, parts: Mapping[str, Any]
    ) -> None:
        """Write what was counted up to a row, once the row is on disk and not taken back."""
        ledger = self._base.ledger
        try:
            while ledger.last_seq < seq and checkpoint.taken_back == taken_back:
                time.sleep(COMMIT_S)
            if checkpoint.taken_back == taken_back:
                ledger.save_snapshot(SNAPSHOT, seq, self._parts(parts))
        except (OSError, StoreError):
            # A full disk: the log is the truth and older snapshots stay; the next one may succeed.
            return
        finally:
            self._writing.release()
