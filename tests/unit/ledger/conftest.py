"""A ledger in a temporary directory, its clock, and entries to record."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sekisho.durable import OutboxRow, Store, StoreOptions
from sekisho.kit.clock import ManualClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Entry, IdempotencyKey, Ledger, LedgerOptions

START_US = 1_800_000_000_000_000


@dataclass
class Desk:
    """A ledger with its store, and what its owner was told."""

    directory: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START_US))
    told: list[tuple[list[Entry], Exception | None]] = field(default_factory=list)
    store_options: StoreOptions = field(default_factory=StoreOptions)
    options: LedgerOptions = field(default_factory=LedgerOptions)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.store = Store(self.directory / "ledger.db", self.store_options)
        ids = Ids(self.clock, random.Random(7).randbytes)
        self.ledger = Ledger(
            self.store, self.on_batch, clock=self.clock, ids=ids, options=self.options
        )

    def on_batch(self, entries: Sequence[Entry], error: Exception | None) -> None:
        self.told.append((list(entries), error))

    def close(self) -> None:
        if self.ledger.poisoned is None:
            self.ledger.close()
        self.store.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def settle(self) -> None:
        """Wait until everything appended so far was told about."""
        self.store.write(lambda _: None).result()

    def decision(self, number: int, key: str | None = None, outbox: int = 0) -> Entry:
        now_us = self.clock.now_us()
        return Entry(
            "decision",
            f"pay_{number}",
            "payment",
            now_us - 5,
            now_us,
            b'{"id":"pay_%d"}' % number,
            b'{"object":"decision","event":"pay_%d"}' % number,
            200,
            f"dec_{number:06d}",
            IdempotencyKey("acct/decisions", key, b"digest of body") if key else None,
            tuple(OutboxRow(f"act_{number}_{n}", "webhook", b"{}") for n in range(outbox)),
        )


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(**options: object) -> Desk:
        desk = Desk(tmp_path, **options)  # type: ignore[arg-type] — passed on
        desks.append(desk)
        return desk

    yield make
    for desk in desks:
        desk.store.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture(scope="session")
def sealed_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a closed ledger of 2500 rows: copy them before touching them."""
    desk = Desk(tmp_path_factory.mktemp("sealed"))
    for n in range(2500):
        desk.ledger.append(desk.decision(n))
        if n % 500 == 0:
            desk.settle()
    desk.close()
    return desk.directory
