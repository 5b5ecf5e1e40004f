"""How large a request's body may be, by its address; beyond that it is not read on."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from starlette.exceptions import HTTPException

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

ORDINARY: Final = 1 << 20
LARGE: Final = (
    ("/v1/lists/", 128 << 20),  # a million items with their expiries
    ("/v1/profiles/", 64 << 20),  # some hundred thousand rows of a table
    ("/v1/parameters/", 64 << 20),
    ("/v1/decisions/batch", 16 << 20),
    ("/v1/rulesets/draft", 16 << 20),  # a full set of the longest rules
    ("/v1/rules/check", 16 << 20),
)
"""Start of an address → bytes."""


def limit_of(path: str) -> int:
    """Bytes that a body may have.

    >>> limit_of("/v1/keys"), limit_of("/v1/rules/check")
    (1048576, 16777216)
    """
    return next((size for start, size in LARGE if path.startswith(start)), ORDINARY)


def bounded(receive: Receive, limit: int) -> Receive:
    """The same body, refused with 413 as soon as it is too large."""
    size = 0

    async def receive_some() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413)
        return message

    return receive_some
