"""The same request twice is answered once: keys in flight, keys recorded."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from sekisho.ledger.entry import IdempotencyKey


class Claim(Enum):
    """What a new request with an idempotency key meets, in order of precedence."""

    MISMATCH = auto()
    """The key was used with another body: refuse (422; 400 in Stripe's shape)."""
    RUNNING = auto()
    """The first request with this key is still running: refuse (409)."""
    FRESH = auto()
    """Nobody used the key: go on, and `end` it whatever happens."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The recorded answer to a key: send it again, byte for byte."""

    body_hash: bytes
    status: int
    answer: bytes


class InFlight:
    """Keys whose first request is running; used by one thread, the one that decides."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], bytes] = {}

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, key: IdempotencyKey) -> Claim:
        """Claim a key for a request; only a fresh claim has to be ended."""
        name = (key.scope, key.key)
        running = self._running.get(name)
        if running is None:
            self._running[name] = key.body_hash
            return Claim.FRESH
        return Claim.RUNNING if running == key.body_hash else Claim.MISMATCH

    def end(self, key: IdempotencyKey) -> None:
        """The request was answered, recorded or refused: its key is free or in the ledger."""
        self._running.pop((key.scope, key.key), None)


class _Recorded(Protocol):
    def find_idempotent(self, scope: str, key: str) -> Replay | None: ...


def claim(recorded: _Recorded, in_flight: InFlight, key: IdempotencyKey) -> Claim | Replay:
    """What to do with a request that carries an idempotency key.

    Call it after the request was validated: a request that failed validation leaves nothing.
    `FRESH` obliges the caller to `in_flight.end(key)` once the entry is recorded or given up.
    """
    met = in_flight.begin(key)
    if met is not Claim.FRESH:
        return met
    replay = recorded.find_idempotent(key.scope, key.key)
    if replay is None:
        return Claim.FRESH
    in_flight.end(key)
    return replay if replay.body_hash == key.body_hash else Claim.MISMATCH
