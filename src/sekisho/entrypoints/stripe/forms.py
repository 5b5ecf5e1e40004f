"""Form-encoded parameters with nested names, as the SDKs send them."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from sekisho.entrypoints.refusals import HttpRefusal

Params = dict[str, "str | Params"]

MAX_PARAMETERS: Final = 1_000
MAX_DEPTH: Final = 5
_NAME: Final = re.compile(r"[^\[\]]+(\[[^\[\]]*\])*")
_PART: Final = re.compile(r"[^\[\]]+|\[\]")
MIN_LIMIT: Final = 1
MAX_LIMIT: Final = 100


def parse(text: str) -> Params:
    """Nested parameters: `metadata[owner]=risk` gives `{"metadata": {"owner": "risk"}}`.

    Raises:
        HttpRefusal: 400 when names cannot be read or there are too many.

    >>> parse("name=x&metadata[owner]=risk&expand[0]=data&expand[]=more")
    {'name': 'x', 'metadata': {'owner': 'risk'}, 'expand': {'0': 'data', '1': 'more'}}
    """
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            max_num_fields=MAX_PARAMETERS,
            errors="strict",
            encoding="utf-8",
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise HttpRefusal(
            400, "parameter_invalid", f"the parameters cannot be read: {error}"
        ) from error
    params: Params = {}
    for name, value in pairs:
        parts = _PART.findall(name)
        if not _NAME.fullmatch(name) or len(parts) > MAX_DEPTH:
            raise HttpRefusal(400, "parameter_invalid", f"this name cannot be read: {name[:80]}")
        _put(params, parts, value, name)
    return params


def _put(params: Params, parts: list[str], value: str, name: str) -> None:
    place = params
    for part in parts[:-1]:
        inner = place.setdefault(part, {})
        if isinstance(inner, str):
            raise HttpRefusal(
                400, "parameter_invalid", f"`{name}` is both a text and a group", param=name
            )
        place = inner
    last = parts[-1] if parts[-1] != "[]" else str(len(place))
    if isinstance(place.get(last), dict):
        raise HttpRefusal(
            400, "parameter_invalid", f"`{name}` is both a text and a group", param=name
        )
    place[last] = value


def only(params: Params, known: frozenset[str]) -> None:
    """Refuse parameters that mean nothing here.

    Raises:
        HttpRefusal: 400 `parameter_unknown`.
    """
    for name in params:
        if name not in known:
            raise HttpRefusal(
                400, "parameter_unknown", f"Received unknown parameter: {name}", param=name
            )


def text(params: Params, name: str) -> str | None:
    """A text, or None when it was not sent.

    Raises:
        HttpRefusal: 400 when it is a group.
    """
    value = params.get(name)
    if isinstance(value, dict):
        raise HttpRefusal(400, "parameter_invalid", f"Invalid string: {name}", param=name)
    return value


def required(params: Params, name: str) -> str:
    """A text that must be there.

    Raises:
        HttpRefusal: 400 `parameter_missing`.
    """
    value = text(params, name)
    if not value:
        raise HttpRefusal(400, "parameter_missing", f"Missing required param: {name}.", param=name)
    return value


def group(params: Params, name: str) -> Mapping[str, str] | None:
    """Text to text, or None when it was not sent; an empty text clears all."""
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        if value:
            raise HttpRefusal(400, "parameter_invalid", f"Invalid object: {name}", param=name)
        return {}
    flat: dict[str, str] = {}
    for key, inner in value.items():
        if isinstance(inner, dict):
            raise HttpRefusal(
                400, "parameter_invalid", f"Invalid string: {name}[{key}]", param=name
            )
        flat[key] = inner
    return flat


def limit(params: Params) -> int:
    """How many rows a page has: 1 to 100, 10 when not said.

    Raises:
        HttpRefusal: 400 `parameter_invalid_integer`.
    """
    value = text(params, "limit")
    if value is None:
        return 10
    if not re.fullmatch(r"-?[0-9]{1,9}", value) or not MIN_LIMIT <= int(value) <= MAX_LIMIT:
        raise HttpRefusal(
            400,
            "parameter_invalid_integer",
            f"This value must be an integer from {MIN_LIMIT} to {MAX_LIMIT}: `{value[:40]}`.",
            param="limit",
        )
    return int(value)


def created(params: Params) -> tuple[int | None, int | None]:
    """Seconds from which on, and before which, something was created; None for no bound.

    Raises:
        HttpRefusal: 400 when it is no time in whole seconds.

    >>> created(parse("created[gt]=5&created[lte]=9")), created(parse("created=5"))
    ((6, 10), (5, 6))
    """
    value = params.get("created", {})
    bounds = {"gte": value, "lte": value} if isinstance(value, str) else value
    first: list[int] = []
    end: list[int] = []
    for name, second in bounds.items():
        if name not in _BOUNDS or not isinstance(second, str) or not _SECOND.fullmatch(second):
            raise HttpRefusal(
                400,
                "parameter_invalid_integer",
                "created is a time in whole seconds, or gt, gte, lt, lte with one",
                param="created",
            )
        (first if name.startswith("g") else end).append(int(second) + _BOUNDS[name])
    return max(first, default=None), min(end, default=None)


_BOUNDS: Final = {"gt": 1, "gte": 0, "lt": 0, "lte": 1}
_SECOND: Final = re.compile(r"[0-9]{1,11}")
