"""Who is asking: API keys as Bearer or Basic, scopes, rate limits."""

import base64
import binascii
from collections.abc import Iterable

from sekisho.entrypoints.keys import ApiKey, Keyring, RateLimiter
from sekisho.entrypoints.refusals import HttpRefusal


def secret_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The API key in an Authorization header, or the empty text."""
    for name, value in headers:
        if name == b"authorization":
            return _secret(value)
    return ""


def _secret(value: bytes) -> str:
    scheme, _, rest = value.partition(b" ")
    match scheme.lower():
        case b"bearer":
            return rest.strip().decode("latin-1")
        case b"basic":
            try:
                user, _, _ = base64.b64decode(rest, validate=True).partition(b":")
            except (binascii.Error, ValueError):
                return ""
            return user.decode("latin-1")
        case _:
            return ""


def identify(keyring: Keyring, headers: Iterable[tuple[bytes, bytes]]) -> ApiKey:
    """The key behind a request.

    Raises:
        HttpRefusal: 401 without a valid key.
    """
    secret = secret_of(headers)
    key = keyring.find(secret) if secret else None
    if key is None:
        raise HttpRefusal(
            401,
            "api_key_invalid" if secret else "api_key_missing",
            "no such API key" if secret else "send an API key: `Authorization: Bearer sk_…`",
        )
    return key


def admit(
    keyring: Keyring, limiter: RateLimiter, headers: Iterable[tuple[bytes, bytes]], scope: str
) -> ApiKey:
    """The key behind a request that may use `scope` now.

    Raises:
        HttpRefusal: 401 without a valid key, 403 without the scope, 429 over the rate.
    """
    key = identify(keyring, headers)
    if scope not in key.scopes:
        raise HttpRefusal(
            403, "scope_missing", f"this API key lacks the scope `{scope}`; make one that has it"
        )
    if not limiter.allow(key.id):
        raise HttpRefusal(429, "rate_limit", "too many requests with this key: slow down and retry")
    return key
