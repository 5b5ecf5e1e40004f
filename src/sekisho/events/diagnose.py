"""What is wrong with a refused payload: slower than the way through, but all of it."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import msgspec

from sekisho.events import messages
from sekisho.events.build import draft_of
from sekisho.events.card_numbers import MIN_DIGITS, holds_card_number, is_sensitive_name
from sekisho.events.catalogue import default_catalogue
from sekisho.events.context import ReceiveContext
from sekisho.events.draft import Draft
from sekisho.events.loose import Loose, is_array, is_object
from sekisho.events.refusal import (
    BAD_REQUEST,
    MAX_PROBLEMS,
    UNPROCESSABLE,
    EventRefused,
    Problem,
    shown,
)
from sekisho.kit.sentences import going_on

MAX_DEPTH: Final = 16
"""Objects and arrays inside one another; our own messages need three."""
MAX_SCANNED: Final = 4096
"""Longest text searched for card numbers: no field takes a longer one, and none is shown."""
MAX_WHOLE: Final = 10**20
"""Numbers beyond this have more digits than a card number."""
MASKED: Final = "[card number]"

_PATH: Final = re.compile(
    r"^(?P<what>.*?)(?: - at `(?P<path>\$|key in \$)(?P<rest>.*)`)?$", re.DOTALL
)
_QUOTED: Final = re.compile(r"field `([^`]*)`")
_SCOPES: Final = ("metadata", "customer_metadata", "destination_metadata", "account_metadata")


def refusal(body: bytes, now_us: int, context: ReceiveContext) -> EventRefused:
    """Why these bytes are not one of our messages."""
    try:
        payload = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        return EventRefused(BAD_REQUEST, (_unreadable(error, body),))
    if _is_deep(payload):
        message = f"more than {MAX_DEPTH} objects or arrays inside one another"
        return EventRefused(BAD_REQUEST, (Problem("", "too_deep", message),))
    secrets = tuple(_secrets(payload, context.trusted_places))
    if secrets:
        return EventRefused(UNPROCESSABLE, secrets[:MAX_PROBLEMS])
    problems = _mistakes(payload, now_us, context)
    if not problems:  # of two equal keys the payload has the last, the message refused the first
        message = "a field is given twice, the first time with a value that is not taken"
        problems = [Problem("", "bad_value", message, "give each field once")]
    return EventRefused(UNPROCESSABLE, tuple(problems[:MAX_PROBLEMS]))


def refusal_of_message(
    message: messages.Message, draft: Draft, context: ReceiveContext
) -> EventRefused | None:
    """The refusal of a message that decoded; None when the suspicion was unfounded."""
    payload = msgspec.to_builtins(message)
    problems = tuple(_secrets(payload, context.trusted_places)) or (
        *draft.problems,
        *_bad_texts(payload),
    )
    return EventRefused(UNPROCESSABLE, problems[:MAX_PROBLEMS]) if problems else None


def _unreadable(error: Exception, body: bytes) -> Problem:
    text = str(error)
    if isinstance(error, RecursionError):
        return Problem(
            "", "too_deep", f"more than {MAX_DEPTH} objects or arrays inside one another"
        )
    if isinstance(error, UnicodeDecodeError):
        return Problem("", "not_utf8", "the body is not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        return Problem("", "bad_number", "a number is beyond what a double holds")
    if "surrogate" in text or (b"\\ud" in body.lower() and "malformed" not in text):
        return Problem("", "bad_text", "half a surrogate pair stands alone in a text")
    where = re.search(r"\(byte (\d+)\)", text)
    message = f"not JSON from byte {where.group(1)} on" if where else "not complete JSON"
    bare = re.search(rb"[:,\[]\s*-?(NaN|Infinity)", body)
    hint = "JSON has no NaN or Infinity; leave the field out" if bare else ""
    return Problem("", "bad_number" if bare else "not_json", message, hint)


def _is_deep(payload: Loose) -> bool:
    level = [payload]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _walk(value: Loose, place: str = "") -> Iterator[tuple[str, str, Loose]]:
    """Every (place, key, value) below a value; the key is empty inside arrays."""
    if is_object(value):
        for key, inner in value.items():
            name = MASKED if _is_card(key) else shown(key)
            below = f"{place}.{name}" if place else name
            yield below, key, inner
            yield from _walk(inner, below)
    elif is_array(value):
        for index, inner in enumerate(value):
            below = f"{place}[{index}]"
            yield below, "", inner
            yield from _walk(inner, below)


def _secrets(payload: Loose, trusted: frozenset[str]) -> Iterator[Problem]:
    hint = "send a fingerprint of the card, never its number"
    for place, key, value in _walk({"": payload} if not is_object(payload) else payload):
        if key and is_sensitive_name(key):
            message = "card secrets are not taken; remove the field"
            yield Problem(place, "sensitive_field", message, hint)
        elif _is_card(key) or (place not in trusted and _is_card(_as_text(value))):
            yield Problem(place, "card_number", "this looks like a card number", hint)


def _is_card(text: str) -> bool:
    return MIN_DIGITS <= len(text) <= MAX_SCANNED and holds_card_number(text)


def _as_text(value: Loose) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < MAX_WHOLE else ""
    return str(value) if abs(value) < MAX_WHOLE else ""


def _bad_texts(payload: Loose) -> Iterator[Problem]:
    for place, key, value in _walk(payload):
        if "\0" in key or (isinstance(value, str) and "\0" in value):
            yield Problem(place.replace("\0", "?"), "bad_text", "a text holds the NUL character")


def _mistakes(payload: Loose, now_us: int, context: ReceiveContext) -> list[Problem]:
    """All mistakes at once: note the first the decoder finds, take that field out, try again."""
    if not is_object(payload):
        return [Problem("", "not_an_object", "an event is a JSON object")]
    kind = messages.MESSAGES.get(payload.get("type", "")) if _is_text(payload.get("type")) else None
    if kind is None:
        return [_unknown_type(payload)]
    problems = [*_bad_texts(payload), *_unknown_fields(payload, kind), *_bad_entries(payload)]
    while len(problems) < MAX_PROBLEMS:
        try:
            message = msgspec.convert(payload, kind)
        except (ValueError, RecursionError) as error:
            problem = _mistake(str(error))
            problems.append(problem)
            if not _take_out(payload, problem):
                break
        else:
            problems.extend(draft_of(message, now_us, context)[0].problems)
            break
    return problems


def _is_text(value: Loose) -> bool:
    return isinstance(value, str)


def _unknown_type(payload: dict[str, Loose]) -> Problem:
    given = payload.get("type")
    if given is None:
        hint = f"give one of {', '.join(sorted(messages.MESSAGES))}"
        return Problem("type", "missing_field", "an event needs its `type`", hint)
    near = get_close_matches(str(given)[:100], messages.MESSAGES, n=1)
    hint = (
        f"did you mean `{near[0]}`?" if near else f"one of {', '.join(sorted(messages.MESSAGES))}"
    )
    return Problem("type", "unknown_type", "no event has this type", hint)


def _unknown_fields(payload: dict[str, Loose], kind: type[messages.Message]) -> list[Problem]:
    known = {*kind.__struct_fields__, "type"}
    problems: list[Problem] = []
    for name in [name for name in payload if name not in known]:
        del payload[name]
        message = f"unknown field `{shown(name)}`"
        problems.append(Problem(shown(name), "unknown_field", message, _field_hint(name, known)))
        if len(problems) == MAX_PROBLEMS:
            break
    return problems


def _field_hint(name: str, known: set[str]) -> str:
    near = get_close_matches(name[:100], known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    if name in default_catalogue():
        return f"`{name}` is an attribute: give it inside `attributes`"
    return "data of your own goes into `metadata`"


def _bad_entries(payload: dict[str, Loose]) -> list[Problem]:
    """Values in metadata and attributes that are not text, a number or a boolean."""
    problems: list[Problem] = []
    for scope in (*_SCOPES, "attributes"):
        entries = payload.get(scope)
        if not is_object(entries):
            continue
        for key in [k for k, v in entries.items() if not isinstance(v, str | int | float)]:
            del entries[key]
            message = "takes text, a number, true or false"
            problems.append(Problem(f"{scope}.{shown(key)}", "wrong_type", message))
            if len(problems) == MAX_PROBLEMS:
                return problems
    return problems


def _mistake(error: str) -> Problem:
    """The decoder's own message in our shape."""
    match = _PATH.match(error)
    what, rest = (match.group("what"), match.group("rest") or "") if match else (error, "")
    place = rest.lstrip(".")
    named = _QUOTED.search(what)
    if named:
        name = shown(named.group(1))
        place = f"{place}.{name}" if place else name
    if what.startswith("Object missing required field"):
        return Problem(place, "missing_field", f"`{place}` is needed")
    if what.startswith("Object contains unknown field"):
        return Problem(place, "unknown_field", f"unknown field `{place}`")
    if "timezone" in what or "RFC3339" in what:
        hint = "such as `2026-11-22T01:02:03Z`, or whole seconds since 1970"
        return Problem(place, "bad_time", "not a time of RFC 3339 with an offset", hint)
    if what.startswith("Invalid"):
        return Problem(place, "bad_value", "not one of the values this field takes")
    code = (
        "too_long"
        if "length" in what
        else "out_of_range"
        if "=" in what or "<" in what
        else "wrong_type"
    )
    return Problem(place, code, going_on(what))


def _take_out(payload: dict[str, Loose], problem: Problem) -> bool:
    """Remove the field a problem is about; False when there is nothing to remove."""
    holder: Loose = payload
    *way, last = re.sub(r"\[\.\.\.\].*$", "", problem.place).split(".")
    for step in way:
        if not is_object(holder) or step not in holder:
            return False
        holder = holder[step]
    if not is_object(holder) or last not in holder:
        return False
    del holder[last]
    return True
