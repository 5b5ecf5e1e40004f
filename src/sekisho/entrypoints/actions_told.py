"""How actions look to the API and to the command line."""

from typing import Any

import msgspec

from sekisho.actions import Shown
from sekisho.durable import Held, Job, Pause, State
from sekisho.kit.clock import iso


def told_action(job: Job) -> dict[str, Any]:
    """An action as it stands."""
    return {
        "object": "action",
        "id": job.id,
        "kind": job.kind,
        "state": job.state.name.lower(),
        "waits_for": _waits_for(job),
        "params": msgspec.json.decode(job.payload),
        "cause": msgspec.json.decode(job.context) if job.context else None,
        "origin": job.origin,
        "subject": job.subject or None,
        "ordering_key": job.ordering_key or None,
        "destination": job.destination or None,
        "retry": job.retry,
        "attempts": job.attempts,
        "attempts_max": job.attempts_max,
        "accepted_at": iso(job.accepted_us),
        "due_at": iso(job.due_at_us),
        "next_attempt_at": iso(job.not_before_us) if job.state is State.READY else None,
        "deadline": iso(job.deadline_us) if job.deadline_us else None,
        "ended_at": iso(job.ended_us) if job.ended_us else None,
        "dry_run": bool(job.dry_run),
        "undo_of": job.undo_of or None,
        "result": msgspec.json.decode(job.result) if job.result else None,
        "error": job.error,
    }


def told_whole(shown: Shown) -> dict[str, Any]:
    """An action with its history."""
    lines = [
        {
            "attempt": line.attempt,
            "started_at": iso(line.started_us),
            "at": iso(line.at_us),
            "what": line.what,
            "detail": line.detail or None,
            "by": line.who or None,
        }
        for line in shown.audit
    ]
    return {**told_action(shown.job), "history": lines}


def told_pause(pause: Pause) -> dict[str, Any]:
    """What waits, since when, and who said so."""
    return {
        "object": "action_pause",
        "of": pause.what,
        "name": pause.name,
        "since": iso(pause.since_us),
        "by": pause.who,
    }


def _waits_for(job: Job) -> str | None:
    if job.state is not State.READY:
        return None
    return {Held.NO: None, Held.BEHIND: "another of its key", Held.PAUSED: "a pause"}[job.held]
