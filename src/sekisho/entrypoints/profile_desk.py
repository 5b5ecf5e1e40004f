"""Takes profiles and parameters: checked, recorded in the log, in force at once, kept on disk."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sekisho.collect import Profile, ProfileRefused, Profiles, Table, Version
from sekisho.durable import StoreError
from sekisho.entrypoints.foundation import Foundation
from sekisho.entrypoints.profile_rows import (
    PROFILES,
    PastVersion,
    ToldProfile,
    body_of,
    portions,
    take_again,
    versions_before,
)
from sekisho.flow import Checkpoint, Reply
from sekisho.ledger import Entry

SNAPSHOT: Final = "profiles"
COMMIT_S: Final = 0.005
"""About the time of one commit."""


@dataclass(slots=True)
class Pushed:
    """What became of profiles that were pushed.

    Attributes:
        known_us: from when on they count as known.
        changed: versions recorded.
        unchanged: the same was known already.
        older: passed over, because something newer is known.
    """

    known_us: int
    changed: int = 0
    unchanged: int = 0
    older: int = 0


Checked = Mapping[str, Mapping[str, Any] | None]
"""Profiles as they are kept, by the id that events name; None for those that are gone."""
Taken = Callable[[Pushed | Exception], None]
"""Called once: with what became of a push that is on disk, or with why it is not."""


class ProfileDesk:
    """Owned by the thread that owns the checkpoint."""

    def __init__(self, base: Foundation, profiles: Profiles) -> None:
        self._base = base
        self.profiles = profiles
        self._checkpoint: Checkpoint | None = None
        self._writing = threading.Lock()
        self._since_snapshot = 0
        self._decided_us = 0

    def load(self) -> None:
        """Bring back what was known, from the newest snapshot and the rows after it."""
        ledger = self._base.ledger
        kept = ledger.load_snapshot(SNAPSHOT)
        parts: Mapping[str, Any] = kept.parts if kept else {}
        for name, part in parts.items():
            self.profiles.table(name.partition("#")[0]).fill(part)
        for row in ledger.profiles(kept.seq if kept else 0):
            take_again(self.profiles, row)
            self._since_snapshot += 1
        self._decided_us = ledger.last_decided_us()

    def serve(self, checkpoint: Checkpoint) -> None:
        """Record through a checkpoint from now on."""
        self._checkpoint = checkpoint

    # ── taking ──────────────────────────────────────────────────────────────────────────────────

    def check(self, name: str, given: Sequence[Profile]) -> Checked:
        """Whole profiles as they are kept; of an id named twice the last counts. On any thread.

        Raises:
            ProfileRefused: something does not fit.
        """
        return _checked(self.profiles.table(name), given)

    def moment(self, at_us: int | None) -> int:
        """From when on profiles count that were known at a moment; None for now.

        No decision already made can have known them, so they count as after the newest.

        Raises:
            ProfileRefused: the moment has not come yet.
        """
        now_us = self._base.clock.now_us()
        if at_us is None:
            return now_us
        if at_us > now_us:
            raise ProfileRefused("what is known cannot be known from a later moment", "known_from")
        assert self._checkpoint is not None, "the node is made"
        decided_us = max(self._decided_us, self._checkpoint.last_decided_us)
        return at_us if at_us > decided_us else min(decided_us + 1, now_us)

    def push(self, name: str, checked: Checked, known_us: int, done: Taken) -> None:
        """Take versions from `check` as of `moment`; decisions see them from the next one on.

        `done` is told once all of it is on disk.

        Raises:
            Refusal: the log takes nothing now; the same again is safe.
        """
        table = self.profiles.table(name)
        now_us = self._base.clock.now_us()
        pushed = Pushed(known_us)
        changes = self._changes(table, checked, pushed)
        gathering = _Gathering(pushed, done)
        for portion in portions(changes):
            gathering.expect()
            try:
                self._record(table, portion, pushed.known_us, now_us, gathering.landed)
            except BaseException:
                gathering.forget()
                raise
        self._since_snapshot += len(changes)
        gathering.all_asked()
        self._snapshot_sometimes()

    def history(self, name: str, entity_id: str, limit: int) -> list[PastVersion]:
        """Versions of an entity, the newest first; read from the log.

        Raises:
            ProfileRefused: no such table, or no such id can be.
        """
        table = self.profiles.table(name)
        folded = entity_id and table.known.folded_id(entity_id)
        newest = table.newest.get(folded)
        seq = newest[1] if newest else 0
        found: list[PastVersion] = []
        while seq and len(found) < limit:
            row = next(self._base.ledger.read_from(seq, 1), None)
            version, seq = versions_before(row, folded)
            if version is not None:
                found.append(version)
        return found

    def _changes(self, table: Table, wanted: Checked, pushed: Pushed) -> list[ToldProfile]:
        durable = self._base.ledger.last_seq
        changes: list[ToldProfile] = []
        for entity_id, attributes in wanted.items():
            old = table.newest.get(entity_id)
            values = table.version(attributes, 0, 0)[2:]
            if (old[2:] if old else ()) == values and (old is None or old[1] <= durable):
                pushed.unchanged += 1
            elif old is not None and old[0] > pushed.known_us:
                pushed.older += 1
            else:
                changes.append(ToldProfile(entity_id, old[1] if old else 0, attributes))
        pushed.changed = len(changes)
        return changes

    def _record(
        self,
        table: Table,
        portion: list[ToldProfile],
        known_us: int,
        now_us: int,
        done: Callable[[Reply | Exception], None],
    ) -> None:
        assert self._checkpoint is not None, "the node is made"
        name = table.known.name
        before = [(one.id, table.newest.get(one.id)) for one in portion]

        def undo() -> None:
            for entity_id, version in before:
                table.set(entity_id, version)

        entry = Entry("control", "", PROFILES, known_us, now_us, body_of(name, portion))
        seq = self._checkpoint.take(entry, undo, done)
        for one in portion:
            self.profiles.put(name, one.id, one.attributes, known_us=known_us, seq=seq)

    # ── keeping ─────────────────────────────────────────────────────────────────────────────────

    def save(self) -> None:
        """Keep what is known at shutdown, when nothing is in flight."""
        ledger = self._base.ledger
        if ledger.poisoned is None and self._since_snapshot:
            with self._writing, suppress(OSError, StoreError):
                ledger.save_snapshot(SNAPSHOT, ledger.last_seq, _parts(self._held()))

    def _held(self) -> list[tuple[Table, dict[str, Version]]]:
        """What is known just now: versions never change, so a copy of the tables is enough."""
        return [(table, dict(table.newest)) for table in self.profiles.tables.values()]

    def _snapshot_sometimes(self) -> None:
        known = sum(len(table.newest) for table in self.profiles.tables.values())
        if self._since_snapshot < max(self._base.settings.snapshot_every, known // 4):
            return
        if self._checkpoint is not None and self._writing.acquire(blocking=False):
            self._since_snapshot = 0
            checkpoint = self._checkpoint
            state = (checkpoint, checkpoint.last_seq, checkpoint.taken_back, self._held())
            threading.Thread(target=self._write, args=state, daemon=True).start()

    def _write(
        self,
        checkpoint: Checkpoint,
        seq: int,
        taken_back: int,
        held: list[tuple[Table, dict[str, Version]]],
    ) -> None:
        """Write what was known at a row, once the row is on disk and not taken back."""
        ledger = self._base.ledger
        try:
            while ledger.last_seq < seq and checkpoint.taken_back == taken_back:
                time.sleep(COMMIT_S)
            if checkpoint.taken_back == taken_back:
                ledger.save_snapshot(SNAPSHOT, seq, _parts(held))
        except (OSError, StoreError):
            return  # a full disk: the log is the truth, older snapshots stay
        finally:
            self._writing.release()


class _Gathering:
    """Waits for all rows of one push."""

    def __init__(self, pushed: Pushed, done: Taken) -> None:
        self._pushed, self._done = pushed, done
        self._waiting = 1  # for `all_asked`
        self._error: Exception | None = None

    def expect(self) -> None:
        self._waiting += 1

    def forget(self) -> None:
        """The caller learns of what is wrong in another way."""
        self._done = _nobody

    def landed(self, reply: Reply | Exception) -> None:
        if isinstance(reply, Exception):
            self._error = reply
        self.all_asked()

    def all_asked(self) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._done(self._error or self._pushed)


def _nobody(_result: Pushed | Exception) -> None:
    """Whoever asked was told by an exception."""


def _checked(table: Table, given: Sequence[Profile]) -> Checked:
    """Profiles as they are compared and kept; a refusal says by its place which does not fit."""
    wanted: dict[str, Mapping[str, Any] | None] = {}
    known = table.known
    for number, (entity_id, attributes) in enumerate(given):
        try:
            folded = (
                entity_id if known.is_parameter and not entity_id else known.folded_id(entity_id)
            )
            wanted[folded] = None if attributes is None else known.checked(attributes)
        except ProfileRefused as refused:
            if len(given) == 1:
                raise
            place = f"profiles[{number}].{refused.place}"
            raise ProfileRefused(f"`{entity_id[:60]}`: {refused}", place) from None
    return wanted


def _parts(held: list[tuple[Table, dict[str, Version]]]) -> dict[str, bytes]:
    return {
        f"{table.known.name}#{number}": part
        for table, newest in held
        for number, part in enumerate(table.parts(newest))
    }
