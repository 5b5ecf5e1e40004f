"""The queue over the outbox: claim, lease, end, look at; one port, an adapter for each store."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, Literal, Protocol

import msgspec

from sekisho.durable.outbox import OutboxRow, Retry

PauseOf = Literal["kind", "destination"]
"""What may be paused."""


class State(IntEnum):
    """Where an action stands; the numbers are those of the table."""

    READY = 0
    LEASED = 1
    DONE = 2
    DEAD = 3
    NEEDS_CHECK = 4
    CANCELLED = 5
    NOTED = 6


UNFINISHED: Final = frozenset({State.READY, State.LEASED})


class Held(IntEnum):
    """Why a ready action is not claimed."""

    NO = 0
    BEHIND = 1
    """Another of its key comes first."""
    PAUSED = 2
    """Its kind or its destination is paused."""


class Job(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row of the queue, in the order in which the adapters select it.

    Attributes:
        seq: order of arrival.
        fence: grows with each lease; only the newest lease may end the job.
        digest: hexadecimal.
    """

    seq: int
    id: str
    kind: str
    payload: str
    context: str
    ordering_key: str
    destination: str
    origin: str
    subject: str
    digest: str
    traceparent: str
    retry: Retry
    cause: int
    accepted_us: int
    due_at_us: int
    not_before_us: int
    deadline_us: int
    dry_run: int
    undo_of: str
    follow: str
    attempts_max: int
    state: State
    held: Held
    attempts: int
    fence: int
    lease_until_us: int | None
    ended_us: int | None
    result: str | None
    error: str | None


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How an attempt ended, and what becomes of its job.

    Attributes:
        job: as it was claimed.
        state: `READY` to try again, else where it stays.
        what: the word for the audit line.
        started_us, at_us: of the attempt.
        detail: the error, or what else is to be said.
        not_before_us: when to try again.
        result: JSON to keep.
        uncounted: nothing was tried; the attempt is given back.
        then: actions that follow, recorded in the same commit.
        who: the process that made the attempt.
    """

    job: Job
    state: State
    what: str
    started_us: int
    at_us: int
    detail: str = ""
    not_before_us: int = 0
    result: str | None = None
    uncounted: bool = False
    then: tuple[OutboxRow, ...] = ()
    who: str = ""


class Claiming(msgspec.Struct, frozen=True):
    """Who asks for jobs, and how many."""

    owner: str
    now_us: int
    lease_us: int
    limit: int


class Claimed(msgspec.Struct, frozen=True):
    """Jobs leased, in order.

    Attributes:
        jobs: each with its attempt already counted.
        next_us: when the next one is due, if the queue knows; 0 = at once; None = nothing waits.
    """

    jobs: tuple[Job, ...]
    next_us: int | None


class Submitted(msgspec.Struct, frozen=True):
    """What the queue has under an id that was handed in.

    Attributes:
        digest: of the request that was first, hexadecimal.
        is_new: it was this request.
    """

    id: str
    digest: str
    accepted_us: int
    is_new: bool


class AuditLine(msgspec.Struct, frozen=True, array_like=True):
    """One line of an action's history: an attempt, or what a person did."""

    attempt: int
    started_us: int
    at_us: int
    what: str
    detail: str
    who: str


class Pause(msgspec.Struct, frozen=True, array_like=True):
    """A kind or a destination whose actions wait."""

    what: PauseOf
    name: str
    since_us: int
    who: str


class Move(msgspec.Struct, frozen=True):
    """What a person does with an action.

    Attributes:
        id: the action.
        expected: states in which it may be done.
        to: the new state; `READY` gives it `more` attempts from now on.
        what, detail, who: for the audit line.
    """

    id: str
    expected: tuple[State, ...]
    to: State
    what: str
    who: str
    now_us: int
    detail: str = ""
    more: int = 8


class Wanted(msgspec.Struct, frozen=True):
    """Which actions to list, the newest first.

    Attributes:
        state: of that state; None = of any but `NOTED`.
        before: arrived before this `seq`; 0 = from the newest on.
    """

    limit: int = 20
    before: int = 0
    state: State | None = None
    kind: str = ""
    origin: str = ""


class Depths(msgspec.Struct, frozen=True, array_like=True):
    """How many actions stand where, of those that are not over."""

    ready: int
    held: int
    leased: int
    dead: int
    needs_check: int


class Since(msgspec.Struct, frozen=True, array_like=True):
    """That an origin asked for something about a subject."""

    origin: str
    subject: str
    accepted_us: int


class Queue(Protocol):
    """Durable jobs with leases. Every method returns after what it wrote is on disk."""

    async def submit(self, rows: Sequence[OutboxRow]) -> list[Submitted]:
        """Take jobs in, each once: an id that is known already keeps its first row."""
        ...

    async def claim(self, claiming: Claiming) -> Claimed:
        """Lease what is due.

        The attempt is counted before anybody runs it. What is past its deadline or has used up its
        attempts is ended as dead; what is paused or behind another of its key is set aside.
        """
        ...

    async def end(self, endings: Sequence[Ending]) -> frozenset[int]:
        """End attempts; returns the `seq` of those whose lease was still theirs.

        For the others nothing is written: neither state, nor result, nor what was to follow.
        """
        ...

    async def renew(self, jobs: Sequence[Job], until_us: int) -> frozenset[int]:
        """Make leases last longer; returns the `seq` of those that were still held."""
        ...

    async def sweep(self, now_us: int, ask: Iterable[str], owner: str = "") -> int:
        """Take leases away that ran out; returns how many.

        Jobs that are safe to repeat become ready again, or dead when it was their last attempt;
        those of the kinds in `ask`, and rows that say so, need a check.

        Args:
            now_us: the present.
            ask: kinds whose attempts of unknown outcome must be checked.
            owner: leases of every other owner have run out too; empty when others may live.
        """
        ...

    async def move(self, move: Move) -> Job | None:
        """Do what a person asks; None when there is no such action in an expected state."""
        ...

    async def pause(self, what: PauseOf, name: str, who: str, now_us: int) -> None:
        """Let actions of a kind, or to a destination, wait from now on."""
        ...

    async def resume(self, what: PauseOf, name: str) -> bool:
        """Let them go on; False when they were not paused."""
        ...

    async def prune(self, before_us: int) -> int:
        """Forget what was accepted before a moment and is over, dead actions never."""
        ...

    async def find(self, action_id: str) -> Job | None:
        """One action."""
        ...

    async def newest(self, wanted: Wanted) -> list[Job]:
        """Actions, the newest first."""
        ...

    async def audit(self, job: Job) -> list[AuditLine]:
        """What happened to an action, in order."""
        ...

    async def pauses(self) -> list[Pause]:
        """What is paused."""
        ...

    async def depths(self) -> Depths:
        """How many actions stand where."""
        ...

    async def since(self, origins: str, since_us: int) -> list[Since]:
        """What origins that begin so asked for since a moment."""
        ...
