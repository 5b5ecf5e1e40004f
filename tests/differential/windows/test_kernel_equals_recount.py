"""Random worlds: the compiled store answers what a recount by definition answers."""

import math
import random
from dataclasses import replace
from itertools import groupby, product

import numpy as np
import pytest

from sekisho.windows import (
    Aggregate,
    Column,
    Columns,
    Kind,
    Operation,
    Plan,
    Read,
    RecountingStore,
    Table,
    WindowStore,
    window_columns,
)

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
LONG = 10**15
COLUMNS = (
    Column(Kind.TOTAL, 0),
    Column(Kind.PRESENT, 0),
    Column(Kind.MATCH, 1),
    Column(Kind.PEAK, 0),
    Column(Kind.DIP, 0),
    Column(Kind.MEMBER, 2),
    Column(Kind.MEMBER, 1),
)
COLUMN_OF = {
    Aggregate.SUM: (0,),
    Aggregate.MEAN: (0,),
    Aggregate.MIN: (4,),
    Aggregate.MAX: (3,),
    Aggregate.RATIO: (0, 2),
    Aggregate.DISTINCT: (5, 6),
}
Event = tuple[float, ...]


def random_plan(rng: random.Random, retention_us: int = LONG) -> Plan:
    tables: list[Table] = []
    reads: list[Read] = []
    for number in range(rng.randint(1, 4)):
        keys = tuple(rng.sample(range(3), rng.randint(1, 2)))
        condition = rng.choice([-1, 0, 1])
        tables.append(Table(rng.randint(1, 7), keys, condition, COLUMNS, retention_us))
        reads += [random_read(rng, number) for _ in range(12)]
    return Plan(tuple(tables), tuple(reads), fields=3, values=1, conditions=2)


def random_read(rng: random.Random, table: int) -> Read:
    aggregate = rng.choice(list(Aggregate))
    counts = aggregate in (Aggregate.COUNT, Aggregate.DISTINCT)
    windows = [None, *(length * SECOND for length in (1, 10, 60, 300, 3000))]
    return Read(
        table,
        aggregate,
        rng.choice(windows),
        rng.choice([0, 0, 0, SECOND, 20 * SECOND]),
        rng.choice(COLUMN_OF.get(aggregate, (-1,))),
        1 if aggregate is Aggregate.MEAN else -1,
        include_current=rng.random() < 0.3,
        cap=rng.choice([0, 0, 5]) if counts else 0,
        unit_us=rng.choice([SECOND, 60 * SECOND]),
    )


def random_event(rng: random.Random, at_us: int, keys: int) -> Event:
    return (
        at_us,
        1 << rng.randrange(4),
        rng.randrange(4),
        rng.choice([0, *(2 * key for key in range(1, keys))] * 2 + [2]),
        rng.choice([0, 10, 12, 14]),
        rng.choice([0] + [2**63 + 2 * member for member in range(1, 40)]),
        rng.choice([math.nan, rng.uniform(-50, 50), round(rng.uniform(0, 9), 2)]),
    )


def equal(left: list[float], right: list[float]) -> bool:
    pairs = zip(left, right, strict=True)
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairs)


class World:
    """One random plan in both stores, and what has been applied to them."""

    def __init__(self, seed: int, keys: int) -> None:
        self.rng = random.Random(seed)
        self.keys = keys
        plan = random_plan(self.rng)
        self.stores = (WindowStore(plan), RecountingStore(plan))
        self.applied: list[Event] = []
        self.now = START

    def moment(self) -> int:
        self.now += self.rng.choice([0, 0, 1, self.rng.randint(0, 5 * SECOND)])
        late = self.rng.random() < 0.2
        return self.now - (self.rng.randint(0, 50 * SECOND) if late else 0)

    def run(self, operation: Operation, event: Event, before: Event = ()) -> None:
        for store in self.stores:
            if before:
                store.load_before(*before)
            store.load(*event)
            store.run(int(operation))
        if operation in (Operation.READ, Operation.READ_ADD):
            fast, slow = (store.answers() for store in self.stores)
            assert equal(fast, slow), (event, fast, slow)

    def step(self) -> None:
        event = random_event(self.rng, self.moment(), self.keys)
        chance = self.rng.random()
        if chance < 0.1 and self.applied:
            gone = self.applied.pop(self.rng.randrange(len(self.applied)))
            self.run(Operation.REMOVE, gone)
        elif chance < 0.2 and self.applied:
            self.revise()
        elif chance < 0.4:
            self.run(Operation.READ, event)
        else:
            adds = self.rng.choice([Operation.ADD, Operation.READ_ADD])
            self.run(adds, event)
            self.applied.append(event)

    def revise(self) -> None:
        place = self.rng.randrange(len(self.applied))
        before = self.applied[place]
        other = random_event(self.rng, int(before[0]), self.keys)
        after = (*before[:2], other[2], *(before if self.rng.random() < 0.5 else other)[3:])
        self.applied[place] = after
        self.run(Operation.REVISE, after, before)


@pytest.mark.parametrize(
    ("seed", "keys"), [*product(range(14), [4]), *product(range(100, 106), [2])]
)
def test_compiled_store_equals_recount_under_late_removed_and_revised_events(
    seed: int, keys: int
) -> None:
    world = World(seed, keys)
    for _ in range(350 if keys > 2 else 900):
        world.step()
    assert world.stores[0].unmatched == world.stores[1].unmatched == 0


