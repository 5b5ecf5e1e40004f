"""From counters to tables: counters over the same events and key share rows and searches."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sekisho.events import DECIDED_TYPES, OUTCOME_TYPES
from sekisho.velocity.spec import DAY_US, Aggregate, CounterRefused, CounterSpec
from sekisho.windows import MAX_COLUMNS, MAX_CUTS, Column, Kind, Plan, Read, Table
from sekisho.windows import Aggregate as Answer

LATENESS_US: Final = DAY_US
"""How far back an event may ask and still see its whole window; later ones see what is left."""

TYPE_BITS: Final = {name: 1 << at for at, name in enumerate(sorted(DECIDED_TYPES | OUTCOME_TYPES))}
_ANSWERS: Final = {
    Aggregate.COUNT: Answer.COUNT,
    Aggregate.SUM: Answer.SUM,
    Aggregate.AVG: Answer.MEAN,
    Aggregate.MIN: Answer.MIN,
    Aggregate.MAX: Answer.MAX,
    Aggregate.DISTINCT: Answer.DISTINCT,
    Aggregate.FIRST: Answer.FIRST,
    Aggregate.LAST: Answer.LAST,
    Aggregate.RATIO: Answer.RATIO,
    Aggregate.UNSEEN: Answer.UNSEEN,
}
_KINDS: Final = {
    Aggregate.SUM: (Kind.TOTAL,),
    Aggregate.AVG: (Kind.TOTAL, Kind.PRESENT),
    Aggregate.MIN: (Kind.DIP,),
    Aggregate.MAX: (Kind.PEAK,),
    Aggregate.DISTINCT: (Kind.MEMBER,),
    Aggregate.RATIO: (Kind.TOTAL,),
}


@dataclass(slots=True)
class _Draft:
    """A table while counters are being placed in it."""

    spec: CounterSpec
    forever: bool
    columns: list[Column] = field(default_factory=list[Column])
    cuts: set[int] = field(default_factory=set[int])
    retention_us: int = 0
    cap: int = 0

    def fits(self, spec: CounterSpec) -> bool:
        """Whether another counter may be placed here."""
        return len(self.cuts | _cuts(spec)) <= MAX_CUTS and len(self.columns) + 2 <= MAX_COLUMNS


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """Counters laid out for a store: what to look up in a record, and in which order.

    `signatures` names each table by what it holds, so that its rows may be moved to another plan.
    """

    specs: tuple[CounterSpec, ...]
    plan: Plan
    fields: tuple[str, ...]
    values: tuple[str, ...]
    conditions: tuple[str, ...]
    signatures: tuple[str, ...]

    def conditions_of(self, type_bit: int) -> list[int]:
        """Conditions that matter when an event of this type is counted."""
        used: set[int] = set()
        for table in self.plan.tables:
            if table.types & type_bit:
                used.update(_conditions(table))
        return sorted(used)

    def conditions_read(self, type_bit: int) -> list[int]:
        """Conditions that matter when an event of this type asks and counts itself."""
        asking = {read.table for read in self.plan.reads if read.include_current}
        used: set[int] = set()
        for index in asking:
            table = self.plan.tables[index]
            if table.types & type_bit:
                used.update(_conditions(table))
        return sorted(used)


def plan_counters(specs: Iterable[CounterSpec], canonical: Callable[[str], str]) -> CounterPlan:
    """Lay counters out; `canonical` spells equal conditions equally."""
    return _Planner(canonical).plan(tuple(specs))


def type_mask(of: Sequence[str]) -> int:
    """One bit for each event type.

    Raises:
        CounterRefused: no such type.
    """
    mask = 0
    for name in of:
        if name not in TYPE_BITS:
            raise CounterRefused(f"no event type `{name}`: use one of {', '.join(TYPE_BITS)}", "of")
        mask |= TYPE_BITS[name]
    return mask


class _Planner:
    def __init__(self, canonical: Callable[[str], str]) -> None:
        self._canonical = canonical
        self._fields: dict[str, int] = {}
        self._values: dict[str, int] = {}
        self._conditions: dict[str, int] = {}
        self._drafts: dict[tuple[object, ...], list[int]] = {}
        self._tables: list[_Draft] = []

    def plan(self, specs: tuple[CounterSpec, ...]) -> CounterPlan:
        kept = {self._members(spec) for spec in specs if _is_forever(spec)}
        reads = tuple(self._read(spec, forever=self._members(spec) in kept) for spec in specs)
        tables = tuple(self._table(draft) for draft in self._tables)
        sizes = (len(self._fields), len(self._values), len(self._conditions))
        plan = Plan(tables, reads, *sizes)
        names = (tuple(self._fields), tuple(self._values), tuple(self._conditions))
        signatures = tuple(_signature(table, names) for table in tables)
        return CounterPlan(specs, plan, *names, signatures)

    def _identity(self, spec: CounterSpec) -> tuple[object, ...]:
        return (type_mask(spec.of), spec.by, self._canonical(spec.where))

    def _members(self, spec: CounterSpec) -> tuple[object, ...]:
        return (*self._identity(spec), spec.value if spec.aggregate is Aggregate.DISTINCT else "")

    def _read(self, spec: CounterSpec, *, forever: bool) -> Read:
        forever = forever and spec.aggregate is Aggregate.DISTINCT
        index = self._place(spec, forever=forever)
        draft = self._tables[index]
        column, second = self._columns(draft, spec)
        draft.cuts |= _cuts(spec)
        draft.retention_us = max(draft.retention_us, spec.lag_us + (spec.window_us or 0))
        if forever and spec.window_us is None:
            draft.cap = -1 if draft.cap < 0 or not spec.cap else max(draft.cap, spec.cap)
        return Read(
            index,
            _ANSWERS[spec.aggregate],
            spec.window_us,
            spec.lag_us,
            column,
            second,
            spec.include_current,
            spec.cap,
            spec.unit_us,
        )

    def _place(self, spec: CounterSpec, *, forever: bool) -> int:
        identity = self._members(spec) if forever else self._identity(spec)
        places = self._drafts.setdefault((forever, *identity), [])
        for index in places:
            if self._tables[index].fits(spec):
                return index
        places.append(len(self._tables))
        self._tables.append(_Draft(spec, forever))
        return places[-1]

    def _columns(self, draft: _Draft, spec: CounterSpec) -> tuple[int, int]:
        if spec.aggregate is Aggregate.RATIO and spec.matching:
            return self._column(draft, Kind.MATCH, spec.matching), -1
        kinds = _KINDS.get(spec.aggregate, ())
        places = [self._column(draft, kind, spec.value) for kind in kinds]
        return (*places, -1, -1)[0], (*places, -1, -1)[1]

    def _column(self, draft: _Draft, kind: Kind, name: str) -> int:
        match kind:
            case Kind.MEMBER:
                source = _index(self._fields, name)
            case Kind.MATCH:
                source = _index(self._conditions, self._canonical(name))
            case _:
                source = _index(self._values, name)
        column = Column(kind, source)
        if column not in draft.columns:
            draft.columns.append(column)
        return draft.columns.index(column)

    def _table(self, draft: _Draft) -> Table:
        where = self._canonical(draft.spec.where)
        return Table(
            type_mask(draft.spec.of),
            tuple(_index(self._fields, name) for name in draft.spec.by),
            _index(self._conditions, where) if where else -1,
            tuple(draft.columns),
            draft.retention_us + LATENESS_US,
            draft.cap if draft.forever else 0,
        )


def _is_forever(spec: CounterSpec) -> bool:
    return spec.aggregate is Aggregate.DISTINCT and spec.window_us is None


def _cuts(spec: CounterSpec) -> set[int]:
    return {spec.lag_us, spec.lag_us + (spec.window_us or 0)}


def _index(table: dict[str, int], name: str) -> int:
    return table.setdefault(name, len(table))


def _conditions(table: Table) -> Iterable[int]:
    if table.condition >= 0:
        yield table.condition
    yield from (column.source for column in table.columns if column.kind is Kind.MATCH)


def _signature(table: Table, names: tuple[tuple[str, ...], ...]) -> str:
    fields, values, conditions = names
    kinds = {Kind.MEMBER: fields, Kind.MATCH: conditions}
    types = "+".join(name for name, bit in TYPE_BITS.items() if table.types & bit)
    keys = ",".join(fields[key] for key in table.keys)
    where = conditions[table.condition] if table.condition >= 0 else ""
    columns = ",".join(
        f"{column.kind.name}:{kinds.get(column.kind, values)[column.source]}"
        for column in table.columns
    )
    return f"{types}|{keys}|{where}|{columns}|{table.retention_us}|{table.members_forever}"
