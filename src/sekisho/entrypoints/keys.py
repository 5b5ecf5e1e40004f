"""API keys: random, hashed at rest, with scopes and a rate limit each."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sekisho.kit.clock import MICROSECONDS, Clock

DEV_KEY: Final = "sk_test_sekisho"
"""The fixed key of developer mode."""

SCOPES: Final = {
    "decide": "ask for decisions and report outcomes",
    "read": "read decisions, rule sets, lists and counters",
    "rules": "draft and publish rule sets, declare counters",
    "lists": "change lists and their items",
    "act": "ask for actions, cancel, repeat and undo them, put action policies in force",
    "profiles": "push profiles, set parameters",
    "admin": "make and revoke keys, say where webhooks go",
}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as kept: never the key itself."""

    id: str
    name: str
    digest: str
    hint: str
    scopes: frozenset[str]
    created_us: int
    revoked_us: int = 0


def digest_of(key: str) -> str:
    """How a key is kept. Keys carry 256 random bits, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_secret(*, live: bool) -> str:
    """A fresh key, shown once."""
    return f"sk_{'live' if live else 'test'}_{secrets.token_urlsafe(32)}"


class Keyring:
    """The keys in force, by digest."""

    def __init__(self, keys: list[ApiKey]) -> None:
        self._by_digest = {key.digest: key for key in keys if not key.revoked_us}
        self._known: dict[str, ApiKey] = {}

    def find(self, secret: str) -> ApiKey | None:
        """The key of a secret, or None; found by digest, so timing tells nothing about it."""
        known = self._known.get(secret)
        if known is None:
            known = self._by_digest.get(digest_of(secret))
            if known is not None:
                self._known[secret] = known
        return known

    def add(self, key: ApiKey) -> None:
        """Let a new key in."""
        self._by_digest[key.digest] = key

    def revoke(self, key_id: str) -> None:
        """Shut a key out, at once."""
        self._by_digest = {d: key for d, key in self._by_digest.items() if key.id != key_id}
        self._known = {s: key for s, key in self._known.items() if key.id != key_id}


class RateLimiter:
    """A token bucket a key: `per_s` refills, twice that in a burst."""

    def __init__(self, clock: Clock, per_s: int) -> None:
        self._clock = clock
        self._per_s = per_s
        self._buckets: dict[str, tuple[float, int]] = {}

    def allow(self, key_id: str, cost: int = 1) -> bool:
        """Take `cost` tokens; False when the bucket is empty."""
        now_us = self._clock.now_us()
        tokens, since_us = self._buckets.get(key_id, (2.0 * self._per_s, now_us))
        refill = max(0, now_us - since_us) * self._per_s / MICROSECONDS
        tokens = min(2.0 * self._per_s, tokens + refill)
        taken = tokens >= cost
        self._buckets[key_id] = (tokens - cost if taken else tokens, now_us)
        return taken
