"""The framework's application: all routes but the hot one, and their documentation."""

from pathlib import Path
from typing import Any, Final

import fastapi_offline
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from sekisho import __version__
from sekisho.actions import ActionRefused, PoliciesRefused
from sekisho.collect import ProfileRefused
from sekisho.durable import StoreError
from sekisho.entrypoints.api import (
    action_policies,
    actions,
    backtests,
    counters,
    decisions,
    developer,
    lists,
    operating,
    parameters,
    profiles,
    restraints,
    reviews,
    rule_figures,
    rulesets,
    webhook_endpoints,
)
from sekisho.entrypoints.api.openapi import describe_decisions
from sekisho.entrypoints.backtests import Backtests
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal, as_refusal, our_fault
from sekisho.events import EventRefused
from sekisho.flow import Refusal
from sekisho.kit.sentences import going_on
from sekisho.rules import ListRefused, RulesRefused
from sekisho.webhooks import EndpointRefused

REFUSALS: Final[tuple[type[Exception], ...]] = (
    HttpRefusal,
    EventRefused,
    RulesRefused,
    ListRefused,
    EndpointRefused,
    ActionRefused,
    PoliciesRefused,
    ProfileRefused,
    Refusal,
    StoreError,
)
DOCS: Final = "/docs"
ASSETS: Final = "/docs/assets"
PAGE_FILES: Final = Path(fastapi_offline.__file__).parent / "static"
"""The documentation page's script and style, from a package: nothing is fetched from elsewhere."""


def build_api(node: Node) -> FastAPI:
    """The application for a node."""
    app = FastAPI(
        title="Sekisho",
        strict_content_type=False,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.node = node
    app.state.backtests = Backtests(node)
    for router in (
        decisions.router,
        rulesets.router,
        rule_figures.router,
        counters.router,
        lists.router,
        profiles.router,
        parameters.router,
        backtests.router,
        webhook_endpoints.router,
        reviews.router,
        restraints.router,
        actions.router,
        action_policies.router,
        operating.router,
    ):
        app.include_router(router)
    if node.settings.dev:
        app.include_router(developer.router)
    for kind in REFUSALS:
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(Exception, _broken)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    app.mount(ASSETS, StaticFiles(directory=PAGE_FILES))

    async def openapi(_request: Request) -> dict[str, Any]:
        return describe_decisions(app.openapi())

    async def docs(_request: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Sekisho API",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    app.get("/openapi.json", include_in_schema=False)(openapi)
    app.get(DOCS, include_in_schema=False)(docs)


async def _refused(request: Request, error: Exception) -> Response:
    refusal = as_refusal(error)
    node: Node = request.app.state.node
    node.metrics.refused(refusal.status)
    return _envelope(request, refusal)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        reason = first["ctx"]["error"]
        return _envelope(request, HttpRefusal(400, "not_json", f"the body is not JSON: {reason}"))
    problems = [
        {
            "place": ".".join(str(part) for part in one["loc"][1:]),
            "code": str(one["type"]),
            "message": going_on(one["msg"]),
            "hint": "",
        }
        for one in error.errors()
    ]
    place, message = problems[0]["place"], problems[0]["message"]
    return _envelope(
        request,
        HttpRefusal(
            422,
            "parameter_invalid",
            f"{place}: {message}" if place else message,
            param=place or None,
            problems=problems,
        ),
    )


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, reason = _PLAIN.get(error.status_code, ("bad_request", "unrecognized request"))
    place = f"{request.method} {request.url.path}"
    return _envelope(request, HttpRefusal(error.status_code, code, f"{reason}: {place[:200]}"))


_PLAIN: Final = {
    400: ("not_json", "the body cannot be read as JSON"),
    404: ("resource_missing", "unrecognized request"),
    405: ("method_not_allowed", "this method is not served here"),
    413: ("too_large", "the body is too large"),
}
"""Status → code and reason of what the framework itself turns away."""


async def _broken(request: Request, error: Exception) -> Response:
    del error  # the server's log has it
    return _envelope(request, our_fault())


def _envelope(request: Request, refusal: HttpRefusal) -> Response:
    node: Node = request.app.state.node
    headers = {"request-id": node.request_id().decode()}
    return Response(refusal.body(), refusal.status, headers, "application/json")
