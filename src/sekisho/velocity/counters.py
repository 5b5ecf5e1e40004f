"""Live counters: what is known about an event's keys before it, and what it adds."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.language import Catalogue
from sekisho.velocity.conditions import Record, Test, canonical, compiled
from sekisho.velocity.filling import attributes_read, event_words
from sekisho.velocity.gathering import Gather, Value, gatherer, is_text_value, put_all
from sekisho.velocity.planner import TYPE_BITS, CounterPlan, plan_counters
from sekisho.velocity.spec import Aggregate, CounterSpec
from sekisho.windows import Operation, Plan, TableSnapshot, WindowStore

Values = dict[str, float | bool]
Snapshot = dict[str, NDArray[np.int64]]
"""Words by table; the first word of each is its number of keys."""

READ: Final = int(Operation.READ)
ADD: Final = int(Operation.ADD)


class _Plain(dict[float, float]):
    """Numbers as people write them: whole ones, which most counts are, without a fraction."""

    def __missing__(self, number: float) -> float:
        return int(number) if number.is_integer() else number


_plain: Final = _Plain((float(number), number) for number in range(4096)).__getitem__


class Store(Protocol):
    """What counters need of a store: `WindowStore`, or the recounting oracle in its place."""

    @property
    def load(self) -> Callable[..., None]:
        """Hand over an event."""
        ...

    @property
    def load_before(self) -> Callable[..., None]:
        """Hand over the version that a revision replaces."""
        ...

    @property
    def run(self) -> Callable[..., int]:
        """Read, add, remove or revise; a read returns how many answers are missing."""
        ...

    @property
    def answers(self) -> Callable[[], list[float]]:
        """What the last read found."""
        ...


class Counters:
    """Counters over event time, exact for every window, updated one event at a time.

    `read` says what rules see of an event before it counts; `apply` counts it. The order of calls
    is the order of arrival: an event sees those of its own instant that were applied before it.
    `seed` is the installation's secret, so that nobody can construct keys that meet.
    """

    def __init__(
        self,
        specs: Iterable[CounterSpec],
        catalogue: Catalogue,
        seed: int,
        store: Callable[[Plan], Store] = WindowStore,
    ) -> None:
        self._catalogue = catalogue
        self._seed = seed
        self._spelling: dict[str, str] = {}
        self.plan: CounterPlan = plan_counters(specs, self._canonical)
        self._store = store(self.plan.plan)
        self._bits = TYPE_BITS
        self._run = self._store.run
        self._answers = self._store.answers
        self._names = tuple(spec.name for spec in self.plan.specs)
        self._flags = [s.name for s in self.plan.specs if s.aggregate is Aggregate.UNSEEN]
        self._optional = [spec.name for spec in self.plan.specs if spec.may_be_missing]
        tests = [compiled(text, catalogue) for text in self.plan.conditions]
        self._counted = _tests_by_type(tests, self.plan.conditions_of)
        self._asked = _tests_by_type(tests, self.plan.conditions_read)
        self._put_all = put_all(self._names)
        self._touched = 0
        for table in self.plan.plan.tables:
            self._touched |= table.types
        self._gather = self._gatherer(self._store.load)
        self._gather_before = self._gatherer(self._store.load_before)

    @property
    def specs(self) -> tuple[CounterSpec, ...]:
        """The counters, in the order of their declaration."""
        return self.plan.specs

    @property
    def names(self) -> frozenset[str]:
        """The attributes that `read` may give."""
        return frozenset(self._names)

    @property
    def version(self) -> str:
        """A short name of what is counted: equal exactly when the declarations are."""
        text = "\n".join(sorted(repr(spec) for spec in self.specs))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def read(self, type: str, at_us: int, record: Record) -> Values:  # noqa: A002 — the event's word
        """Every counter as of an event that has not been applied; what is missing is left out."""
        values: Values = {}
        self._answer_into(values, type, at_us, record)
        return values

    def read_into(self, record: dict[str, Value], type: str, at_us: int) -> None:  # noqa: A002 — the event's word
        """Put every counter into the record of an event that has not been applied."""
        self._answer_into(record, type, at_us, record)

    def _answer_into(
        self,
        known: dict[str, Any],
        type: str,  # noqa: A002 — the event's word
        at_us: int,
        record: Record,
    ) -> None:
        bit = self._bits[type]
        asked = self._asked[bit]
        self._gather(at_us, bit, _fulfilled(asked, record) if asked else 0, record)
        if self._run(READ):
            answers = zip(self._names, self._answers(), strict=True)
            known.update([(name, _plain(value)) for name, value in answers if value == value])  # noqa: PLR0124 — NaN
        else:
            self._put_all(known, map(_plain, self._answers()))
        for name in self._flags:
            known[name] = known.get(name) == 1

    def apply(self, type: str, at_us: int, record: Record) -> None:  # noqa: A002 — the event's word
        """Count an event."""
        bit = self._bits[type]
        if bit & self._touched:
            counted = self._counted[bit]
            self._gather(at_us, bit, _fulfilled(counted, record) if counted else 0, record)
            self._run(ADD)

    def apply_many(self, events: pl.DataFrame) -> None:
        """Count many events at once, as `apply` counts each.

        Args:
            events: `type`, `at_us` and a column for each attribute of `attributes`, where known.
        """
        counted = [name for name, bit in TYPE_BITS.items() if bit & self._touched]
        mine = events.filter(pl.col("type").is_in(counted))
        if mine.height:
            words = event_words(mine, self.plan, self._catalogue, self._seed)
            self._windows().add_many(words)

    @property
    def attributes(self) -> frozenset[str]:
        """What counting looks at in an event."""
        return attributes_read(self.plan, self._catalogue)

    def retract(self, type: str, at_us: int, record: Record) -> None:  # noqa: A002 — the event's word
        """Take an event out that was applied with the same time and record."""
        bit = self._bits[type]
        self._gather(at_us, bit, _fulfilled(self._counted[bit], record), record)
        self._run(int(Operation.REMOVE))

    def revise(self, type: str, at_us: int, before: Record, after: Record) -> None:  # noqa: A002 — the event's word
        """Correct an applied event for what became known later; it keeps its own time."""
        bit = self._bits[type]
        if bit & self._touched:
            tests = self._counted[bit]
            self._gather_before(at_us, bit, _fulfilled(tests, before), before)
            self._gather(at_us, bit, _fulfilled(tests, after), after)
            self._run(int(Operation.REVISE))

    def evict(self, now_us: int) -> bool:
        """Drop what no counter can reach any more, looking at a bounded number of keys.

        Call it every second or every few thousand events with the clock's time; True once all
        keys were looked at. Without it nothing is ever dropped: an event's own time is not
        trusted for that.
        """
        return self._windows().sweep(now_us)

    @property
    def held_events(self) -> int:
        """Contributions held, summed over all tables."""
        return sum(self._windows().held_rows)

    @property
    def held_bytes(self) -> int:
        """Memory of everything held."""
        return self._windows().held_bytes

    def snapshot(self) -> Snapshot:
        """All that is held, as arrays by the signature of their table."""
        store = self._windows()
        held: Snapshot = {}
        for index, signature in enumerate(self._signatures()):
            table = store.snapshot(index)
            held[signature] = np.concatenate(([table.keys], table.words), dtype=np.int64)
        return held

    def restore(self, snapshot: Mapping[str, NDArray[np.int64]]) -> bool:
        """Fill fresh counters from a snapshot; False when it lacks a table, which stays empty."""
        store = self._windows()
        complete = True
        for index, signature in enumerate(self._signatures()):
            words = snapshot.get(signature)
            if words is None:
                complete = False
            else:
                store.restore(index, TableSnapshot(int(words[0]), words[1:]))
        return complete

    def with_specs(self, specs: Iterable[CounterSpec]) -> "Counters":
        """Fresh counters for other declarations, to be filled from the log while these serve.

        Replay the log into the result with `apply` and `revise` (only tables that these counters
        lack are touched), then let it `adopt` these counters and put it in their place.
        """
        fresh = Counters(specs, self._catalogue, self._seed)
        mine = set(self._signatures())
        lacking = {i for i, text in enumerate(fresh._signatures()) if text not in mine}
        fresh._windows().activate(frozenset(lacking))
        return fresh

    def adopt(self, older: "Counters") -> None:
        """Take the rows of every table that both have; `older` must not be used any more."""
        store = self._windows()
        signatures = list(self._signatures())
        for index, signature in enumerate(older._signatures()):  # noqa: SLF001 — own class
            if signature in signatures:
                store.adopt(signatures.index(signature), older._windows(), index)  # noqa: SLF001 — own class
        store.activate(frozenset(range(len(signatures))))

    def _signatures(self) -> Iterable[str]:
        salt = hashlib.blake2b(str(self._seed).encode(), digest_size=8).hexdigest()
        return [f"{signature}|{salt}" for signature in self.plan.signatures]

    def _windows(self) -> WindowStore:
        assert isinstance(self._store, WindowStore), "the oracle only counts"
        return self._store

    def _canonical(self, text: str) -> str:
        if text not in self._spelling:
            self._spelling[text] = canonical(text, self._catalogue, "where")
        return self._spelling[text]

    def _gatherer(self, load: Callable[..., None]) -> Gather:
        values = tuple((name, is_text_value(name, self._catalogue)) for name in self.plan.values)
        words = self.plan.plan.condition_words
        return gatherer(self.plan.fields, values, words, load, self._seed)


def _tests_by_type(
    tests: list[Test], used: Callable[[int], list[int]]
) -> dict[int, list[tuple[int, Test]]]:
    return {bit: [(1 << at, tests[at]) for at in used(bit)] for bit in TYPE_BITS.values()}


def _fulfilled(tests: list[tuple[int, Test]], record: Record) -> int:
    bits = 0
    for bit, test in tests:
        if test(record):
            bits |= bit
    return bits
