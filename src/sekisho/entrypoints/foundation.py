"""What everything of a node stands on: settings, clock, ids, the store and the log."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import apsw

from sekisho.durable import Store
from sekisho.entrypoints import action_policies, control
from sekisho.entrypoints.rates import rates_of
from sekisho.entrypoints.secret import make_secret, signing_key
from sekisho.entrypoints.settings import Settings
from sekisho.events import ExchangeRates
from sekisho.history import Archive, ImportedPast
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Defer, Ledger, LedgerOptions, OnBatch, sign_checkpoints
from sekisho.restraints import sqlite as restraint_tables
from sekisho.reviews import sqlite as review_tables
from sekisho.rules import ListBook
from sekisho.rules import sqlite as rule_tables
from sekisho.webhooks import sqlite as webhook_tables

Result = TypeVar("Result")
DATABASE: Final = "sekisho.db"
HISTORY: Final = "history"


@dataclass(frozen=True, slots=True)
class Foundation:
    """Opened once; the parts above share it."""

    settings: Settings
    clock: SystemClock
    ids: Ids
    store: Store
    ledger: Ledger
    book: ListBook
    rates: ExchangeRates
    archive: Archive
    past: ImportedPast | None
    """What was imported; None when nothing was."""
    settling: asyncio.Lock
    """Held for a moment by whoever takes a list or counter away, and by whoever relies on one."""

    @property
    def seed(self) -> int:
        """The installation's secret for the keys of counters, so that nobody can make keys meet."""
        return seed_of(self.ledger.installation)

    async def write_soon(self, write: Callable[[apsw.Connection], Result]) -> Result:
        """Write control data without holding the event loop up while the disk works."""
        return await asyncio.wrap_future(self.store.write(write))


def lay(settings: Settings, on_batch: OnBatch, defer: Defer) -> Foundation:
    """Open the data directory, making it when it is new; `defer` runs something later.

    Raises:
        StoreError: it is taken, damaged, or cannot be written.
        HistoryDamaged: imported history is not there.
        SettingsError: a file that settings name cannot be used.
    """
    rates = rates_of(settings)
    clock = SystemClock()
    ids = Ids(clock)
    settings.data.mkdir(parents=True, exist_ok=True)
    store = Store(database_of(settings.data))
    store.migrate(rule_tables.COMPONENT, rule_tables.MIGRATIONS)
    store.migrate(control.COMPONENT, control.MIGRATIONS)
    store.migrate(restraint_tables.COMPONENT, restraint_tables.MIGRATIONS)
    store.migrate(review_tables.COMPONENT, review_tables.MIGRATIONS)
    store.migrate(webhook_tables.COMPONENT, webhook_tables.MIGRATIONS)
    store.migrate(action_policies.COMPONENT, action_policies.MIGRATIONS)
    made = make_secret(settings)
    key = signing_key(settings)
    if made:
        sign_checkpoints(store.path, key)
    options = LedgerOptions(key_hours=settings.idempotency_hours, signing_key=key)
    ledger = Ledger(store, on_batch, clock=clock, ids=ids, options=options, defer=defer)
    archive = Archive(history_of(settings.data))
    return Foundation(
        settings,
        clock,
        ids,
        store,
        ledger,
        ListBook(),
        rates,
        archive,
        ImportedPast(archive) if archive.imported else None,
        asyncio.Lock(),
    )


IMPORTED: Final = "history.imported"
"""Rows of the log that tell of an import."""


def history_of(data: Path) -> Path:
    """Where a data directory keeps its history in columns."""
    return data / HISTORY


def seed_of(installation: str) -> int:
    """The secret of an installation for the keys of counters."""
    digest = hashlib.sha256(f"counters {installation}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def database_of(data: Path) -> Path:
    """Where a data directory keeps its log."""
    return data / DATABASE
