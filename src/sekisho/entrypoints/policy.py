"""What is in force: catalogue, rule set, counters; and how it changes while events go on."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import apsw

from sekisho.actions import Policies
from sekisho.collect import Profiles, TableSpec
from sekisho.entrypoints import control
from sekisho.entrypoints.chronicle import Chronicle
from sekisho.entrypoints.counter_filling import Backfill, CounterFilling
from sekisho.entrypoints.declared import Declared, counter_attribute, declare_kept, no_counter
from sekisho.entrypoints.foundation import Foundation
from sekisho.entrypoints.in_force import INITIAL, SHADOW, context_for, in_force, specs_of
from sekisho.entrypoints.refusals import HttpRefusal, as_dicts
from sekisho.entrypoints.rulesets_told import draft_told
from sekisho.entrypoints.snapshots import IMPORTS, SNAPSHOT
from sekisho.entrypoints.versions import found_draft, found_published, found_shadow
from sekisho.events import ReceiveContext, default_catalogue
from sekisho.flow import Checkpoint, Folder, Live
from sekisho.history import count_imported
from sekisho.kit.clock import iso
from sekisho.rules import (
    DraftRule,
    HoldoutPlan,
    RuleSet,
    StoredRule,
    assemble,
    build_ruleset,
    builtin_rules,
    draft_rules,
    restore,
    with_beside,
)
from sekisho.rules import sqlite as tables
from sekisho.rules.ruleset import store_rule
from sekisho.rules.shadow_tables import end_shadow, load_shadow, publish_shadow, put_in_shadow
from sekisho.rules.sqlite import Draft, Published
from sekisho.scoring import Scorecard
from sekisho.velocity import Counters, CounterSpec, parse_counter

PATIENCE_S: Final = 2.0
"""How long declaring a counter waits for its backfill before it answers `backfilling`."""


class Policy:
    """Owns the catalogue, the rule set and the counters of a node.

    Decisions read `live`, `counters` and `context`; each is replaced as a whole, on the owner's
    thread.
    """

    def __init__(self, base: Foundation, profiles: Profiles) -> None:
        self._base = base
        self._profiles = profiles
        self.chronicle = Chronicle(base)
        self._checkpoint: Checkpoint | None = None
        self._scorecard = Scorecard(default_catalogue())
        self.declared: dict[str, Declared] = {}
        self._changing = asyncio.Lock()
        self._checked_draft: tuple[list[DraftRule], list[StoredRule]] = ([], [])
        self._coming: Sequence[StoredRule] = ()  # rules that a publication under way will bring
        self.catalogue = default_catalogue()
        self.live: Live
        self.counters: Counters
        self.context: ReceiveContext
        self.acting: Policies | None = None
        """Action policies: what they read must be there, too."""

    # ── starting ────────────────────────────────────────────────────────────────────────────────

    def load(self) -> None:
        """Bring back what was in force: declarations, rule set, counters from snapshot and log."""
        base = self._base
        connection = base.store.read()
        for name, declaration in control.all_counters(connection):
            spec = parse_counter(name, declaration, self.catalogue)
            self.declared[name] = Declared(declaration, spec)
            self.catalogue = self.catalogue.extended([counter_attribute(spec)])
        self.catalogue = self.catalogue.extended(declare_kept(self._profiles, connection))
        candidate = load_shadow(connection)
        ruleset = with_beside(
            self._compiled(tables.load_published(connection)),
            self._compiled(candidate) if candidate else None,
        )
        self._put_in_force(ruleset)
        self.counters = self._fresh_counters(ruleset)
        start = self._restore()
        if start is None:
            start = 0
            now_us = base.clock.now_us()
            count_imported(base.archive, self.counters, self.context, now_us)
        folder = Folder(base.ledger, self.context, base.past)
        for row in base.ledger.read_from(start + 1):
            folder.fold(self.counters, row, row.seq)

    def serve(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint supplied with what is in force from now on, and the log told of it."""
        self._checkpoint = checkpoint
        declared = {name: one.declaration for name, one in self.declared.items()}
        self.chronicle.begin(checkpoint, self.live, declared, self._profiles.declarations())

    def _restore(self) -> int | None:
        """Fill the counters from the newest snapshot of all they need; the row it reaches."""
        kept = self._base.ledger.load_snapshot(SNAPSHOT)
        if kept is None:
            return None
        if kept.parts.get(IMPORTS, b"") != self._base.archive.imports_digest:
            return None
        arrays = {name: part for name, part in kept.parts.items() if not isinstance(part, bytes)}
        if self.counters.restore(arrays):  # pyright: ignore[reportArgumentType] — saved as words
            return kept.seq
        self.counters = self._fresh_counters(self.live.ruleset)
        return None

    # ── rule sets ───────────────────────────────────────────────────────────────────────────────

    async def save_draft(
        self, rules: Sequence[DraftRule], author: str, holdout: HoldoutPlan | None = None
    ) -> dict[str, Any]:
        """Check and keep a draft.

        Raises:
            RulesRefused: it has errors.
            ValueError: its settings do not go together.
        """
        now_us = self._base.clock.now_us()
        draft = Draft(rules, holdout)
        if holdout is not None and (wrong := holdout.problem()):
            raise ValueError(wrong)
        while True:
            told, stored = await asyncio.to_thread(self._check_draft, draft)
            async with self._base.settling:
                if self._are_there(stored):
                    write = partial(tables.save_draft, draft=draft, author=author, at_us=now_us)
                    await self._base.write_soon(write)
                    self._checked_draft = list(rules), stored
                    return {**told, "author": author, "saved_at": iso(now_us)}

    def draft(self) -> dict[str, Any] | None:
        """The draft as told, or None."""
        draft = tables.load_draft(self._base.store.read())
        return None if draft is None else self._check_draft(draft)[0]

    async def publish(self, author: str, note: str) -> Published:
        """Put the draft in force, after filling the counters it newly reads.

        Raises:
            RulesRefused: it no longer checks.
            HttpRefusal: there is no draft.
        """
        async with self._changing:
            try:
                published = await self._drafted((author, note), self._next_number())
                ruleset = await asyncio.to_thread(self._compiled, published)
                await self._bring(
                    with_beside(ruleset, self._candidate),
                    partial(tables.publish, published=published),
                )
            finally:
                self._coming = ()
            return published

    # ── a whole set in shadow ───────────────────────────────────────────────────────────────────

    async def put_in_shadow(self, author: str, note: str) -> Published:
        """Judge the draft beside the live set from now on; it takes the place of another.

        Raises:
            RulesRefused: it no longer checks.
            HttpRefusal: there is no draft.
        """
        async with self._changing:
            try:
                candidate = await self._drafted((author, note), SHADOW)
                compiled = await asyncio.to_thread(self._compiled, candidate)
                write = partial(put_in_shadow, candidate=candidate)
                await self._bring(with_beside(self._alone(), compiled), write)
            finally:
                self._coming = ()
            return candidate

    async def end_shadow(self) -> Published:
        """Stop judging the set in shadow.

        Raises:
            HttpRefusal: there is none.
        """
        async with self._changing:
            ended = found_shadow(self._base.store.read())
            await self._bring(self._alone(), end_shadow)
            return ended

    async def publish_shadow(self, author: str, note: str) -> Published:
        """Put the set in shadow in force; its rules keep their ids, the draft stays as it is.

        Raises:
            HttpRefusal: there is none.
        """
        async with self._changing:
            one = found_shadow(self._base.store.read())
            number, now_us = self._next_number(), self._base.clock.now_us()
            version = one.version.replace(f"rs_{SHADOW}_", f"rs_{number}_")
            said = (author, note or one.note)
            published = Published(number, version, now_us, *said, one.rules, one.holdout)
            ruleset = await asyncio.to_thread(self._compiled, published)
            await self._bring(ruleset, partial(publish_shadow, published=published))
            return published

    @property
    def _candidate(self) -> RuleSet | None:
        beside = self.live.ruleset.beside
        return beside.ruleset if beside else None

    def _alone(self) -> RuleSet:
        """The live set with none beside it."""
        return self._compiled(tables.load_published(self._base.store.read()))

    async def _drafted(self, said: tuple[str, str], number: int | str) -> Published:
        """The draft with the ids of its rules, as a version of that number.

        Raises:
            RulesRefused: it no longer checks.
            HttpRefusal: there is no draft.
        """
        draft = found_draft(self._base.store.read())
        now_us = self._base.clock.now_us()
        stored = await self._settled(draft.rules, now_us)
        kept = tuple(tables.kept_rule(one) for one in stored)
        digest = hashlib.sha256(repr((kept, draft.holdout)).encode()).hexdigest()[:8]
        place = 0 if isinstance(number, str) else number
        return Published(place, f"rs_{number}_{digest}", now_us, *said, kept, draft.holdout)

    async def _bring(self, ruleset: RuleSet, write: Callable[[apsw.Connection], None]) -> None:
        """Fill the counters that a set newly reads, keep the change, and put the set in force."""
        filling = await self._fill(ruleset, list(self.declared.values()))
        await self._base.write_soon(write)
        self._swap(filling, ruleset)

    async def _settled(self, drafts: Sequence[DraftRule], now_us: int) -> list[StoredRule]:
        """The rules of a draft with their ids; from now on nothing that they read may go.

        Raises:
            RulesRefused: they no longer check.
        """
        base = self._base
        while True:
            ids = iter([base.ids.new("rule") for _ in drafts])
            stored = await asyncio.to_thread(
                assemble,
                drafts,
                self.catalogue,
                base.book.types,
                ids.__next__,
                before=self._lasting(),
                now_us=now_us,
            )
            async with base.settling:
                if self._are_there(stored):
                    self._coming = stored
                    return stored

    def published(self) -> Iterator[Published]:
        """Every version, newest first."""
        return tables.all_published(self._base.store.read())

    def ruleset_of(self, version: str) -> RuleSet | None:
        """The compiled rule set of a version, for explanations."""
        for known in (self.live.ruleset, self._candidate):
            if known is not None and version == known.version:
                return known
        found = tables.load_published(self._base.store.read(), version)
        return self._compiled(found) if found or version == INITIAL else None

    def rules_of(self, version: str) -> Sequence[DraftRule]:
        """Rules of `draft`, `live`, `shadow` or a version, with ids where they have one."""
        if version == "draft":
            draft = tables.load_draft(self._base.store.read())
            return draft.rules if draft else ()
        if version == SHADOW:
            return [tables.drafted(one) for one in found_shadow(self._base.store.read()).rules]
        if version == "live":
            written = [one for one in self.live.ruleset.rules if not one.builtin]
            return [tables.drafted(tables.kept_rule(one)) for one in written]
        return [
            tables.drafted(one) for one in found_published(self._base.store.read(), version).rules
        ]

    def rules_using(self, alias: str) -> list[str]:
        """Rules in force or drafted that look into a list."""
        used = self._named(lambda rule: alias in rule.lists and not rule.builtin)
        return used + (["an action policy"] if self.acting and alias in self.acting.lists else [])

    def rules_reading(self, name: str) -> list[str]:
        """Rules in force or drafted that read an attribute."""
        used = self._named(lambda rule: name in rule.fields)
        return used + (["an action policy"] if self.acting and name in self.acting.fields else [])

    def _named(self, wanted: Callable[[StoredRule], bool]) -> list[str]:
        drafted = [f"the draft ({r.rule.text})" for r in self._draft_rules() if wanted(r)]
        return [rule.id for rule in self._lasting() if wanted(rule)] + drafted

    def _lasting(self) -> list[StoredRule]:
        """Rules in force or in shadow, and those about to be."""
        candidate = self._candidate
        beside = candidate.rules if candidate else ()
        known = (*beside, *self.live.ruleset.rules, *self._coming)
        return list({one.id: one for one in known}.values())

    def _draft_rules(self) -> list[StoredRule]:
        """The rules of the draft with what they read; checked again only when it changed."""
        draft = tables.load_draft(self._base.store.read())
        drafts = list(draft.rules) if draft else []
        if self._checked_draft[0] != drafts:
            stored = assemble(drafts, self.catalogue, self._base.book.types, lambda: "draft")
            self._checked_draft = drafts, stored
        return self._checked_draft[1]

    def _are_there(self, rules: Sequence[StoredRule]) -> bool:
        """Whether every list and attribute that checked rules read is still there."""
        lists = frozenset[str]().union(*(one.lists for one in rules))
        fields = frozenset[str]().union(*(one.fields for one in rules))
        named = {name for name in fields if not name.startswith("::")}
        return lists <= self._base.book.types.keys() and named <= self.catalogue.keys()

    def _next_number(self) -> int:
        newest = tables.load_published(self._base.store.read())
        return newest.number + 1 if newest else 1

    def _compiled(self, published: Published | None) -> RuleSet:
        types = self._base.book.types
        builtin = builtin_rules(self.catalogue, types)
        if published is None:
            return build_ruleset(INITIAL, (), builtin)
        kept = [(tables.drafted(one), one.created_us) for one in published.rules]
        stored = restore(kept, self.catalogue, types)
        return build_ruleset(published.version, stored, builtin, published.holdout)

    def _check_draft(self, draft: Draft) -> tuple[dict[str, Any], list[StoredRule]]:
        """A draft as told, and its rules with what they read."""
        rules = draft.rules
        checked, warnings = draft_rules(rules, self.catalogue, self._base.book.types)
        stored = [store_rule(rule, self.catalogue, "draft", 0) for rule in checked]
        found = {one.index: as_dicts(one.diagnostics) for one in warnings}
        return draft_told(draft, found), stored

    # ── counters ────────────────────────────────────────────────────────────────────────────────

    async def declare(self, name: str, declaration: dict[str, Any]) -> dict[str, Any]:
        """Declare a counter; it goes live once it is filled from history.

        Raises:
            CounterRefused: it is not a counter.
            HttpRefusal: the name is taken by a counter that rules read and that counts otherwise.
        """
        spec = parse_counter(name, declaration, default_catalogue())
        now_us = self._base.clock.now_us()
        imported = sum(one.rows for one in self._base.archive.imported)
        entry = Declared(declaration, spec, Backfill(imported + self._base.ledger.last_seq))
        async with self._base.settling:
            known = self.declared.get(name)
            if known is not None and known.spec == spec:
                return known.told(name)
            if known is not None and self.rules_reading(name):
                raise HttpRefusal(
                    409,
                    "counter_in_use",
                    f"rules read the counter `{name}`: declare the new one under another name",
                )
            write = partial(control.save_counter, name=name, declaration=declaration, now_us=now_us)
            await self._base.write_soon(write)
            self.declared[name] = entry
        filling = asyncio.ensure_future(self._go_live(entry))
        await asyncio.wait([filling], timeout=PATIENCE_S)
        return entry.told(name)

    def counter(self, name: str) -> dict[str, Any]:
        """A declared counter as told.

        Raises:
            HttpRefusal: 404 when there is none of that name.
        """
        if name not in self.declared:
            raise no_counter(name)
        return self.declared[name].told(name)

    async def forget(self, name: str) -> None:
        """Remove a counter that no rule reads.

        Raises:
            HttpRefusal: there is none, or rules read it.
        """
        async with self._changing:
            async with self._base.settling:
                if name not in self.declared:
                    raise no_counter(name)
                users = sorted(self.rules_reading(name))
                if users:
                    raise HttpRefusal(
                        400,
                        "counter_in_use",
                        f"the counter `{name}` is read by {', '.join(users)}:"
                        " change these rules first",
                    )
                await self._base.write_soon(lambda c: control.delete_counter(c, name))
                del self.declared[name]
                kept = [one for one in self.declared.values() if one.backfill is None]
                counted = [counter_attribute(one.spec) for one in kept]
                self.catalogue = default_catalogue().extended([*counted, *self._profiles.specs()])
            self._swap(await self._fill(self.live.ruleset, kept), self.live.ruleset)

    async def _go_live(self, entry: Declared) -> None:
        try:
            async with self._changing:
                if self.declared.get(entry.spec.name) is not entry:
                    return  # removed or declared anew meanwhile
                live = [one for one in self.declared.values() if one.backfill is None]
                filling = await self._fill(self.live.ruleset, [*live, entry], entry.backfill)
                self.catalogue = self.catalogue.extended([counter_attribute(entry.spec)])
                entry.backfill = None
                self._swap(filling, self.live.ruleset)
        except Exception as error:  # noqa: BLE001 — told with the counter; the next start tries again
            if entry.backfill is not None:
                entry.backfill.error = str(error)

    async def _fill(
        self, ruleset: RuleSet, declared: Iterable[Declared], progress: Backfill | None = None
    ) -> CounterFilling | None:
        """Begin to fill the counters that a rule set and declarations need; None for those kept."""
        specs = self._specs(ruleset, declared)
        if {repr(one) for one in specs} == {repr(one) for one in self.counters.specs}:
            return None
        fresh = self.counters.with_specs(specs)
        fields = ruleset.fields | self._scorecard.fields
        context = context_for(self.catalogue, fields, specs, self._base.rates)
        filling = CounterFilling(fresh, self._base, context)
        await asyncio.to_thread(filling.read_history, progress)
        return filling

    def _swap(self, filling: CounterFilling | None, ruleset: RuleSet) -> None:
        """Put filled counters and a rule set in force, in one step between two events.

        In between, an event would be counted by the new counters from a record made for the old.
        """
        if filling is not None:
            self.counters = filling.finish(self.counters, self._checkpoint)
            if self._checkpoint is not None:
                self._checkpoint.parts.counters = self.counters
        self._put_in_force(ruleset)

    def _fresh_counters(self, ruleset: RuleSet) -> Counters:
        specs = self._specs(ruleset, self.declared.values())
        return Counters(specs, self.catalogue, self._base.seed)

    def _specs(self, ruleset: RuleSet, declared: Iterable[Declared]) -> list[CounterSpec]:
        return specs_of(ruleset, self._scorecard, [one.spec for one in declared])

    async def declare_table(self, spec: TableSpec) -> None:
        """Declare profiles or a parameter, or more attributes of one; rules may read them now.

        Raises:
            ProfileRefused: it is declared otherwise already.
        """
        async with self._changing:
            whole = self._profiles.with_table(spec)
            await self._base.write_soon(control.saving_table(whole, self._base.clock.now_us()))
            self._profiles.declare(whole)
            self.catalogue = self.catalogue.extended(self._profiles.specs())
            self._put_in_force(self.live.ruleset)

    def _put_in_force(self, ruleset: RuleSet) -> None:
        declared = {name: one for name, one in self.declared.items() if one.backfill is None}
        self._force = in_force(
            self.catalogue,
            ruleset,
            self._scorecard,
            [one.spec for one in declared.values()],
            self._base.rates,
        )
        self.live, self.context = self._force.live, self._force.context
        self._profiles.focus(frozenset(self.live.reported))
        if self._checkpoint is not None:
            self._checkpoint.parts.live = self.live
            self._checkpoint.parts.context = self.context
            self._checkpoint.parts.door = self.door
            self.chronicle.tell_tables(self._profiles.declarations())
            self.chronicle.tell_rules(ruleset)
            self.chronicle.tell_counters({name: one.declaration for name, one in declared.items()})

    @property
    def door(self) -> ReceiveContext:
        """The context of an event to be decided."""
        wanted = self.acting.fields if self.acting else frozenset[str]()
        return self._force.door(self._profiles.keys() | wanted)
