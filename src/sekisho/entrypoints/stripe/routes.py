"""`/v1/radar/value_lists` and `/v1/radar/value_list_items`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sekisho.entrypoints.auth import admit
from sekisho.entrypoints.control import KeptAnswer, find_answer, keep_answer
from sekisho.entrypoints.decisions_route import idempotency_key, read_body
from sekisho.entrypoints.keys import ApiKey
from sekisho.entrypoints.node import Node
from sekisho.entrypoints.refusals import HttpRefusal, as_refusal
from sekisho.entrypoints.stripe import forms
from sekisho.entrypoints.stripe.forms import Params
from sekisho.entrypoints.stripe.objects import (
    ITEMS_PATH,
    LISTS_PATH,
    deleted,
    page,
    value_list,
    value_list_item,
)
from sekisho.flow.checkpoint import digest_of
from sekisho.kit.clock import MICROSECONDS
from sekisho.rules import Change, found_list, normalise_item
from sekisho.rules import sqlite as tables
from sekisho.rules.desk import missing

MAX_BODY: Final = 256 * 1024
HOUR_US: Final = 3_600 * MICROSECONDS
PAGING: Final = frozenset({"limit", "starting_after", "ending_before", "expand", "created"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read."""

    node: Node
    key: ApiKey
    params: Params
    target: str

    @property
    def live(self) -> bool:
        """Whether the object is told as of live mode."""
        return not self.node.settings.dev


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change and how its result is told."""

    change: Change[Any]
    told: Callable[[Any, Any], dict[str, Any]]
    """(connection, result) → object."""


Read = Callable[[Call], dict[str, Any]]
Write = Callable[[Call], Mutation]


# ── value lists ─────────────────────────────────────────────────────────────────────────────────


def create_list(call: Call) -> Mutation:
    """POST /v1/radar/value_lists."""
    forms.only(call.params, frozenset({"alias", "name", "item_type", "metadata", "expand"}))
    alias, name = forms.required(call.params, "alias"), forms.required(call.params, "name")
    item_type = forms.text(call.params, "item_type") or "string"
    metadata = {
        key: value for key, value in (forms.group(call.params, "metadata") or {}).items() if value
    }
    change = call.node.desk.create(alias, name, item_type, metadata, "API")
    return Mutation(change, partial(_told_list, call))


def update_list(call: Call) -> Mutation:
    """POST /v1/radar/value_lists/{id}."""
    forms.only(call.params, frozenset({"alias", "name", "metadata", "expand"}))
    metadata = forms.group(call.params, "metadata")
    cleared = call.params.get("metadata") == ""
    if cleared:
        metadata = dict.fromkeys(_list(call).metadata, "")
    change = call.node.desk.update(
        call.target,
        alias=forms.text(call.params, "alias"),
        name=forms.text(call.params, "name"),
        metadata=metadata,
    )
    return Mutation(change, partial(_told_list, call))


def delete_list(call: Call) -> Mutation:
    """DELETE /v1/radar/value_lists/{id}."""
    return Mutation(
        call.node.desk.delete(call.target), lambda _, row: deleted("radar.value_list", row.id)
    )


def get_list(call: Call) -> dict[str, Any]:
    """GET /v1/radar/value_lists/{id}."""
    return _told_list(call, call.node.store.read(), _list(call))


def list_lists(call: Call) -> dict[str, Any]:
    """GET /v1/radar/value_lists."""
    forms.only(call.params, PAGING | {"alias", "contains"})
    connection = call.node.store.read()
    rows, more = tables.list_lists(
        connection,
        _page(call, "value list"),
        forms.text(call.params, "alias") or "",
        forms.text(call.params, "contains") or "",
    )
    return page([_told_list(call, connection, row) for row in rows], more, LISTS_PATH)


# ── value list items ────────────────────────────────────────────────────────────────────────────


def create_item(call: Call) -> Mutation:
    """POST /v1/radar/value_list_items."""
    forms.only(call.params, frozenset({"value", "value_list", "expand"}))
    value, owner = forms.required(call.params, "value"), forms.required(call.params, "value_list")
    return Mutation(
        call.node.desk.add(owner, value, "API"), lambda _, row: value_list_item(row, call.live)
    )


def delete_item(call: Call) -> Mutation:
    """DELETE /v1/radar/value_list_items/{id}."""
    return Mutation(
        call.node.desk.remove(call.target), lambda _, row: deleted("radar.value_list_item", row.id)
    )


def get_item(call: Call) -> dict[str, Any]:
    """GET /v1/radar/value_list_items/{id}."""
    row = tables.find_item(call.node.store.read(), call.target)
    if row is None:
        raise missing("value list item", call.target, "item")
    return value_list_item(row, call.live)


def list_items(call: Call) -> dict[str, Any]:
    """GET /v1/radar/value_list_items."""
    forms.only(call.params, PAGING | {"value_list", "value"})
    connection = call.node.store.read()
    owner = found_list(connection, forms.required(call.params, "value_list"))
    value = forms.text(call.params, "value")
    rows, more = tables.list_items(
        connection,
        owner.id,
        _page(call, "value list item"),
        call.node.clock.now_us(),
        normalise_item(owner.item_type, value) if value else "",
    )
    return page([value_list_item(row, call.live) for row in rows], more, ITEMS_PATH)


# ── the way through ─────────────────────────────────────────────────────────────────────────────


def _told_list(call: Call, connection: Any, row: tables.ListRow) -> dict[str, Any]:
    return value_list(connection, row, call.node.clock.now_us(), call.live)


def _list(call: Call) -> tables.ListRow:
    return found_list(call.node.store.read(), call.target)


def _page(call: Call, what: str) -> tables.Page:
    after = forms.text(call.params, "starting_after") or ""
    before = forms.text(call.params, "ending_before") or ""
    connection = call.node.store.read()
    for name, edge in (("starting_after", after), ("ending_before", before)):
        known = tables.find_list if what == "value list" else tables.find_item
        if edge and known(connection, edge) is None:
            raise missing(what, edge, name)
    first, end = (None if one is None else one * MICROSECONDS for one in forms.created(call.params))
    return tables.Page(forms.limit(call.params), after, before, first, end)


def reading(handler: Read) -> Callable[[Request], Awaitable[Response]]:
    """A route that only reads."""

    async def endpoint(request: Request) -> Response:
        async def run(call: Call) -> tuple[bytes, bool]:
            return msgspec.json.encode(handler(call)), False

        return await _serve(request, "read", run, request.url.query)

    return endpoint


def writing(handler: Write) -> Callable[[Request], Awaitable[Response]]:
    """A route that changes something; a POST may carry an idempotency key."""

    async def endpoint(request: Request) -> Response:
        try:
            raw = await read_body(request.receive, MAX_BODY)
        except HttpRefusal as refusal:
            return _refusal(request, refusal)
        form = raw.decode("utf-8", "replace") if request.method == "POST" else request.url.query

        async def run(call: Call) -> tuple[bytes, bool]:
            name = idempotency_key(request.scope["headers"]) if request.method == "POST" else ""
            scope = f"{call.key.id}{request.url.path}"
            return await _once(call, handler, (scope, name, digest_of(raw)))

        return await _serve(request, "lists", run, form)

    return endpoint


async def _once(call: Call, handler: Write, key: tuple[str, str, bytes]) -> tuple[bytes, bool]:
    """Carry a change out, or repeat its key's first answer; both commit together."""
    scope, name, digest = key
    node = call.node
    if name:
        kept = _kept(node, scope, name, digest)
        if kept is not None:
            return kept.answer, True
        node.running[scope, name] = digest
    try:
        mutation = handler(call)

        def write(connection: Any) -> tuple[Any, bytes]:
            result = mutation.change.write(connection)
            body = msgspec.json.encode(mutation.told(connection, result))
            if name:
                kept = KeptAnswer(digest, 200, body)
                keep_answer(connection, scope, name, kept, node.clock.now_us())
            return result, body

        def apply(written: tuple[Any, bytes]) -> None:
            mutation.change.apply(written[0])

        change = Change(write, apply, mutation.change.takes_away)
        _, body = await node.change_soon(change)
        return body, False
    finally:
        if name:
            del node.running[scope, name]


