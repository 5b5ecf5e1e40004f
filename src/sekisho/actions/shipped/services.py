"""What an installation offers to the kinds: its lists, its records, its webhooks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import apsw

from sekisho.egress import Egress
from sekisho.kit.clock import Clock
from sekisho.rules import Change, ListDesk
from sekisho.webhooks import EndpointKeys

Result = TypeVar("Result")


class CarryOut(Protocol):
    """Writes a change of lists, then shows it to rules."""

    def __call__(self, change: Change[Result], /) -> Awaitable[Result]:
        """Returns what the change wrote once it is in force."""
        ...


class Write(Protocol):
    """Writes inside the next commit."""

    def __call__(self, run: Callable[[apsw.Connection], Result], /) -> Awaitable[Result]:
        """Returns what `run` returned once that is on disk."""
        ...


@dataclass(frozen=True, slots=True)
class Records:
    """The installation's own tables."""

    read: Callable[[], apsw.Connection]
    write: Write
    clock: Clock


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists that rules look into."""

    desk: ListDesk
    carry_out: CarryOut


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The way out, and the keys of endpoints."""

    egress: Egress
    keys: EndpointKeys


Json = dict[str, Any]
"""JSON values by name."""
