"""What every route of the framework shares: the node, the caller's key, the answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import Depends, Request, Response

from sekisho.entrypoints.auth import admit
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node


def node_of(request: Request) -> Node:
    """The running Sekisho behind a request."""
    node: Node = request.app.state.node
    return node


def needs(scope: str) -> Callable[[Request], Awaitable[ApiKey]]:
    """A dependency that lets a request pass only with a key of that scope."""

    async def check(request: Request) -> ApiKey:
        node = node_of(request)
        return admit(node.keyring, node.limiter, request.headers.raw, scope)

    return check


def need(scope: str) -> Any:
    """The caller's key, as a default of a route's parameter."""
    return Depends(needs(scope))


def answer(value: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")
