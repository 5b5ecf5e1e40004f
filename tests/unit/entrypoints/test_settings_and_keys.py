"""What an operator may set, and how callers are let in or slowed down."""

import base64
from pathlib import Path
from typing import Any

import pytest

from sekisho.entrypoints.auth import admit, secret_of
from sekisho.entrypoints.keys import ApiKey, Keyring, RateLimiter, digest_of, new_secret
from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.entrypoints.settings import Settings, SettingsError, read_settings
from sekisho.kit.clock import ManualClock


def test_environment_sets_and_arguments_win() -> None:
    environment = {"SEKISHO_DATA": "there", "SEKISHO_PORT": "99", "SEKISHO_DEV": "true"}
    read = read_settings({**environment, "PATH": "x"}, port=0, host=None)
    assert (read.data, read.port, read.dev, read.host) == (Path("there"), 0, True, "127.0.0.1")


@pytest.mark.parametrize(
    "environment",
    [
        {"SEKISHO_PROT": "1"},
        {"SEKISHO_PORT": "many"},
        {"SEKISHO_PORT": "70000"},
        {"SEKISHO_DEV": "perhaps"},
        {"SEKISHO_IDEMPOTENCY_HOURS": "23"},
        {"SEKISHO_TRACE_RATIO": "2"},
        {"SEKISHO_RATE_LIMIT_PER_S": "0"},
        {"SEKISHO_EGRESS_ALLOW": "10.1.0.0/33"},
    ],
)
def test_wrong_setting_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(environment))):
        read_settings(environment)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 — refused, that is the test
def test_developer_mode_stays_on_the_loopback(host: str) -> None:
    with pytest.raises(SettingsError, match="loopback"):
        Settings(dev=True, host=host)
    assert Settings(host=host).host == host


def basic(user: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:".encode())


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (b"Bearer sk_x", "sk_x"),
        (b"bearer  sk_x ", "sk_x"),
        (basic("sk_x"), "sk_x"),
        (b"Basic ***", ""),
        (b"Digest sk_x", ""),
        (b"", ""),
        (b"Bearer \xff", "\xff"),
    ],
)
def test_secret_is_read_from_bearer_or_basic(header: bytes, secret: str) -> None:
    assert secret_of([(b"authorization", header)]) == secret


def key_of(secret: str, *scopes: str, revoked_us: int = 0) -> ApiKey:
    return ApiKey("key_1", "n", digest_of(secret), "…", frozenset(scopes), 1, revoked_us)


def refusal_of(call: Any) -> HttpRefusal:
    with pytest.raises(HttpRefusal) as refused:
        call()
    return refused.value


def test_caller_is_admitted_by_key_scope_and_rate() -> None:
    clock = ManualClock(0)
    ring, limiter = Keyring([key_of("sk_a", "read")]), RateLimiter(clock, 2)
    headers = [(b"authorization", b"Bearer sk_a")]
    assert refusal_of(lambda: admit(ring, limiter, [], "read")).status == 401
    assert refusal_of(lambda: admit(ring, limiter, headers, "rules")).status == 403
    for _ in range(4):
        assert admit(ring, limiter, headers, "read").id == "key_1"
    slowed = refusal_of(lambda: admit(ring, limiter, headers, "read"))
    assert (slowed.status, slowed.error["code"]) == (429, "rate_limit")
    clock.advance(0.5)
    assert admit(ring, limiter, headers, "read")
    assert refusal_of(lambda: admit(ring, limiter, headers, "read")).status == 429


def test_keys_are_limited_apart() -> None:
    limiter = RateLimiter(ManualClock(0), 1)
    assert [limiter.allow("a") for _ in range(3)] == [True, True, False]
    assert limiter.allow("b")


def test_batch_that_costs_more_than_is_left_takes_nothing() -> None:
    limiter = RateLimiter(ManualClock(0), 5)
    assert not limiter.allow("a", 11)
    assert limiter.allow("a", 10)


def test_revoked_key_is_never_found() -> None:
    ring = Keyring([key_of("sk_old", "read", revoked_us=5)])
    assert ring.find("sk_old") is None
    ring.add(key_of("sk_new", "read"))
    assert ring.find("sk_new") is not None
    ring.revoke("key_1")
    assert ring.find("sk_new") is None


def test_secret_tells_its_mode_and_is_never_twice_the_same() -> None:
    assert new_secret(live=True).startswith("sk_live_")
    assert new_secret(live=False).startswith("sk_test_")
    assert len({new_secret(live=True) for _ in range(50)}) == 50
