"""One running Sekisho: the store, the checkpoint and the control data around it."""

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeVar

import apsw

from sekisho.actions import Policies
from sekisho.actions.shipped import Lists, Records, Webhooks
from sekisho.collect import Profile, Profiles, load_ip_table
from sekisho.durable import outbox_of
from sekisho.egress import Egress
from sekisho.entrypoints import control
from sekisho.entrypoints.acting import Acting
from sekisho.entrypoints.action_telemetry import ActionTelemetry
from sekisho.entrypoints.connecting import connected
from sekisho.entrypoints.foundation import lay
from sekisho.entrypoints.keys import DEV_KEY, SCOPES, ApiKey, Keyring, RateLimiter, digest_of
from sekisho.entrypoints.list_filling import ListFiller
from sekisho.entrypoints.policy import Policy
from sekisho.entrypoints.profile_desk import ProfileDesk, Pushed
from sekisho.entrypoints.secret import holdout_key, webhook_root
from sekisho.entrypoints.settings import Settings
from sekisho.entrypoints.snapshots import CounterKeeper
from sekisho.entrypoints.telemetry import Metrics, Telemetry
from sekisho.flow import HOLDOUT_ROWS, Asking, Checkpoint, Done, Holdout, Parts, Reply
from sekisho.ledger import Entry
from sekisho.restraints import drop_lapsed
from sekisho.rules import Change, ListDesk
from sekisho.webhooks import EndpointDesk, EndpointKeys

Result = TypeVar("Result")
HOUR_US: Final = 3_600_000_000

Post = Callable[[Callable[[], None]], None]
"""Runs something later on the thread that owns the checkpoint; `_defer` is called on it only."""