@pytest.mark.parametrize("seed", range(4))
def test_snapshot_restored_answers_as_before_and_goes_on_alike(seed: int) -> None:
    world = World(seed, 3)
    for _ in range(600):
        world.step()
    old = world.stores[0]
    assert isinstance(old, WindowStore)
    new = WindowStore(old.plan)
    for table in range(len(old.plan.tables)):
        new.restore(table, old.snapshot(table))
    assert new.held_rows == old.held_rows
    world.stores = (new, world.stores[1])
    for _ in range(200):
        world.step()


@pytest.mark.parametrize("seed", range(8))
def test_evicted_store_answers_now_as_the_full_recount_does(seed: int) -> None:
    rng = random.Random(seed)
    plan = random_plan(rng, retention_us=3020 * SECOND)
    plain = tuple(
        read
        for read in plan.reads
        if not (read.aggregate is Aggregate.DISTINCT and read.window_us is None)
    )
    plan = Plan(plan.tables, plain, plan.fields, plan.values, plan.conditions)
    fast, slow = WindowStore(plan), RecountingStore(plan)
    now = START
    for turn in range(1500):
        now += rng.randint(0, 20 * SECOND)
        event = random_event(rng, now, 4)
        for store in (fast, slow):
            store.load(*event)
            store.run(int(Operation.READ_ADD))
        assert equal(fast.answers(), slow.answers())
        if turn % 50 == 0:
            while not fast.sweep(now):
                pass
    assert sum(fast.held_rows) < 0.5 * 1500 * len(plan.tables)


@pytest.mark.parametrize("bound", [-1, 6])
def test_members_kept_for_ever_survive_eviction(bound: int) -> None:
    rng = random.Random(bound)
    cap = max(bound, 0)
    table = Table(1, (0,), -1, (Column(Kind.MEMBER, 1),), 60 * SECOND, bound)
    reads = (
        Read(0, Aggregate.DISTINCT, None, column=0, cap=cap),
        Read(0, Aggregate.DISTINCT, 60 * SECOND, column=0),
        Read(0, Aggregate.DISTINCT, None, lag_us=30 * SECOND, column=0, cap=cap),
    )
    plan = Plan((table,), reads, fields=2, values=0, conditions=0)
    fast, slow = WindowStore(plan), RecountingStore(plan)
    now = START
    for turn in range(3000):
        now += rng.randint(0, SECOND)
        event = (now, 1, 0, rng.choice([2, 4]), 2 * rng.randint(1, 2 + turn // 20))
        for store in (fast, slow):
            store.load(*event)
            store.run(int(Operation.READ_ADD))
        assert fast.answers() == slow.answers()
        if turn % 97 == 0:
            fast.sweep(now)
    assert fast.held_rows[0] < 1000


def test_keys_without_rows_are_dropped_and_memory_returns() -> None:
    table = Table(1, (0,), -1, COLUMNS[:1], 60 * SECOND)
    plan = Plan((table,), (Read(0, Aggregate.COUNT, 60 * SECOND),), 3, 1, 2)
    store = WindowStore(plan)
    sizes: list[int] = []
    for turn in range(60_000):
        now = START + turn * SECOND // 10
        store.load(now, 1, 0, 2 * (turn + 1), 0, 0, 1.0)
        store.run(int(Operation.ADD))
        if turn % 500 == 0:
            store.sweep(now)
            sizes.append(store.held_bytes)
    assert store.held_keys[0] < 3000
    assert max(sizes[20:]) < 2 * min(sizes[20:])


def ordered_events(rng: random.Random) -> list[Event]:
    now = START
    events: list[Event] = []
    for _ in range(500):
        now += rng.choice([0, 0, 1, rng.randint(0, 20 * SECOND)])
        events.append(random_event(rng, now, 4))
    return events


def columns_of(events: list[Event]) -> Columns:
    words = list(zip(*events, strict=True))
    return Columns(
        np.array(words[0], np.int64),
        np.array(words[1], np.int64),
        [np.array(words[3 + field], np.uint64) for field in range(3)],
        [np.array(words[6])],
        [np.array([bool(int(w) >> bit & 1) for w in words[2]]) for bit in range(2)],
    )


def online(store: WindowStore, operation: Operation, events: list[Event]) -> list[list[float]]:
    found: list[list[float]] = []
    for event in events:
        store.load(*event)
        store.run(int(operation))
        found.append(store.answers())
    return found


@pytest.mark.parametrize("part_rows", [8192, 32])
@pytest.mark.parametrize("seed", range(12))
def test_columns_equal_the_store_value_by_value(
    seed: int, part_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sekisho.windows.frames.PART_ROWS", part_rows)
    rng = random.Random(seed)
    plan = random_plan(rng)
    events = ordered_events(rng)
    expected = online(WindowStore(plan), Operation.READ_ADD, events)
    for at, found in enumerate(window_columns(plan, columns_of(events))):
        assert equal(found.tolist(), [row[at] for row in expected]), plan.reads[at]


@pytest.mark.parametrize("seed", range(4))
def test_in_whole_instants_an_event_sees_all_of_its_own(seed: int) -> None:
    rng = random.Random(seed)
    plan = random_plan(rng)
    open_reads = tuple(replace(read, include_current=False) for read in plan.reads)
    closed = WindowStore(replace(plan, reads=open_reads))
    events = ordered_events(rng)
    arriving = online(WindowStore(plan), Operation.READ_ADD, events)
    settled: list[list[float]] = []
    for _, instant in groupby(events, key=lambda event: event[0]):
        tied = list(instant)
        online(closed, Operation.ADD, tied)
        settled += online(closed, Operation.READ, tied)
    answers = window_columns(plan, columns_of(events), whole_instants=True)
    for at, (read, found) in enumerate(zip(plan.reads, answers, strict=True)):
        expected = settled if read.include_current and read.lag_us == 0 else arriving
        assert equal(found.tolist(), [row[at] for row in expected]), read
