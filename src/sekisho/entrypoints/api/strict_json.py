"""Bodies of the framework's routes are read by the decoder that reads events: strict JSON only.

The standard library's takes halves of surrogate pairs, which nothing can write down again, and NaN.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose JSON is that of RFC 8259 in whole UTF-8."""

    async def json(self) -> Any:
        """The body.

        Raises:
            JSONDecodeError: it is not JSON, or nested too deeply.
        """
        try:
            return msgspec.json.decode(await self.body())
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error) or "nested too deeply", "", 0) from error


class StrictRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Handler:
        """The framework's handler, given the strict request."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strictly
