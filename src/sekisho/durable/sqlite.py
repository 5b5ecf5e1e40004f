"""The queue in the embedded store: a claim is one select and one update in a shared commit."""

# The stubs of apsw name Buffer, which Python 3.11 has not.
# pyright: strict, reportUnknownMemberType=false

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import apsw
import msgspec

from sekisho.durable.outbox import OutboxRow, insert_new
from sekisho.durable.queries import load_queries
from sekisho.durable.queue import (
    AuditLine,
    Claimed,
    Claiming,
    Depths,
    Ending,
    Held,
    Job,
    Move,
    Pause,
    PauseOf,
    Since,
    State,
    Submitted,
    Wanted,
)
from sekisho.durable.seams import seam
from sekisho.durable.store import Store

Result = TypeVar("Result")
_ALL = load_queries("sekisho.durable")
_SQL: Final = {
    name: text.replace("{job}", _ALL["queue_job"])
    for name, text in _ALL.items()
    if name.startswith("queue_")
}
_FAR: Final = (1 << 62) - 1
PRUNED_AT_ONCE: Final = 2000
"""Rows forgotten in one commit, so that decisions wait a few milliseconds at most."""
INDEXED: Final = frozenset({State.DEAD, State.NEEDS_CHECK, State.CANCELLED})
REASONS: Final = {"late": "its deadline has passed", "used_up": "its attempts are used up"}
"""Why a job is dead without an attempt."""

_due = msgspec.json.Decoder(list[tuple[str, Job]])
_jobs = msgspec.json.Decoder(list[Job])
_seqs = msgspec.json.Decoder(list[int])
_lines = msgspec.json.Decoder(list[AuditLine])
_pauses = msgspec.json.Decoder(list[Pause])
_since = msgspec.json.Decoder(list[Since])
_known = msgspec.json.Decoder(list[tuple[str, str, int]])


