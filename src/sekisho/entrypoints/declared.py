"""Declared counters and tables: what is kept of each, how it is told, and how rules see it."""

from dataclasses import dataclass, field
from typing import Any

import apsw

from sekisho.collect import Profiles, table_spec
from sekisho.entrypoints.control import all_tables
from sekisho.entrypoints.counter_filling import Backfill
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.events import DECLARED_COUNTER_GROUP
from sekisho.language import AttributeSpec, Catalogue, Type, check_condition, fields_of
from sekisho.velocity import CounterSpec


@dataclass(slots=True)
class Declared:
    """A declared counter and how far it is; `backfill` is None once it is live."""

    declaration: dict[str, Any]
    spec: CounterSpec
    backfill: Backfill | None = field(default=None)

    def told(self, name: str) -> dict[str, Any]:
        """The counter as the API tells it."""
        filling = self.backfill
        status = "live" if filling is None else "failed" if filling.error else "backfilling"
        told: dict[str, Any] = {"object": "counter", "name": name, "status": status}
        if filling is not None:
            told["progress"] = {"done": filling.done, "total": max(filling.total, filling.done)}
            told["error"] = filling.error or None
        return {**told, "declaration": self.declaration}


def no_counter(name: str) -> HttpRefusal:
    """There is no declared counter of that name."""
    return HttpRefusal(404, "resource_missing", f"no such counter: '{name}'", param="name")


def declare_kept(profiles: Profiles, connection: apsw.Connection) -> list[AttributeSpec]:
    """Declare the profiles and parameters that the control data hold; what rules may read."""
    for name, declaration in all_tables(connection):
        profiles.declare(table_spec(name, declaration))
    return profiles.specs()


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
