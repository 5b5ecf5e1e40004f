"""The actions of a node: what is installed, what policies ask for, who carries it out."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from sekisho.actions import (
    POLICY,
    ActionDesk,
    ActionPolicy,
    Attempts,
    Bus,
    Conditions,
    Executor,
    ExecutorOptions,
    Frequency,
    Limits,
    Policies,
    PoliciesRefused,
    RemoteAttempts,
    Services,
    Traffic,
    Watch,
    installed_kinds,
)
from sekisho.durable import Depths
from sekisho.durable.sqlite import SqliteQueue
from sekisho.entrypoints import action_policies as tables
from sekisho.entrypoints.action_policies import KeptPolicies
from sekisho.entrypoints.bridging import Bridge
from sekisho.entrypoints.foundation import Foundation
from sekisho.entrypoints.policy import Policy
from sekisho.events import is_counter
from sekisho.ledger import Entry

DAY_US: Final = 86_400_000_000
CONVERTED: Final = "amount_in_"


class Acting:
    """Owns the queue, the executor, the desk and the policies of a node.

    Args:
        base: the store and the clock.
        policy: what is in force; told which attributes the action policies read.
        watch: told of attempts.
        offered: services that kinds may ask for.
    """

    def __init__(
        self, base: Foundation, policy: Policy, watch: Watch, offered: Sequence[object] = ()
    ) -> None:
        settings = base.settings
        self._base = base
        self._policy = policy
        self.conditions = Conditions(lambda: policy.catalogue, base.book)
        self.services = Services(*offered)
        self.services.offer(Conditions, self.conditions)
        self.kinds = installed_kinds(self.services)
        self.queue = SqliteQueue(base.store)
        limits = Limits(settings.action_rate_per_s, settings.action_rate_per_s)
        self.traffic = Traffic(limits)
        owner = base.ids.new("proc")
        given = (self.kinds, self.traffic, base.clock, random.random, owner)
        attempts = Attempts(*given)
        self._bridge: Bridge | None = None
        if settings.broker:
            self._bridge = Bridge(settings, owner, self.kinds)
            self.services.offer(Bus, Bus(self._bridge.broker))
            attempts = self._bridge.attempts = RemoteAttempts(*given, handing=self._bridge.handing)
        options = ExecutorOptions(concurrency=settings.action_concurrency)
        self.executor = Executor(self.queue, attempts, base.clock, watch, owner, options)
        self.desk = ActionDesk(self.queue, self.kinds, base.clock, self.executor.wake)
        self._frequency = Frequency()
        self._task: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self.in_force = tables.newest(base.store.read()) or tables.NONE
        self.policies = self._compiled(self.in_force.policies, is_kept=True)
        self.apply: Callable[[Policies], None] = lambda _policies: None
        """Puts policies in force where decisions are made; set by the node."""

    # ── running ─────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Carry actions out from now on, on the running event loop."""
        self._task = asyncio.create_task(self.executor.run())
        if self._bridge:
            self._bridge.begin(self.desk, self._base.clock)

    async def end(self) -> None:
        """Start no more; what is under way gets a few seconds."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._bridge:
            await self._bridge.end()

    def recorded(self, entries: Sequence[Entry]) -> None:
        """Entries are on disk: look after their actions, if they have any."""
        if any(not row.is_note for entry in entries for row in entry.outbox):
            self.executor.wake()

    async def restore(self) -> None:
        """Take in how often policies asked before this process."""
        windows = [one.at_most.per_s for one in self.policies.told if one.at_most]
        if windows:
            since_us = self._base.clock.now_us() - max(windows) * 1_000_000
            self._frequency.restore(await self.queue.since(POLICY, since_us))

    async def tidy(self) -> None:
        """Forget actions that have been over for long."""
        kept_us = self._base.settings.action_days * DAY_US
        await self.queue.prune(self._base.clock.now_us() - kept_us)

    async def depths(self) -> Depths:
        """How many actions stand where."""
        return await self.queue.depths()

    # ── policies ────────────────────────────────────────────────────────────────────────────────

    async def publish(self, policies: Sequence[ActionPolicy], author: str) -> KeptPolicies:
        """Put policies in force in place of those before.

        Raises:
            PoliciesRefused: one of them is wrong; those before stay in force.
        """
        async with self._changing:
            compiled = self._compiled(policies, is_kept=False)
            digest = hashlib.sha256(msgspec.json.encode(policies)).hexdigest()[:8]
            number = self.in_force.number + 1
            now_us = self._base.clock.now_us()
            kept = KeptPolicies(number, f"ap_{number}_{digest}", now_us, author, tuple(policies))
            await self._base.write_soon(lambda connection: tables.keep(connection, kept))
            self.in_force, self.policies = kept, compiled
            self.apply(compiled)
            return kept

    def versions(self) -> list[KeptPolicies]:
        """Every version, newest first."""
        return tables.all_versions(self._base.store.read())

    def _compiled(self, policies: Sequence[ActionPolicy], *, is_kept: bool) -> Policies:
        """Policies compiled; those kept from before may read what nothing computes any more."""
        compiled = Policies(policies, self.kinds, self.conditions, self._frequency, is_kept=is_kept)
        if not is_kept:
            self._refuse_unread(compiled)
        return compiled

    def _refuse_unread(self, compiled: Policies) -> None:
        """Counters and conversions are worked out only where a rule or a declaration wants them."""
        live = self._policy.live
        for name in sorted(compiled.fields):
            spec = live.catalogue.get(name)
            if name.startswith("::") or name in live.reported:
                continue
            if spec is None:
                raise PoliciesRefused(f"no attribute `{name}`")
            if is_counter(spec) or name.startswith(CONVERTED):
                raise PoliciesRefused(
                    f"`{name}` is worked out only for rules: let a rule read it, or declare a"
                    " counter"
                )
