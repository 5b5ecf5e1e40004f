"""How refusals look over HTTP: one envelope, `{"error": {type, code, message, param, …}}`."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sekisho.actions import ActionRefused, PoliciesRefused
from sekisho.collect import NotDeclared, ProfileRefused
from sekisho.durable import StoreError
from sekisho.events import EventRefused
from sekisho.flow import (
    EventIdInUse,
    KeyInUse,
    KeyMismatch,
    NotRecorded,
    Overloaded,
    Refusal,
    SubjectUnknown,
    WrongDoor,
)
from sekisho.language import Diagnostic
from sekisho.rules import ItemRefused, ListRefused, RulesRefused
from sekisho.webhooks import EndpointRefused


class HttpRefusal(Exception):
    """A request that is answered with an error; carries the status and the envelope's fields."""

    def __init__(
        self, status: int, code: str, message: str, *, param: str | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        kind = "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 — the server's own class
        self.error: dict[str, Any] = {"type": kind, "code": code, "message": message}
        if param is not None:
            self.error["param"] = param
        self.error.update(more)

    def body(self) -> bytes:
        """The envelope as JSON."""
        return msgspec.json.encode({"error": self.error})


def event_refused(refused: EventRefused) -> HttpRefusal:
    """An event that cannot be taken: the first problem, and all of them in `problems`."""
    first = refused.problems[0]
    return HttpRefusal(
        refused.status,
        first.code,
        f"{first.place}: {first.message}" if first.place else first.message,
        param=first.place or None,
        hint=first.hint,
        problems=[
            {"place": one.place, "code": one.code, "message": one.message, "hint": one.hint}
            for one in refused.problems
        ],
    )


def rules_refused(refused: RulesRefused) -> HttpRefusal:
    """A draft with errors: the first one in the envelope, all of them in `diagnostics`."""
    first = refused.problems[0].diagnostics[0]
    return HttpRefusal(
        400,
        f"radar_rule_{first.kind}",
        first.message,
        param=f"rules[{refused.problems[0].index}]",
        line=first.line,
        column=first.column,
        length=first.length,
        hint=first.hint,
        diagnostics=[
            {
                "index": one.index,
                "rule": one.predicate,
                "errors": [diagnostic.as_dict() for diagnostic in one.diagnostics],
            }
            for one in refused.problems
        ],
    )


def as_dicts(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Diagnostics as JSON values."""
    return [dict(one.as_dict()) for one in diagnostics]


def profile_refused(refused: ProfileRefused) -> HttpRefusal:
    """A declaration, profile or parameter that cannot be taken, or is not declared."""
    if isinstance(refused, NotDeclared):
        return HttpRefusal(404, "resource_missing", str(refused), param=refused.place)
    return HttpRefusal(422, "profile_refused", str(refused), param=refused.place or None)


STATUS_OF: dict[type[Refusal], int] = {
    KeyInUse: 409,
    KeyMismatch: 422,
    EventIdInUse: 409,
    SubjectUnknown: 404,
    WrongDoor: 422,
    Overloaded: 503,
    NotRecorded: 503,
}


_STATUS_OF_ENDPOINTS: Final = {"resource_missing": 404, "too_many": 409}


_PLAIN: Final[dict[type[Exception], tuple[int, str, str]]] = {
    PoliciesRefused: (422, "policy_refused", "policies"),
    ItemRefused: (400, "parameter_invalid", "value"),
}


def _endpoint_refused(error: EndpointRefused) -> HttpRefusal:
    status = 422 if error.param else _STATUS_OF_ENDPOINTS[error.code]
    return HttpRefusal(status, error.code, str(error), param=error.param or "id")


def our_fault() -> HttpRefusal:
    """What a caller is told of a bug of ours: nothing of our inside."""
    return HttpRefusal(500, "internal_error", "an error on our side; it is logged")


def as_refusal(error: Exception) -> HttpRefusal:
    """What a refusal of the checkpoint, the door or the desk looks like over HTTP.

    Raises:
        Exception: `error` itself, when it is none of these.
    """
    match error:
        case HttpRefusal():
            return error
        case ProfileRefused():
            return profile_refused(error)
        case EventRefused():
            return event_refused(error)
        case RulesRefused():
            return rules_refused(error)
        case ListRefused() | ActionRefused():
            return HttpRefusal(error.status, error.code, str(error), param=error.param)
        case PoliciesRefused() | ItemRefused():
            status, code, param = _PLAIN[type(error)]
            return HttpRefusal(status, code, str(error), param=param)
        case EndpointRefused():
            return _endpoint_refused(error)
        case Refusal():
            return HttpRefusal(STATUS_OF[type(error)], error.code, str(error))
        case StoreError():
            return HttpRefusal(503, "store_unavailable", str(error))
        case _:
            raise error