def _kept(node: Node, scope: str, name: str, digest: bytes) -> KeptAnswer | None:
    running = node.running.get((scope, name))
    if running is not None:
        raise HttpRefusal(
            409, "idempotency_key_in_use", "another request with this idempotency key is running"
        )
    since_us = node.clock.now_us() - node.settings.idempotency_hours * HOUR_US
    kept = find_answer(node.store.read(), scope, name, since_us)
    if kept is not None and kept.body_hash != digest:
        refusal = HttpRefusal(
            400,
            "idempotency_error",
            "this idempotency key was used with other parameters: use a new key",
        )
        refusal.error["type"] = "idempotency_error"
        raise refusal
    return kept


async def _serve(
    request: Request, scope: str, run: Callable[[Call], Awaitable[tuple[bytes, bool]]], form: str
) -> Response:
    node: Node = request.app.state.node
    try:
        key = admit(node.keyring, node.limiter, request.headers.raw, scope)
        call = Call(node, key, forms.parse(form), request.path_params.get("target", ""))
        body, replayed = await run(call)
    except Exception as error:  # noqa: BLE001 — as_refusal re-raises what it does not know
        return _refusal(request, as_refusal(error))
    headers = _headers(request)
    if replayed:
        headers["idempotent-replayed"] = "true"
    return Response(body, 200, headers, "application/json")


def _refusal(request: Request, refusal: HttpRefusal) -> Response:
    return Response(refusal.body(), refusal.status, _headers(request), "application/json")


def _headers(request: Request) -> dict[str, str]:
    node: Node = request.app.state.node
    headers = {"request-id": node.request_id().decode()}
    version = request.headers.get("stripe-version")
    if version:
        headers["stripe-version"] = version
    return headers


def build_stripe() -> list[Route]:
    """The routes, to be mounted beside the native ones."""
    table: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
        ("GET", LISTS_PATH, reading(list_lists)),
        ("POST", LISTS_PATH, writing(create_list)),
        ("GET", f"{LISTS_PATH}/{{target}}", reading(get_list)),
        ("POST", f"{LISTS_PATH}/{{target}}", writing(update_list)),
        ("DELETE", f"{LISTS_PATH}/{{target}}", writing(delete_list)),
        ("GET", ITEMS_PATH, reading(list_items)),
        ("POST", ITEMS_PATH, writing(create_item)),
        ("GET", f"{ITEMS_PATH}/{{target}}", reading(get_item)),
        ("DELETE", f"{ITEMS_PATH}/{{target}}", writing(delete_item)),
    )
    return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]