class Node:
    """Everything of one installation, owned by one thread.

    Made by `wiring.open_node`. The ledger's writer thread hands finished batches to `post`, which
    brings them to
    the owner: an event loop, or `LocalOwner` for commands and tests.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.owner = LocalOwner()
        self._turn: deque[Callable[[], None]] = deque()
        self._post: Post = self.owner.post
        self._defer: Post = self.owner.post
        base = lay(settings, self._batch_ended, self.at_turns_end)
        self.base, self.clock, self.ids = base, base.clock, base.ids
        self.store, self.ledger, self.book = base.store, base.ledger, base.book
        self.profiles = Profiles()
        self.policy = Policy(base, self.profiles)
        self._keeper = CounterKeeper(base)
        self.desk = ListDesk(self.book, self.ids, self.clock, self.policy.rules_using)
        self.filler = ListFiller(base, self.desk)
        self.egress = Egress(settings.egress_policy())
        self.endpoints = EndpointDesk(self.ids, self.clock)
        self.endpoint_keys = EndpointKeys(webhook_root(settings))
        self._load_control()
        self.policy.load()
        self.known = ProfileDesk(base, self.profiles)
        self.known.load()
        self.metrics = Metrics(
            lambda: self.checkpoint.pending, lambda: self.policy.counters.held_events
        )
        self.acting = Acting(
            base, self.policy, ActionTelemetry(self.metrics.actions), self._offered()
        )
        self.acting.apply = self._act_by
        self.policy.acting = self.acting.policies
        self.limiter = RateLimiter(self.clock, settings.rate_limit_per_s)
        self.checkpoint = Checkpoint(self._parts())
        self.policy.serve(self.checkpoint)
        self.known.serve(self.checkpoint)
        self.owner.run_until(lambda: self.checkpoint.pending == 0)
        self.checkpoint.watch(Telemetry(self.metrics, settings.trace_ratio, random.random))
        self.loop: asyncio.AbstractEventLoop
        self.ready = False
        self.folding = asyncio.Lock()
        """Held by whoever brings the archive up to date and reads it."""
        self.running: dict[tuple[str, str], bytes] = {}
        self._request_stem = secrets.token_hex(5)
        self._requests = 0

    # ── running ─────────────────────────────────────────────────────────────────────────────────

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let an event loop own the checkpoint from now on."""
        self.loop = loop

        def post(run: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(run)

        self._post = post

        def defer(run: Callable[[], None]) -> None:
            loop.call_soon(run)

        self._defer = defer
        self.ready = True

    def detach(self) -> None:
        """Bring what still finishes to the local owner again."""
        self._post = self._defer = self.owner.post
        self.ledger.hand_over()
        self.ready = False

    def at_turns_end(self, run: Callable[[], None]) -> None:
        """Run something on the owner's thread after what it is doing now."""
        self._turn.append(run)
        if len(self._turn) == 1:
            self._defer(self._end_turn)

    def _end_turn(self) -> None:
        try:
            while self._turn:  # entries are handed over after all decisions that have arrived
                self._turn.popleft()()
        finally:
            if self._turn:  # one went wrong: the others are not to suffer
                self._defer(self._end_turn)

    def request_id(self) -> bytes:
        """A fresh id for the `Request-Id` header."""
        self._requests += 1
        return b"req_%s%08x" % (self._request_stem.encode(), self._requests)

    def decide(self, body: bytes, asking: Asking = Asking()) -> Reply:  # noqa: B008 — frozen
        """Decide and wait until the answer is durable; for commands and tests, without a loop.

        Raises:
            Exception: why there is no answer.
        """
        return self._wait(self.checkpoint.decide, body, asking)

    def report(self, body: bytes, asking: Asking = Asking()) -> Reply:  # noqa: B008 — frozen
        """Record an outcome and wait until it is durable."""
        return self._wait(self.checkpoint.report, body, asking)

    def push(self, name: str, profiles: Sequence[Profile], at_us: int | None = None) -> Pushed:
        """Push profiles and wait until they are durable; without a loop, as `decide`.

        Raises:
            ProfileRefused: something does not fit, and nothing was taken.
            Refusal: the log did not take all.
        """
        results: list[Pushed | Exception] = []
        checked = self.known.check(name, profiles)
        self.known.push(name, checked, self.known.moment(at_us), results.append)
        self.owner.run_until(lambda: bool(results))
        result = results[0]
        if isinstance(result, Exception):
            raise result
        return result

    def change(self, change: Change[Result]) -> Result:
        """Carry out a change of control data and wait for it."""
        result = self.store.write(change.write).result()
        change.apply(result)
        return result

    async def change_soon(self, change: Change[Result]) -> Result:
        """Carry out a change without holding the loop up while the disk works."""
        if change.takes_away:
            async with self.base.settling:
                result = await self.base.write_soon(change.write)
                change.apply(result)
                return result
        result = await self.base.write_soon(change.write)
        change.apply(result)
        return result

    async def tidy(self) -> None:
        """Drop what has expired: old ids from memory, old answers and list items from disk."""
        now_us = self.clock.now_us()
        await asyncio.to_thread(self.ledger.tidy)
        hours = self.settings.idempotency_hours

        def drop(connection: apsw.Connection) -> None:
            control.prune_answers(connection, now_us - hours * HOUR_US)
            self.desk.drop_expired(connection)
            drop_lapsed(connection, now_us)

        await self.base.write_soon(drop)
        await self.acting.tidy()

    def close(self) -> None:
        """Finish what is under way, keep the counters and close the store."""
        self.detach()
        self.owner.run_until(lambda: self.checkpoint.pending == 0)
        self.ledger.close()
        self._keeper.save(self.policy.counters)
        self.known.save()
        self.store.close()

    def _wait(
        self, submit: Callable[[bytes, Asking, Done], None], body: bytes, asking: Asking
    ) -> Reply:
        results: list[Reply | Exception] = []
        submit(body, asking, results.append)
        self.owner.run_until(lambda: bool(results))
        result = results[0]
        if isinstance(result, Exception):
            raise result
        return result

    def _batch_ended(self, entries: Sequence[Entry], error: Exception | None) -> None:
        self._post(partial(self._settle, entries, error))

    def _settle(self, entries: Sequence[Entry], error: Exception | None) -> None:
        self.checkpoint.settle(entries, error)
        if error is None:
            newest_us = max((one.at_us for one in entries if one.kind != "control"), default=0)
            self._keeper.after_batch(self.checkpoint, len(entries), newest_us)
            self.acting.recorded(entries)

    def _offered(self) -> tuple[object, ...]:
        """What kinds of action may use."""
        return (
            *connected(self.settings, self.egress),
            Records(self.store.read, self.base.write_soon, self.clock),
            Lists(self.desk, self.change_soon),
            Webhooks(self.egress, self.endpoint_keys),
        )

    def _act_by(self, policies: Policies) -> None:
        """Let decisions ask for actions by these policies from now on."""
        self.policy.acting = policies
        self.checkpoint.parts.acting = policies
        self.checkpoint.parts.door = self.policy.door

    # ── loading ─────────────────────────────────────────────────────────────────────────────────

    def _load_control(self) -> None:
        now_us = self.clock.now_us()
        self.store.write(self.desk.make_defaults).result()
        self.store.write(self.desk.drop_expired).result()
        if self.settings.dev:
            key = ApiKey(
                "key_dev",
                "developer mode",
                digest_of(DEV_KEY),
                "sk_test_…",
                frozenset(SCOPES),
                now_us,
            )
            self.store.write(lambda connection: control.insert_key(connection, key)).result()
        connection = self.store.read()
        self.desk.load(connection)
        keys = control.all_keys(connection)
        self.keyring = Keyring([key for key in keys if self.settings.dev or key.id != "key_dev"])

    def _parts(self) -> Parts:
        return Parts(
            live=self.policy.live,
            counters=self.policy.counters,
            lists=self.book,
            profiles=self.profiles,
            ledger=self.ledger,
            clock=self.clock,
            ids=self.ids,
            context=self.policy.context,
            door=self.policy.door,
            past=self.base.past,
            acting=self.acting.policies,
            holdout=self._holdout(),
            max_pending=self.settings.max_pending,
            ip_table=load_ip_table(table) if (table := self.settings.ip_table) else None,
        )

    def _holdout(self) -> Holdout:
        """What has passed today counts on, whatever the process."""
        holdout = Holdout(holdout_key(self.settings))
        holdout.restore(outbox_of(self.store.read(), HOLDOUT_ROWS), self.clock.now_us())
        return holdout


class LocalOwner:
    """Stands in for an event loop: whoever waits runs what was posted."""

    def __init__(self) -> None:
        self._posted: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def post(self, run: Callable[[], None]) -> None:
        """Leave something to run; called from the writer thread."""
        self._posted.put(run)

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Run what is posted until a condition holds."""
        while not is_done():
            self._posted.get()()
