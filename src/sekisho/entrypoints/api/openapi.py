"""The description of the hand-made route, generated from the events it takes."""

from typing import Any, Final, Union

import msgspec

from sekisho.events import DECIDED_TYPES
from sekisho.events.messages import MESSAGES

REF: Final = "#/components/schemas/{name}"

_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "required": [
        "object",
        "id",
        "event",
        "outcome",
        "hits",
        "risk",
        "attributes",
        "versions",
        "degraded",
    ],
    "properties": {
        "object": {"const": "decision"},
        "id": {"type": "string"},
        "event": {"type": "string"},
        "outcome": {"enum": ["allow", "request_3ds", "challenge", "review", "block", "hold"]},
        "rule": {"type": ["object", "null"], "description": "the rule credited with the outcome"},
        "hits": {
            "type": "array",
            "items": {"type": "object"},
            "description": "every rule that matched",
        },
        "request_3ds": {"type": "boolean"},
        "rule_override_by_allow_rule": {"type": "boolean"},
        "risk": {"type": "object"},
        "attributes": {"type": "object", "description": "values as evaluated"},
        "versions": {"type": "object"},
        "degraded": {"type": "array", "items": {"type": "object"}},
    },
}


def describe_decisions(document: dict[str, Any]) -> dict[str, Any]:
    """Add `POST /v1/decisions` and the schema of the events to the framework's document."""
    if "/v1/decisions" in document["paths"] and "post" in document["paths"]["/v1/decisions"]:
        return document
    decided = Union[tuple(MESSAGES[name] for name in sorted(DECIDED_TYPES))]  # noqa: UP007 — built at run time
    (schema,), components = msgspec.json.schema_components([decided], ref_template=REF)
    document.setdefault("components", {}).setdefault("schemas", {}).update(components)
    errors = {
        "400": "not JSON that can be read, or the idempotency key is too long",
        "401": "no valid API key",
        "403": "the key lacks the scope `decide`",
        "409": "the idempotency key or the event id is in use",
        "413": "larger than 64 KiB",
        "422": "not an event that can be taken; `problems` names each place",
        "429": "too many requests",
        "503": "not recorded, so not decided: retry",
    }
    document["paths"].setdefault("/v1/decisions", {})["post"] = {
        "tags": ["decisions"],
        "summary": "Decide an event",
        "description": "Answers when the decision is durable. The same event id, or the same"
        " Idempotency-Key, gets the same bytes again.",
        "operationId": "decide",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": 255},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "200": {"description": "decided", "content": {"application/json": {"schema": _ANSWER}}},
            **{status: {"description": text} for status, text in errors.items()},
        },
    }
    return document
