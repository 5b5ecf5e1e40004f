"""What people and other systems do with actions: ask, look, stop, repeat, take back."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from sekisho.actions.executor import settling
from sekisho.actions.kinds import Kinds, KindUnknown, ParamsRefused, Todo, Verdict
from sekisho.actions.rows import Asked, cause_of, derived_id, row_of
from sekisho.durable import AuditLine, Job, Move, Pause, PauseOf, Queue, State, Submitted, Wanted
from sekisho.kit.clock import Clock

REPLAYABLE = (State.DEAD, State.CANCELLED)
DELAY_S_MAX = 366 * 86_400


class ActionRefused(Exception):
    """What is asked of the desk cannot be; the message says why, and what can.

    Attributes:
        status: as HTTP has it.
        code: for programs.
        param: which field.
    """

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param


class Shown(msgspec.Struct, frozen=True):
    """An action with its history."""

    job: Job
    audit: tuple[AuditLine, ...]


class ActionDesk:
    """Takes actions in from outside, and carries out what people ask.

    Args:
        queue: where actions are.
        kinds: what can be asked for.
        clock: for now.
        wake: tells the executor that there may be something to do.
    """

    VERDICTS: ClassVar[dict[str, Verdict | None]] = {
        "done": Verdict.DONE,
        "again": Verdict.NOT_DONE,
        "dead": None,
    }
    """What a person may say about an action of unknown outcome."""

    def __init__(self, queue: Queue, kinds: Kinds, clock: Clock, wake: Callable[[], None]) -> None:
        self._queue = queue
        self.kinds = kinds
        self._clock = clock
        self._wake = wake

    # ── asking ──────────────────────────────────────────────────────────────────────────────────

    async def submit(self, action_id: str, todo: Todo, asked: Asked) -> Submitted:
        """Take an action in, once for its id.

        Raises:
            ActionRefused: its kind is unknown or refuses the parameters, or the id was used for
                something else.
        """
        self._check(todo)
        (taken,) = await self._queue.submit([row_of(self.kinds, action_id, todo, asked)])
        if taken.digest.lower() != asked.digest.hex():
            raise ActionRefused(
                422, "id_in_use", "this id was used for another action: give yours its own", "id"
            )
        self._wake()
        return taken

    def _check(self, todo: Todo) -> None:
        if not 0 <= todo.delay_s <= DELAY_S_MAX:
            raise ActionRefused(
                422, "out_of_range", f"a delay is 0 to {DELAY_S_MAX} seconds", "delay_s"
            )
        try:
            self.kinds.check(todo.kind, msgspec.json.encode(todo.params))
        except KindUnknown as error:
            raise ActionRefused(422, "kind_unknown", str(error.args[0]), "kind") from error
        except ParamsRefused as error:
            raise ActionRefused(422, "params_refused", str(error), "params") from error

    # ── looking ─────────────────────────────────────────────────────────────────────────────────

    async def show(self, action_id: str) -> Shown:
        """An action with its history.

        Raises:
            ActionRefused: 404, there is none.
        """
        job = await self._queue.find(action_id)
        if job is None:
            raise _none(action_id)
        return Shown(job, tuple(await self._queue.audit(job)))

    async def newest(self, wanted: Wanted) -> list[Job]:
        """Actions, the newest first."""
        return await self._queue.newest(wanted)

    async def pauses(self) -> list[Pause]:
        """What is paused."""
        return await self._queue.pauses()

    # ── stopping and repeating ──────────────────────────────────────────────────────────────────

    async def cancel(self, action_id: str, who: str) -> Job:
        """Never start an action that waits.

        Raises:
            ActionRefused: there is none, or it is under way or over.
        """
        return await self._move(action_id, (State.READY,), State.CANCELLED, "cancelled", who)

    async def replay(self, action_id: str, who: str) -> Job:
        """Give an action that is dead or cancelled its attempts anew.

        Raises:
            ActionRefused: there is none, or it is neither.
        """
        return await self._move(action_id, REPLAYABLE, State.READY, "replayed", who)

    async def settle(self, action_id: str, verdict: str, who: str) -> Job:
        """Say how an attempt of unknown outcome ended: `done`, `again` or `dead`.

        Raises:
            ActionRefused: there is none, or nobody asked.
        """
        found = self.VERDICTS[verdict]
        if found is None:
            expected = (State.NEEDS_CHECK,)
            return await self._move(action_id, expected, State.DEAD, "found_dead", who)
        return await self._carry_out(settling(action_id, found, who, self._clock.now_us()))

    async def undo(self, action_id: str, who: str) -> Job:
        """Ask for the action that takes a done one back; asked twice, it is the same action.

        Raises:
            ActionRefused: there is none, it is not done, or it cannot be taken back.
        """
        job = (await self.show(action_id)).job
        if job.state is not State.DONE:
            raise _wrong_state(job, "undone", (State.DONE,))
        inverse = self._inverse(job)
        undo_id = derived_id(job.id, "undo")
        now_us = self._clock.now_us()
        asked = Asked(
            origin=f"action:{job.id}",
            now_us=now_us,
            subject=job.subject,
            context=msgspec.json.encode({**cause_of(job), "undone_by": who}),
            traceparent=job.traceparent,
            ordering_key=job.ordering_key,
            undo_of=job.id,
        )
        await self._queue.submit([row_of(self.kinds, undo_id, inverse, asked)])
        self._wake()
        return (await self.show(undo_id)).job

    def _inverse(self, job: Job) -> Todo:
        result: dict[str, Any] = msgspec.json.decode(job.result) if job.result else {}
        try:
            kind, params = self.kinds.read(job.kind, job.payload.encode())
        except (KindUnknown, ParamsRefused) as error:
            raise ActionRefused(409, "not_undoable", str(error.args[0])) from error
        inverse = None if job.dry_run else kind.undo(params, result)
        if inverse is None:
            raise ActionRefused(
                409, "not_undoable", f"a `{job.kind}` such as `{job.id}` cannot be taken back"
            )
        return inverse

    async def pause(self, what: PauseOf, name: str, who: str) -> None:
        """Let actions of a kind, or to a destination, wait; those under way end."""
        await self._queue.pause(what, name, who, self._clock.now_us())

    async def resume(self, what: PauseOf, name: str) -> None:
        """Let them go on.

        Raises:
            ActionRefused: they are not paused.
        """
        if not await self._queue.resume(what, name):
            raise ActionRefused(404, "resource_missing", f"the {what} `{name}` is not paused")
        self._wake()

    async def _move(
        self, action_id: str, expected: tuple[State, ...], to: State, what: str, who: str
    ) -> Job:
        now_us = self._clock.now_us()
        return await self._carry_out(Move(action_id, expected, to, what, who, now_us))

    async def _carry_out(self, move: Move) -> Job:
        moved = await self._queue.move(move)
        if moved is None:
            job = await self._queue.find(move.id)
            raise _none(move.id) if job is None else _wrong_state(job, move.what, move.expected)
        self._wake()
        return moved


def _none(action_id: str) -> ActionRefused:
    return ActionRefused(404, "resource_missing", f"no such action: '{action_id}'", "id")


def _wrong_state(job: Job, what: str, expected: tuple[State, ...]) -> ActionRefused:
    needed = " or ".join(state.name.lower() for state in expected)
    return ActionRefused(
        409,
        "wrong_state",
        f"`{job.id}` is {job.state.name.lower()}: only what is {needed} can be {what}",
    )
