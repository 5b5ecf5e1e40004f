"""`chain.run`: actions one after another, each only if its condition holds."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from sekisho.actions.conditions import Conditions
from sekisho.actions.kinds import ActionContext, ActionKind, GiveUp, Result, Todo
from sekisho.durable import Retry

STEPS_MAX: Final = 32
"""Steps of a chain."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action of a chain.

    Attributes:
        kind, params: the action.
        when: condition over the attributes of the decision; empty = always.
        delay_s: not before so many seconds after the step before it was done.
    """

    kind: str
    params: dict[str, Any]
    when: str = ""
    delay_s: float = 0


class ChainParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The steps, in order."""

    steps: tuple[Step, ...]


class ChainRun(ActionKind[ChainParams]):
    """Asks for the first step whose condition holds, and for the rest once that one is done.

    A step that dies or is cancelled ends the chain; replaying that step goes on with it.
    """

    name = "chain.run"
    params = ChainParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: ChainParams) -> None:
        """Every condition can be read."""
        if not 0 < len(params.steps) <= STEPS_MAX:
            raise ValueError(f"`steps`: a chain has 1 to {STEPS_MAX} steps")
        conditions = self.services.of(Conditions)
        for step in params.steps:
            if step.when:
                conditions.read(step.when)

    async def run(self, params: ChainParams, context: ActionContext) -> Result:
        """Find the next step; the steps passed over are told."""
        passed: list[str] = []
        for number, step in enumerate(params.steps):
            if self._is_wanted(step, context.cause):
                rest = params.steps[number + 1 :]
                todo = Todo(step.kind, step.params, step.delay_s, then=_chain(rest))
                return Result({"next": step.kind, "passed_over": passed}, (todo,))
            passed.append(step.kind)
        return Result({"next": None, "passed_over": passed})

    def describe(self, params: ChainParams) -> str:
        """The kinds in order."""
        return "one after another: " + ", ".join(step.kind for step in params.steps)

    def _is_wanted(self, step: Step, cause: Mapping[str, Any]) -> bool:
        if not step.when:
            return True
        try:
            return self.services.of(Conditions).holds(step.when, record_of(cause))
        except ValueError as error:
            raise GiveUp(str(error)) from error


def record_of(cause: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that conditions read, of what an action is because of."""
    attributes: dict[str, Any] = cause.get("attributes", {})
    return attributes


def _chain(steps: tuple[Step, ...]) -> tuple[Todo, ...]:
    if not steps:
        return ()
    return (Todo(ChainRun.name, {"steps": msgspec.to_builtins(steps)}),)
