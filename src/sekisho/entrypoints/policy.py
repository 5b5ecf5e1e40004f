"""What is in force: catalogue, rule set, counters; and how it changes while events go on."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.entrypoints import control
from sekisho.entrypoints.counter_filling import Backfill, CounterFilling
from sekisho.entrypoints.foundation import Foundation
from sekisho.entrypoints.refusals import HttpRefusal, as_dicts
from sekisho.entrypoints.snapshots import SNAPSHOT
from sekisho.events import (
    CURRENCIES,
    DECLARED_COUNTER_GROUP,
    ReceiveContext,
    default_catalogue,
)
from sekisho.flow import Checkpoint, Folder, Live
from sekisho.kit.clock import iso
from sekisho.language import AttributeSpec, Catalogue, Type, check_condition, fields_of
from sekisho.rules import (
    DraftRule,
    FailurePolicy,
    RuleSet,
    StoredRule,
    assemble,
    build_ruleset,
    builtin_rules,
    draft_rules,
    restore,
)
from sekisho.rules import sqlite as tables
from sekisho.rules.sqlite import KeptRule, Published
from sekisho.scoring import Scorecard
from sekisho.velocity import Counters, CounterSpec, family_spec, parse_counter

PATIENCE_S: Final = 2.0
"""How long declaring a counter waits for its backfill before it answers `backfilling`."""
AMOUNT: Final = "amount_in_"
ALWAYS_REPORTED: Final = frozenset({"risk_score", "risk_level"})


@dataclass(slots=True)
class Declared:
    """A declared counter and how far it is; `backfill` is None once it is live."""

    declaration: dict[str, Any]
    spec: CounterSpec
    backfill: Backfill | None = field(default=None)


class Policy:
    """Owns the catalogue, the rule set and the counters of a node.

    Decisions read `live`, `counters` and `context`; each is replaced as a whole, on the owner's
    thread.
    """

    def __init__(self, base: Foundation) -> None:
        self._base = base
        self._checkpoint: Checkpoint | None = None
        self._scorecard = Scorecard(default_catalogue())
        self.declared: dict[str, Declared] = {}
        self._changing = asyncio.Lock()
        self._checked_draft: tuple[list[DraftRule], list[tuple[str, StoredRule]]] = ([], [])
        self.catalogue = default_catalogue()
        self.live: Live
        self.counters: Counters
        self.context: ReceiveContext

    # ── starting ────────────────────────────────────────────────────────────────────────────────

    def load(self) -> None:
        """Bring back what was in force: declarations, rule set, counters from snapshot and log."""
        base = self._base
        connection = base.store.read()
        for name, declaration in control.all_counters(connection):
            spec = parse_counter(name, declaration, self.catalogue)
            self.declared[name] = Declared(declaration, spec)
            self.catalogue = self.catalogue.extended([counter_attribute(spec)])
        ruleset = self._compiled(tables.load_published(connection))
        self._put_in_force(ruleset)
        self.counters = self._fresh_counters(ruleset)
        start = self._restore()
        folder = Folder(base.ledger, self.context)
        for row in base.ledger.read_from(start + 1):
            folder.fold(self.counters, row, row.seq)

    def serve(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint supplied with what is in force from now on."""
        self._checkpoint = checkpoint

    def _restore(self) -> int:
        """Fill the counters from the newest complete snapshot; the row it reaches, or 0."""
        kept = self._base.ledger.load_snapshot(SNAPSHOT)
        if kept is None:
            return 0
        arrays = {name: part for name, part in kept.parts.items() if not isinstance(part, bytes)}
        if self.counters.restore(arrays):  # pyright: ignore[reportArgumentType] — saved as words
            return kept.seq
        self.counters = self._fresh_counters(self.live.ruleset)
        return 0

    # ── rule sets ───────────────────────────────────────────────────────────────────────────────

    async def save_draft(self, rules: Sequence[DraftRule], author: str) -> dict[str, Any]:
        """Check and keep a draft.

        Raises:
            RulesRefused: it has errors.
        """
        now_us = self._base.clock.now_us()
        told = await asyncio.to_thread(self._told_draft, rules, author, now_us)
        await self._base.write_soon(lambda c: tables.save_draft(c, rules, author, now_us))
        await asyncio.to_thread(self._drafted)
        return told

    def draft(self) -> dict[str, Any] | None:
        """The draft as told, or None."""
        rules = tables.load_draft(self._base.store.read())
        return None if rules is None else self._told_draft(rules, "", 0)

    async def publish(self, author: str, note: str) -> Published:
        """Put the draft in force, after filling the counters it newly reads.

        Raises:
            RulesRefused: it no longer checks.
            HttpRefusal: there is no draft.
        """
        async with self._changing:
            base = self._base
            drafts = tables.load_draft(base.store.read())
            if drafts is None:
                raise HttpRefusal(404, "resource_missing", "there is no draft to publish")
            now_us = base.clock.now_us()
            ids = iter([base.ids.new("rule") for _ in drafts])
            stored = await asyncio.to_thread(
                assemble,
                drafts,
                self.catalogue,
                base.book.types,
                ids.__next__,
                before=self.live.ruleset.rules,
                now_us=now_us,
            )
            published = self._publication(stored, author, note, now_us)
            builtin = builtin_rules(self.catalogue, base.book.types)
            ruleset = await asyncio.to_thread(build_ruleset, published.version, stored, builtin)
            filling = await self._fill(ruleset, list(self.declared.values()))
            await base.write_soon(lambda connection: tables.publish(connection, published))
            self._swap(filling, ruleset)
            return published

    def published(self) -> Iterator[Published]:
        """Every version, newest first."""
        return tables.all_published(self._base.store.read())

    def find_published(self, version: str) -> Published:
        """A version by name or number.

        Raises:
            HttpRefusal: 404 when there is none.
        """
        found = tables.load_published(self._base.store.read(), version)
        if found is None:
            raise HttpRefusal(
                404, "resource_missing", f"no such version: '{version}'", param="version"
            )
        return found

    def ruleset_of(self, version: str) -> RuleSet | None:
        """The compiled rule set of a version, for explanations."""
        if version == self.live.ruleset.version:
            return self.live.ruleset
        found = tables.load_published(self._base.store.read(), version)
        return self._compiled(found) if found or version == INITIAL else None

    def rules_of(self, version: str) -> Sequence[DraftRule]:
        """Rules of `draft`, `live` or a version, with ids where they have one."""
        if version == "draft":
            return tables.load_draft(self._base.store.read()) or ()
        if version == "live":
            return [DraftRule(r.rule.text, r.id) for r in self.live.ruleset.rules if not r.builtin]
        return [DraftRule(one.predicate, one.id) for one in self.find_published(version).rules]

    def live_told(self) -> dict[str, Any]:
        """The rule set in force, built-in rules included."""
        return {
            "object": "ruleset",
            "version": self.live.ruleset.version,
            "live": True,
            "rules": [
                {
                    "id": rule.id,
                    "predicate": rule.rule.text,
                    "on_failure": rule.on_failure,
                    "builtin": rule.builtin,
                }
                for rule in self.live.ruleset.rules
            ],
        }

    def rules_using(self, alias: str) -> list[str]:
        """Rules in force or drafted that look into a list."""
        live = [r.id for r in self.live.ruleset.rules if alias in r.lists and not r.builtin]
        return live + [text for text, rule in self._drafted() if alias in rule.lists]

    def rules_reading(self, name: str) -> list[str]:
        """Rules in force or drafted that read an attribute."""
        live = [r.id for r in self.live.ruleset.rules if name in r.fields]
        return live + [text for text, rule in self._drafted() if name in rule.fields]

    def _drafted(self) -> list[tuple[str, StoredRule]]:
        """The rules of the draft with what they read; checked again only when it changed."""
        drafts = tables.load_draft(self._base.store.read()) or []
        known = self._checked_draft
        if known[0] != drafts:
            stored = assemble(drafts, self.catalogue, self._base.book.types, lambda: "draft")
            known = drafts, [(f"the draft ({one.rule.text})", one) for one in stored]
            self._checked_draft = known
        return known[1]

    def _publication(
        self, stored: Sequence[StoredRule], author: str, note: str, now_us: int
    ) -> Published:
        newest = tables.load_published(self._base.store.read())
        number = newest.number + 1 if newest else 1
        kept = tuple(
            KeptRule(one.id, one.rule.text, one.created_us, one.on_failure or "") for one in stored
        )
        digest = hashlib.sha256(repr(kept).encode()).hexdigest()[:8]
        return Published(number, f"rs_{number}_{digest}", now_us, author, note, kept)

    def _compiled(self, published: Published | None) -> RuleSet:
        types = self._base.book.types
        builtin = builtin_rules(self.catalogue, types)
        if published is None:
            return build_ruleset(INITIAL, (), builtin)
        kept = [
            (DraftRule(one.predicate, one.id, _policy(one.on_failure)), one.created_us)
            for one in published.rules
        ]
        stored = restore(kept, self.catalogue, types)
        return build_ruleset(published.version, stored, builtin)

    def _told_draft(self, rules: Sequence[DraftRule], author: str, at_us: int) -> dict[str, Any]:
        _, warnings = draft_rules(rules, self.catalogue, self._base.book.types)
        found = {one.index: as_dicts(one.diagnostics) for one in warnings}
        told: dict[str, Any] = {
            "object": "ruleset_draft",
            "rules": [
                {
                    "id": one.id or None,
                    "predicate": one.predicate,
                    "on_failure": one.on_failure,
                    "warnings": found.get(index, []),
                }
                for index, one in enumerate(rules)
            ],
        }
        if at_us:
            told |= {"author": author, "saved_at": iso(at_us)}
        return told

    # ── counters ────────────────────────────────────────────────────────────────────────────────

    async def declare(self, name: str, declaration: dict[str, Any]) -> dict[str, Any]:
        """Declare a counter; it goes live once it is filled from history.

        Raises:
            CounterRefused: it is not a counter.
            HttpRefusal: the name is taken by a counter that rules read and that counts otherwise.
        """
        spec = parse_counter(name, declaration, default_catalogue())
        known = self.declared.get(name)
        if known is not None and known.spec == spec:
            return self.counter(name)
        if known is not None and self.rules_reading(name):
            raise HttpRefusal(
                409,
                "counter_in_use",
                f"rules read the counter `{name}`: declare the new one under another name",
            )
        now_us = self._base.clock.now_us()
        entry = Declared(declaration, spec, Backfill(self._base.ledger.last_seq))
        self.declared[name] = entry
        await self._base.write_soon(lambda c: control.save_counter(c, name, declaration, now_us))
        filling = asyncio.ensure_future(self._go_live(entry))
        await asyncio.wait([filling], timeout=PATIENCE_S)
        return self.counter(name)

    def counter(self, name: str) -> dict[str, Any]:
        """A declared counter as told."""
        one = self.declared[name]
        filling = one.backfill
        status = "live" if filling is None else "failed" if filling.error else "backfilling"
        told: dict[str, Any] = {"object": "counter", "name": name, "status": status}
        if filling is not None:
            told["progress"] = {"done": filling.done, "total": max(filling.total, filling.done)}
            told["error"] = filling.error or None
        return {**told, "declaration": one.declaration}

    async def forget(self, name: str) -> None:
        """Remove a counter that no rule reads."""
        async with self._changing:
            await self._base.write_soon(lambda connection: control.delete_counter(connection, name))
            del self.declared[name]
            kept = [one for one in self.declared.values() if one.backfill is None]
            self.catalogue = default_catalogue().extended(
                counter_attribute(one.spec) for one in kept
            )
            self._swap(await self._fill(self.live.ruleset, kept), self.live.ruleset)

    async def _go_live(self, entry: Declared) -> None:
        try:
            async with self._changing:
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
        fresh, context = self.counters.with_specs(specs), self._context_for(ruleset, specs)
        filling = CounterFilling(fresh, self._base.ledger, context)
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
        specs = {one.spec.name: one.spec for one in declared}
        read = sorted(ruleset.fields | self._scorecard.fields)
        for name in read:
            spec = family_spec(name)
            if spec is not None and name not in specs:
                specs[name] = spec
        return list(specs.values())

    # ── in force ────────────────────────────────────────────────────────────────────────────────

    def _put_in_force(self, ruleset: RuleSet) -> None:
        declared = [one for one in self.declared.values() if one.backfill is None]
        specs = self._specs(ruleset, declared)
        names = {one.name for one in specs}
        counted = frozenset[str]().union(*(fields_read(one, self.catalogue) for one in specs))
        reported = ruleset.fields | self._scorecard.fields | names | counted | ALWAYS_REPORTED
        version = hashlib.sha256(repr(sorted(map(repr, specs))).encode()).hexdigest()[:12]
        self.live = Live(
            self.catalogue, ruleset, self._scorecard, f"counters_{version}", tuple(sorted(reported))
        )
        self.context = self._context_for(ruleset, specs)
        if self._checkpoint is not None:
            self._checkpoint.parts.live = self.live
            self._checkpoint.parts.context = self.context

    def _context_for(self, ruleset: RuleSet, specs: Iterable[CounterSpec]) -> ReceiveContext:
        """What the door needs: only currencies that something reads are converted to."""
        read = " ".join(
            [*ruleset.fields, *self._scorecard.fields]
            + [f"{one.value} {one.where} {one.matching} {' '.join(one.by)}" for one in specs]
        )
        currencies = [one for one in CURRENCIES if AMOUNT + one in read]
        return ReceiveContext(self.catalogue, self._base.rates, currencies)


INITIAL: Final = "rs_0_builtin"
"""The version before anything is published: the built-in rules alone."""


def fields_read(spec: CounterSpec, catalogue: Catalogue) -> frozenset[str]:
    """What a counter looks at in an event; answers list it, so that a restart counts the same."""
    fields = {*spec.by, spec.value} - {""}
    for text in (spec.where, spec.matching):
        condition = check_condition(text, catalogue).condition if text else None
        fields |= fields_of(condition) if condition else frozenset[str]()
    return frozenset(fields)


def counter_attribute(spec: CounterSpec) -> AttributeSpec:
    """A declared counter as rules see it."""
    flags = {"extension"} | ({"missing_if_unseen"} if spec.may_be_missing else set[str]())
    meaning = f"{spec.aggregate.value} of {', '.join(spec.of)} by {', '.join(spec.by)}"
    return AttributeSpec(spec.name, Type.NUMERIC, meaning, DECLARED_COUNTER_GROUP, frozenset(flags))


def _policy(text: str) -> FailurePolicy | None:
    return FailurePolicy(text) if text else None
