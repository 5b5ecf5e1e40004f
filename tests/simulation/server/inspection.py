"""Looks at what a crash left behind: the log, what was acknowledged, and every counter."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

from harness import Witness, opened
from recount import Recount

from sekisho.durable import Store
from sekisho.entrypoints.foundation import database_of
from sekisho.entrypoints.snapshots import SNAPSHOT
from sekisho.flow import Folder
from sekisho.kit.clock import SystemClock
from sekisho.kit.ids import Ids
from sekisho.ledger import Ledger, verify
from sekisho.velocity import Counters

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.entrypoints.node import Node


class Inspector:
    """Looks at a data directory after each crash, in a copy, and remembers what it counted."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.recount: Recount | None = None
        self.tails: list[int] = []

    def inspect(self, data: Path) -> list[str]:
        """Everything that is wrong; the directory itself stays as the crash left it."""
        copy = data.with_name(data.name + "-copy")
        shutil.copytree(data, copy)
        wrong = self.look(copy)
        shutil.rmtree(copy)
        return wrong

    def look(self, data: Path) -> list[str]:
        """The same, in the directory itself."""
        report = verify(database_of(data))
        if not report.ok:
            return [report.reason, *self._without_recount(data)]
        with closing(opened(data)) as node:
            return [*self.witness.wrong, *self.witness.missing(node.ledger), *self._recounted(node)]

    def _without_recount(self, data: Path) -> list[str]:
        """A log that is not whole cannot be folded; its answers can be looked for."""
        store = Store(database_of(data))
        clock = SystemClock()
        ledger = Ledger(store, lambda _entries, _error: None, clock=clock, ids=Ids(clock))
        wrong = self.witness.missing(ledger)
        store.close()
        return wrong

    def _recounted(self, node: Node) -> list[str]:
        snapshot = node.ledger.load_snapshot(SNAPSHOT)
        self.tails.append(node.ledger.last_seq - (snapshot.seq if snapshot else 0))
        if self.recount is None or self.recount.version != node.policy.live.counters:
            self.recount = Recount(node)
        wrong = self.recount.follow(node.ledger.read_from(self.recount.seq + 1))
        wrong += self.recount.compare(node.policy.counters)
        wrong += self.recount.compare(from_scratch(node))
        return wrong


def from_scratch(node: Node) -> Counters:
    """The node's counters, folded by its own fold from the first row on."""
    policy = node.policy
    counters = Counters(policy.counters.specs, policy.catalogue, node.base.seed)
    folder = Folder(node.ledger, policy.context)
    for row in node.ledger.read_from():
        folder.fold(counters, row, row.seq)
    return counters