class SqliteQueue:
    """The queue of one process, over the outbox that decisions write to.

    Args:
        store: whose writer thread it shares; the outbox's tables are there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def _write(self, run: Callable[[apsw.Connection], Result]) -> Result:
        return await asyncio.wrap_future(self._store.write(run))

    def _read(self, name: str, values: Mapping[str, Any]) -> str | None:
        return _one(self._store.read(), name, values)

    async def submit(self, rows: Sequence[OutboxRow]) -> list[Submitted]:
        """Take jobs in, each once."""
        name, ids = "queue_submitted", _json([row.id for row in rows])

        def run(connection: apsw.Connection) -> list[Submitted]:
            before = {one for one, _, _ in _known.decode(_text(connection, name, ids=ids))}
            insert_new(connection, rows)
            after = _known.decode(_text(connection, name, ids=ids))
            found = {one[0]: Submitted(*one, is_new=one[0] not in before) for one in after}
            return [found[row.id] for row in rows]

        return await self._write(run)

    async def claim(self, claiming: Claiming) -> Claimed:
        """Lease what is due."""
        return await self._write(lambda connection: _claim(connection, claiming))

    async def end(self, endings: Sequence[Ending]) -> frozenset[int]:
        """End attempts whose lease still holds."""
        return await self._write(lambda connection: _end(connection, endings))

    async def renew(self, jobs: Sequence[Job], until_us: int) -> frozenset[int]:
        """Make leases last longer."""

        def run(connection: apsw.Connection) -> frozenset[int]:
            held = _owned(connection, jobs)
            _run(connection, "queue_renew", until=until_us, seqs=_json(sorted(held)))
            return held

        return await self._write(run)

    async def sweep(self, now_us: int, ask: Iterable[str], owner: str = "") -> int:
        """Take leases away that ran out."""
        kinds = frozenset(ask)

        def run(connection: apsw.Connection) -> int:
            found = _jobs.decode(_text(connection, "queue_lapsed", now=now_us, owner=owner))
            _write_endings(connection, [lapsed(job, now_us, kinds) for job in found])
            return len(found)

        return await self._write(run)

    async def move(self, move: Move) -> Job | None:
        """Do what a person asks."""
        return await self._write(lambda connection: _move(connection, move))

    async def pause(self, what: PauseOf, name: str, who: str, now_us: int) -> None:
        """Let actions wait from now on."""
        values = {"what": what, "name": name, "who": who, "now": now_us}
        await self._write(lambda connection: _run(connection, "queue_pause", **values))

    async def resume(self, what: PauseOf, name: str) -> bool:
        """Let them go on."""

        def run(connection: apsw.Connection) -> bool:
            was_paused = _run(connection, "queue_resume", what=what, name=name) > 0
            _run(connection, "queue_release", what=what, name=name)
            return was_paused

        return await self._write(run)

    async def prune(self, before_us: int) -> int:
        """Forget what is over, some at a time."""
        values = {"before": before_us, "limit": PRUNED_AT_ONCE}
        total = 0
        while count := await self._write(lambda c: _run(c, "queue_prune", **values)):
            total += count
        if total:
            await self._write(lambda c: _run(c, "queue_prune_audit"))
        return total

    async def find(self, action_id: str) -> Job | None:
        """One action."""
        found = self._read("queue_find", {"id": action_id})
        return msgspec.json.decode(found, type=Job) if found else None

    async def newest(self, wanted: Wanted) -> list[Job]:
        """Actions, the newest first."""
        name = "queue_list_state" if wanted.state in INDEXED else "queue_list"
        values: dict[str, Any] = {
            "before": wanted.before or _FAR,
            "state": -1 if wanted.state is None else int(wanted.state),
            "kind": wanted.kind,
            "origin": wanted.origin,
            "limit": wanted.limit,
        }
        if name == "queue_list":
            values["noted"] = wanted.state is not None
        return _jobs.decode(await asyncio.to_thread(self._read, name, values) or "[]")

    async def audit(self, job: Job) -> list[AuditLine]:
        """What happened to an action, in order."""
        return _lines.decode(self._read("queue_audit_of", {"seq": job.seq}) or "[]")

    async def pauses(self) -> list[Pause]:
        """What is paused."""
        return _pauses.decode(self._read("queue_pauses", {}) or "[]")

    async def depths(self) -> Depths:
        """How many actions stand where."""
        found = await asyncio.to_thread(self._read, "queue_depths", {})
        return msgspec.json.decode(found or "[0,0,0,0,0]", type=Depths)

    async def since(self, origins: str, since_us: int) -> list[Since]:
        """What origins that begin so asked for since a moment."""
        values = {"low": origins, "high": origins + "\U0010ffff", "since": since_us}
        return _since.decode(self._read("queue_since", values) or "[]")


def lapsed(job: Job, now_us: int, ask: frozenset[str]) -> Ending:
    """What becomes of a job whose lease ran out: nobody knows how its attempt ended."""
    if job.retry == "ask" or job.kind in ask:
        state, detail = State.NEEDS_CHECK, "the process ended, or hung, during the attempt"
    elif job.attempts >= job.attempts_max:
        state, detail = State.DEAD, REASONS["used_up"]
    else:
        state, detail = State.READY, ""
    return Ending(job, state, "lapsed", now_us, now_us, detail, not_before_us=now_us)


def _claim(connection: apsw.Connection, claiming: Claiming) -> Claimed:
    now_us = claiming.now_us
    found = _due.decode(_text(connection, "queue_due", now=now_us, limit=claiming.limit))
    by: dict[str, list[Job]] = {}
    for verdict, job in found:
        by.setdefault(verdict, []).append(job)
    until = now_us + claiming.lease_us
    jobs = [_leased(job, until) for job in by.get("", ())]
    if jobs:
        seqs = _json([job.seq for job in jobs])
        _run(connection, "queue_lease", owner=claiming.owner, until=until, seqs=seqs)
        seam("action.claimed")
    for verdict, held in (("behind", Held.BEHIND), ("paused", Held.PAUSED)):
        if verdict in by:
            seqs = _json([job.seq for job in by[verdict]])
            _run(connection, "queue_hold", held=int(held), seqs=seqs)
    over = [
        Ending(job, State.DEAD, "dead", now_us, now_us, REASONS[verdict], who=claiming.owner)
        for verdict in REASONS
        for job in by.get(verdict, ())
    ]
    if over:
        _write_endings(connection, over)
    if len(found) == claiming.limit:
        return Claimed(tuple(jobs), 0)
    next_us = connection.execute(_SQL["queue_next"]).fetchone()
    return Claimed(tuple(jobs), cast("int | None", next_us[0]) if next_us else None)


def _leased(job: Job, until_us: int) -> Job:
    return msgspec.structs.replace(
        job,
        state=State.LEASED,
        attempts=job.attempts + 1,
        fence=job.fence + 1,
        lease_until_us=until_us,
    )


def _owned(connection: apsw.Connection, jobs: Sequence[Job]) -> frozenset[int]:
    pairs = _json([(job.seq, job.fence) for job in jobs])
    return frozenset(_seqs.decode(_text(connection, "queue_owned", pairs=pairs)))


def _end(connection: apsw.Connection, endings: Sequence[Ending]) -> frozenset[int]:
    owned = _owned(connection, [ending.job for ending in endings])
    _write_endings(connection, [one for one in endings if one.job.seq in owned])
    seam("action.ended")
    return owned


def _write_endings(connection: apsw.Connection, endings: Sequence[Ending]) -> None:
    """Write endings of jobs that nobody else may end: their lease was checked in this commit."""
    if not endings:
        return
    _run(connection, "queue_end", endings=_json([_ended(one) for one in endings]))
    _audit(connection, [_line(one) for one in endings if not one.uncounted])
    following = [row for one in endings for row in one.then]
    if following:
        insert_new(connection, following)
    keyed = [one.job.seq for one in endings if one.job.ordering_key]
    if keyed:
        _run(connection, "queue_unblock", seqs=_json(keyed))


def _ended(one: Ending) -> tuple[object, ...]:
    ended_us = None if one.state is State.READY else one.at_us
    return (
        one.job.seq,
        int(one.state),
        one.not_before_us,
        ended_us,
        one.result,
        one.detail or None,
        int(Held.NO),
        int(one.uncounted),
    )


def _line(one: Ending) -> tuple[object, ...]:
    job = one.job
    return (job.seq, job.attempts, one.started_us, one.at_us, one.what, one.detail, one.who)


def _move(connection: apsw.Connection, move: Move) -> Job | None:
    moved = _run(
        connection,
        "queue_move",
        id=move.id,
        to=int(move.to),
        now=move.now_us,
        more=move.more,
        detail=move.detail or None,
        expected=_json([int(state) for state in move.expected]),
    )
    found = _one(connection, "queue_find", {"id": move.id}) if moved else None
    if found is None:
        return None
    job = msgspec.json.decode(found, type=Job)
    now = move.now_us
    _audit(connection, [(job.seq, job.attempts, now, now, move.what, move.detail, move.who)])
    _run(connection, "queue_unblock", seqs=_json([job.seq]))
    return job


def _audit(connection: apsw.Connection, lines: Sequence[tuple[object, ...]]) -> None:
    if lines:
        _run(connection, "queue_audit", lines=_json(lines))


def _run(connection: apsw.Connection, name: str, /, **values: Any) -> int:
    """Run a statement; returns how many rows it changed."""
    before = connection.total_changes()
    connection.execute(_SQL[name], values)
    return connection.total_changes() - before


def _text(connection: apsw.Connection, name: str, /, **values: Any) -> str:
    return _one(connection, name, values) or "[]"


def _one(connection: apsw.Connection, name: str, values: Mapping[str, Any]) -> str | None:
    row = connection.execute(_SQL[name], values).fetchone()
    return None if row is None else cast("str", row[0])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
