"""`again.after`: another action, a while later."""

from typing import Any, ClassVar

import msgspec

from sekisho.actions.kinds import ActionContext, ActionKind, Result, Todo
from sekisho.durable import Retry

DELAY_S_MAX = 366 * 86_400
"""Longest delay: a year."""


class AgainParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which action, and after how long.

    Attributes:
        delay_s: seconds from the moment this action runs.
        kind, params: the action.
    """

    delay_s: float
    kind: str
    params: dict[str, Any]


class AgainAfter(ActionKind[AgainParams]):
    """Asks for another action after a delay: a check on the morrow, a second reminder."""

    name = "again.after"
    params = AgainParams
    retry: ClassVar[Retry] = "safe"

    def prepare(self, params: AgainParams) -> None:
        """The delay lies between nothing and a year."""
        if not 0 <= params.delay_s <= DELAY_S_MAX:
            raise ValueError(f"`delay_s` must lie between 0 and {DELAY_S_MAX}")

    async def run(self, params: AgainParams, context: ActionContext) -> Result:
        """Record the other action together with this one's end."""
        del context
        return Result(then=(Todo(params.kind, params.params, delay_s=params.delay_s),))

    def describe(self, params: AgainParams) -> str:
        """What would follow, and when."""
        return f"ask for `{params.kind}` in {params.delay_s:g} s"
