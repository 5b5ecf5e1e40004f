"""Reading the action and its `if`, the part before the condition."""

import re
from dataclasses import dataclass

from sekisho.language.catalogue import Catalogue
from sekisho.language.cursor import Cursor
from sekisho.language.diagnostics import Problem, either, quoted
from sekisho.language.suggest import nearest
from sekisho.language.tokens import Kind
from sekisho.language.tree import Action

SPELLINGS = {
    "request 3d secure": Action.REQUEST_3DS,
    "request 3ds": Action.REQUEST_3DS,
    "resolve dispute": Action.RESOLVE_DISPUTE,
    "payout pause": Action.PAYOUT_PAUSE,
    "allow": Action.ALLOW,
    "block": Action.BLOCK,
    "review": Action.REVIEW,
    "challenge": Action.CHALLENGE,
    "hold": Action.HOLD,
}
"""Every way to write an action, in lower case, single spaces."""

_SYNONYMS = {
    "deny": "Block",
    "decline": "Block",
    "reject": "Block",
    "refuse": "Block",
    "stop": "Block",
    "accept": "Allow",
    "approve": "Allow",
    "permit": "Allow",
    "pass": "Allow",
    "flag": "Review",
    "3ds": "Request 3DS",
    "3d secure": "Request 3D Secure",
    "authenticate": "Request 3D Secure",
    "request": "Request 3DS",
    "pause payout": "Payout pause",
    "resolve": "Resolve dispute",
}
_ACTION = re.compile(
    r"[\s\ufeff]*(?P<action>"
    + "|".join(spelling.replace(" ", r"\s+") for spelling in SPELLINGS)
    + r")(?!\w)",
    re.IGNORECASE,
)
_IF_FIRST = re.compile(
    r"\s*if\b(?P<condition>.*?)\bthen\s+(?P<action>\w[\w ]*?)\s*$", re.IGNORECASE | re.DOTALL
)
_INSTEAD_OF_IF = ("when", "unless", "where", "iff", "then", "fi", "it")


@dataclass(frozen=True, slots=True)
class Header:
    """The action, where it starts, and whether a condition can be read after it."""

    action: Action | None
    start: int
    goes_on: bool


def read_header(cursor: Cursor, catalogue: Catalogue) -> Header:
    """Read `<action> if`; the cursor then stands where the condition starts."""
    found = _ACTION.match(cursor.text)
    if found is None:
        return _without_action(cursor, catalogue)
    action = SPELLINGS[re.sub(r"\s+", " ", found["action"].lower())]
    cursor.move_to(found.end())
    if cursor.take_if(Kind.IF):
        return Header(action, found.start("action"), goes_on=True)
    token = cursor.token
    written = cursor.slice(token)
    message = f"`if` is missing after {quoted(found['action'])}"
    if token.kind is Kind.WORD:
        message += f", {quoted(written)} stands in its place"
    cursor.note(Problem("missing_if", token.start, token.end, message, f"{action.value} if"))
    if token.kind is Kind.WORD and written.lower() in _INSTEAD_OF_IF:
        cursor.take()
    return Header(None, found.start("action"), goes_on=cursor.token.kind in _CAN_START)


_CAN_START = (Kind.ATTRIBUTE, Kind.METADATA, Kind.OPEN, Kind.NOT, Kind.IS_MISSING)


def _without_action(cursor: Cursor, catalogue: Catalogue) -> Header:
    first = cursor.token
    if first.kind is Kind.IF:
        cursor.note(_if_first(cursor))
        return Header(None, first.start, goes_on=False)
    if_offset = _offset_of_if(cursor)
    end = if_offset if if_offset is not None else first.end
    written = cursor.text[first.start : end].rstrip()
    meant = _SYNONYMS.get(written.lower()) or _nearest_action(written)
    known = ", ".join(action.value for action in Action)
    message = "a rule begins with its action"
    if first.kind is Kind.WORD or if_offset is not None:
        message = f"{quoted(written)} is no action"
    elif first.kind is Kind.ATTRIBUTE and first.value in catalogue:
        message, meant = "a rule begins with its action and `if`, then the condition follows", None
    tail = either(meant) or f": it is one of {known}"
    end = first.start + len(written)
    cursor.note(Problem("unknown_action", first.start, end, message + tail, meant, meant))
    if if_offset is None:
        return Header(None, first.start, goes_on=False)
    cursor.move_to(if_offset)
    cursor.take()
    return Header(None, first.start, goes_on=True)


def _if_first(cursor: Cursor) -> Problem:
    token = cursor.token
    message = "the action comes first, there is no `THEN`"
    found = _IF_FIRST.match(cursor.text)
    action = SPELLINGS.get(re.sub(r"\s+", " ", found["action"].lower())) if found else None
    hint = None
    if found and action:
        hint = f"{action.value} if {found['condition'].strip()}"
        message += f", write {quoted(hint)}"
    return Problem("unknown_action", token.start, token.end, message, hint)


def _offset_of_if(cursor: Cursor) -> int | None:
    """Where the `if` stands that ends a misspelt action of a few words."""
    found = re.compile(r"\s*(?:[\w-]+[ \t]+){1,4}?(?=if\b)", re.IGNORECASE).match(cursor.text)
    return found.end() if found else None


def _nearest_action(written: str) -> str | None:
    meant = nearest(written, SPELLINGS)
    return SPELLINGS[meant].value if meant else None
