"""`POST /v1/decisions` without a framework: the one route where microseconds count."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from sekisho.entrypoints.auth import admit, identify
from sekisho.entrypoints.body_limit import bounded, limit_of
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal, as_refusal
from sekisho.flow import Asking, Done, Reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Submit = Callable[[bytes, Asking, Done], None]

MAX_BODY: Final = 65_536
"""Bytes of one event: forty times an ordinary one."""
MAX_KEY: Final = 255
"""Characters of an idempotency key, as at the vendor."""
_JSON: Final = (b"content-type", b"application/json")
STRIPE: Final = "/v1/radar/"
"""Paths in Stripe's shape, which take forms."""


def as_json(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a body that can only be JSON, whatever the client's default calls it."""
    return [*(one for one in headers if one[0] != _JSON[0]), _JSON]


async def read_body(receive: Receive, limit: int) -> bytes:
    """The request's body, refused as soon as it is too large.

    Raises:
        HttpRefusal: 413 beyond `limit` bytes.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > limit:
            raise too_large(limit)
        return body
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def too_large(limit: int) -> HttpRefusal:
    """The body has too many bytes."""
    return HttpRefusal(413, "too_large", f"the body is larger than {limit} bytes")


def idempotency_key(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The Idempotency-Key header, or the empty text.

    Raises:
        HttpRefusal: 400 when it is too long.
    """
    for name, value in headers:
        if name == b"idempotency-key":
            if len(value) > MAX_KEY:
                raise HttpRefusal(
                    400, "idempotency_key_too_long", f"a key has at most {MAX_KEY} characters"
                )
            return value.decode("latin-1")
    return ""


Waiting = asyncio.Future[Reply | Exception]


def begin(node: Node, submit: Submit, body: bytes, asking: Asking) -> Waiting:
    """Hand an event to the checkpoint; the future ends when its answer is durable.

    Raises:
        HttpRefusal: the checkpoint does not take the event.
    """
    waiting: Waiting = node.loop.create_future()

    def done(result: Reply | Exception) -> None:
        if not waiting.done():
            waiting.set_result(result)

    try:
        submit(body, asking, done)
    except Exception as error:
        raise as_refusal(error) from error
    return waiting


async def finish(waiting: Waiting) -> Reply:
    """The durable answer.

    Raises:
        HttpRefusal: it could not be recorded.
    """
    result = await waiting
    if isinstance(result, Exception):
        raise as_refusal(result) from result
    return result


async def ask(node: Node, submit: Submit, body: bytes, asking: Asking) -> Reply:
    """Hand an event over and wait for its durable answer."""
    return await finish(begin(node, submit, body, asking))


async def post_decision(node: Node, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request for a decision."""
    request_id = node.request_id()
    try:
        key = admit(node.keyring, node.limiter, scope["headers"], "decide")
        name = idempotency_key(scope["headers"])
        body = await read_body(receive, MAX_BODY)
        reply = await finish(begin(node, node.checkpoint.decide, body, Asking(key.id, name)))
    except HttpRefusal as refusal:
        node.metrics.refused(refusal.status)
        await respond(send, refusal.status, refusal.body(), request_id)
        return
    await respond(send, reply.status, reply.body, request_id, replayed=reply.replayed)


async def respond(
    send: Send, status: int, body: bytes, request_id: bytes, *, replayed: bool = False
) -> None:
    """Send a JSON answer in two messages."""
    headers = [_JSON, (b"content-length", b"%d" % len(body)), (b"request-id", request_id)]
    if replayed:
        headers.append((b"idempotent-replayed", b"true"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Doorway:
    """The ASGI application: the decision route by hand, everything else by the framework."""

    def __init__(
        self, node: Node, framework: Callable[[Scope, Receive, Send], Awaitable[None]]
    ) -> None:
        self._node = node
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if (
            scope["type"] == "http"
            and scope["path"] == "/v1/decisions"
            and scope["method"] == "POST"
        ):
            await post_decision(self._node, scope, receive, send)
            return
        if scope["type"] == "http":
            receive = bounded(receive, limit_of(scope["path"]))
            if not scope["path"].startswith(STRIPE):
                scope["headers"] = as_json(scope["headers"])
            if scope["path"].startswith("/v1/") and await self._turned_away(scope, send):
                return
        await self._framework(scope, receive, send)

    async def _turned_away(self, scope: Scope, send: Send) -> bool:
        """Whether a stranger was told to leave, before a byte of the body is read."""
        try:
            identify(self._node.keyring, scope["headers"])
        except HttpRefusal as refusal:
            self._node.metrics.refused(refusal.status)
            await respond(send, refusal.status, refusal.body(), self._node.request_id())
            return True
        return False
