"""The wording of what the parser refuses: one function a situation."""

import re
import unicodedata

from sekisho.language.cursor import Cursor
from sekisho.language.diagnostics import Problem, either, quoted
from sekisho.language.limits import DEPTH_MAX
from sekisho.language.operands import Operands
from sekisho.language.suggest import nearest
from sekisho.language.tokens import Kind, Token
from sekisho.language.tree import Attribute, Span
from sekisho.language.typecheck import Term

FUNCTION_LIKE = ("is_null", "isnull", "is_empty", "exists", "missing", "is_none", "ismissing")
AGGREGATES = ("count", "sum", "avg", "average", "min", "max", "distinct", "total", "count_distinct")
OPERATOR_WORDS = {
    "contains": "includes",
    "contain": "includes",
    "include": "includes",
    "has": "includes",
    "is": "=",
    "equals": "=",
    "equal": "=",
    "eq": "=",
    "ne": "!=",
    "gt": ">",
    "lt": "<",
    "gte": ">=",
    "lte": "<=",
    "matches": "like",
    "over": ">",
    "above": ">",
    "under": "<",
    "below": "<",
    "exceeds": ">",
}
DOUBLED_MEANT = {
    "==": "=",
    "===": "=",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    ">>": ">",
    "<<": "<",
    "!==": "!=",
    **{sign: sign for sign in (">=", "<=", "!=")},
}


def trailing(cursor: Cursor) -> Problem:
    """A complete condition is followed by something that cannot go on."""
    token = cursor.token
    written = cursor.slice(token)
    message = f"{quoted(written)} follows a complete condition, `and` or `or` is missing before it"
    hint = fix = None
    lone = {"&": "&&", "|": "||"}.get(written)
    adjoined = token.start == cursor.last_end and token.kind is Kind.WORD
    if lone:
        message, hint, fix = f"{quoted(written)} is not an operator{either(lone)}", lone, lone
    elif adjoined and re.fullmatch(r"[eE][0-9]*", written):
        message = f"numbers are plain decimals: {quoted(written)} cannot follow one"
    elif thousands := _thousands(cursor.text, token):
        hint = thousands
        message = f"a number takes no thousands separator{either(hint)}"
    elif written.lower() == "then":
        message = "the action comes first, there is no `THEN`"
    elif re.search(r"[\r\n]\s*$", cursor.text[: token.start]) and token.kind is Kind.WORD:
        message += "; rules are separated by a blank line"
    return Problem("trailing_input", token.start, token.end, message, hint, fix)


def _thousands(text: str, comma: Token) -> str | None:
    """The number an author means by `1,000`; the token is its first comma."""
    for found in re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+").finditer(text, max(0, comma.start - 3)):
        if found.start() < comma.start < found.end():
            return found[0].replace(",", "")
    return None


def stray_closer(token: Token) -> Problem:
    """A closing parenthesis that nothing opened."""
    message = "this `)` closes nothing: there is no opening parenthesis for it"
    return Problem("unbalanced_parenthesis", token.start, token.end, message, None, "")


def unclosed(token: Token) -> Problem:
    """An opening parenthesis that is never closed."""
    message = "this `(` is never closed, `)` is missing"
    return Problem("unbalanced_parenthesis", token.start, token.end, message, ")")


def too_deep(token: Token) -> Problem:
    """More parentheses and negations inside each other than anyone can read."""
    message = f"conditions may be nested {DEPTH_MAX} levels deep at most, split the rule"
    return Problem("nested_too_deep", token.start, token.end, message)


def no_condition(cursor: Cursor, operands: Operands) -> Problem:
    """Something that begins no condition where one must start."""
    token = cursor.token
    if token.kind is Kind.END:
        message = "the rule ends where a condition must follow"
        return Problem("unexpected_end", token.start, token.end, message)
    if token.kind is Kind.WORD:
        return _bare_word(cursor, operands)
    written = cursor.slice(token)
    if token.kind in (Kind.TEXT, Kind.NUMBER):
        return literal_first(cursor, token)
    if token.kind is Kind.ALIAS:
        hint = f":attribute: in {written}"
        message = f"a list stands on the right of `in`, as in {quoted(hint)}"
        return Problem("unexpected_token", token.start, token.end, message, hint)
    return _odd(cursor, operands, "where a condition must start")


def literal_first(cursor: Cursor, token: Token) -> Problem:
    """A comparison that begins with its literal."""
    written = cursor.slice(token)
    message = f"a condition starts with an attribute, not with the literal {quoted(written)}"
    return Problem("unexpected_token", token.start, token.end, message, "put the attribute first")


def not_boolean(cursor: Cursor, left: Term) -> Problem:
    """A value that is neither true nor false and has no operator."""
    start, end = left.span.start, left.span.end
    subject = quoted(cursor.text[start:end])
    word = cursor.slice(cursor.token)
    meant = OPERATOR_WORDS.get(word.lower())
    if cursor.token.kind is Kind.NOT and cursor.following.kind is Kind.IN:
        hint = f"not ({cursor.text[start:end]} in …)"
        message = f"`not in` is not an operator: write {quoted(hint)}"
    elif meant and cursor.token.kind is Kind.WORD:
        hint = meant
        message = f"{quoted(word)} is not an operator, did you mean {quoted(meant)}?"
    elif isinstance(left.operand, Attribute):
        hint = None
        message = f"only booleans stand alone: {subject} needs an operator and a value"
    else:
        hint = f"is_missing({cursor.text[start:end]})"
        message = (
            f"only booleans stand alone: {subject} needs an operator and a value, or `is_missing`"
        )
    return Problem("not_boolean", start, end, message, hint)


def operator_on_boolean(cursor: Cursor, attribute: Attribute) -> Problem:
    """A boolean that is compared with something."""
    sign = cursor.take()
    value = cursor.token
    takes_value = value.kind in (Kind.TEXT, Kind.NUMBER, Kind.WORD)
    end = value.end if takes_value else sign.end
    said = value.value.lower() if takes_value else ""
    name = f":{attribute.name}:"
    plain = (sign.value != "!=") == (said not in ("false", "no", "0"))
    hint = name if plain else f"not {name}"
    message = f"booleans stand alone: {quoted(name)} takes no {quoted(cursor.slice(sign))}"
    return Problem(
        "boolean_takes_no_operator", sign.start, end, f"{message}, write {quoted(hint)}", hint
    )


def doubled(text: str, first: Token, last: Token) -> Problem:
    """Two comparison operators in a row."""
    written = text[first.start : last.end]
    hint = DOUBLED_MEANT.get(re.sub(r"\s+", "", written))
    if first.value.lower() == last.value.lower():
        hint = first.value.lower()
    message = f"there are two operators in a row in {quoted(written)}{either(hint)}"
    return Problem("duplicate_operator", first.start, last.end, message, hint, hint)


def no_value(cursor: Cursor, sign: Token, left: Term) -> Problem:
    """Something that is no value after a comparison operator."""
    token = cursor.token
    if token.kind is Kind.END:
        message = f"the rule ends where a value must follow {quoted(cursor.slice(sign))}"
        return Problem("unexpected_end", token.start, token.end, message)
    if token.kind is Kind.ALIAS:
        hint = f"in {cursor.slice(token)}"
        message = f"a list is compared with `in`, did you mean {quoted(hint)}?"
        return Problem("unexpected_token", token.start, token.end, message, hint)
    if token.kind is Kind.OPEN:
        subject = cursor.text[left.span.start : left.span.end]
        hint = f"{subject} in (…)"
        message = f"several values are compared with `in`, did you mean {quoted(hint)}?"
        return Problem("unexpected_token", token.start, token.end, message, hint)
    if token.kind is Kind.ARITHMETIC:
        message = f"a number carries no sign: {quoted(token.value)} cannot start a value"
        return Problem("unexpected_token", token.start, token.end, message)
    return _odd(cursor, None, f"where a value must follow {quoted(cursor.slice(sign))}")


def no_list(cursor: Cursor, sign: Token) -> Problem:
    """Something that is neither a named list nor a parenthesis after `in`."""
    token = cursor.token
    written = cursor.slice(token)
    if token.kind is Kind.END:
        message = f"the rule ends where a list must follow {quoted(cursor.slice(sign))}"
        return Problem("unexpected_end", token.start, token.end, message)
    if token.kind in (Kind.TEXT, Kind.NUMBER):
        hint = f"({written})"
        message = f"`in` takes items in parentheses, did you mean {quoted(hint)}?"
        return Problem("unexpected_token", token.start, token.end, message, hint, hint)
    where = f"after {quoted(cursor.slice(sign))}: it takes `('…', '…')` or `@list`"
    return _odd(cursor, None, where)


def no_item(cursor: Cursor) -> Problem:
    """Something that is no literal inside a list of items."""
    token = cursor.token
    if token.kind is Kind.END:
        message = "the rule ends where an item of the list must follow"
        return Problem("unexpected_end", token.start, token.end, message)
    if token.kind is Kind.ALIAS:
        hint = cursor.slice(token)
        message = f"a named list stands without parentheses, did you mean `in {hint}`?"
        return Problem("unexpected_token", token.start, token.end, message, hint)
    if token.kind in (Kind.ATTRIBUTE, Kind.METADATA):
        message = f"the items of a list are literals, not {quoted(cursor.slice(token))}"
        return Problem("unexpected_token", token.start, token.end, message)
    return _odd(cursor, None, "where an item of the list must follow")


def item_list_goes_on(cursor: Cursor, opening: Token) -> Problem:
    """An item is followed by neither a comma nor the end of the list."""
    token = cursor.token
    literal_next = cursor.following.kind in (Kind.TEXT, Kind.NUMBER, Kind.WORD)
    joined = token.kind in (Kind.AND, Kind.OR)
    if cursor.closer() is None or (joined and not literal_next):
        return unclosed(opening)
    message = f"a comma is missing before {quoted(cursor.slice(token))}"
    if joined:
        message = f"items are separated by commas, not by {quoted(cursor.slice(token))}"
    return Problem("unexpected_token", token.start, token.end, message, ",")


def bad_argument(cursor: Cursor, name: Token) -> Problem:
    """`is_missing` without exactly one attribute or metadata key in parentheses."""
    token = cursor.token
    inside = cursor.text[token.start : token.end]
    hint = "is_missing(:attribute:)"
    if token.kind in (Kind.ATTRIBUTE, Kind.METADATA):
        hint = f"is_missing({inside})"
    end = max(token.end, name.end)
    message = f"`is_missing` takes exactly one attribute or metadata key, as in {quoted(hint)}"
    return Problem("bad_function_argument", name.start, end, message, hint)


def _bare_word(cursor: Cursor, operands: Operands) -> Problem:
    token = cursor.token
    word = token.value
    if cursor.following.kind is Kind.OPEN:
        message, hint = f"there is no function {quoted(word)}, only `is_missing`", None
        if word.lower() in FUNCTION_LIKE or nearest(word, ["is_missing"]):
            hint = "is_missing"
        elif word.lower() in AGGREGATES:
            message = (
                f"there is no ad-hoc aggregation such as {quoted(word + '(…)')}: declare a counter"
            )
        return Problem(
            "unexpected_token", token.start, token.end, message + either(hint), hint, hint
        )
    if word.lower() in ("true", "false"):
        message = f"{quoted(word)} is not a condition: booleans stand alone, as in `:is_recurring:`"
        return Problem("unexpected_token", token.start, token.end, message)
    known = operands.known_name(word)
    hint = f":{known}:" if known else f":{word}:"
    colon = cursor.text[token.end : token.end + 1] == ":"
    end = token.end + colon
    message = f"an attribute starts with a colon{either(hint)}"
    return Problem("unexpected_token", token.start, end, message, hint, hint if known else None)


def _odd(cursor: Cursor, operands: Operands | None, where: str) -> Problem:
    token = cursor.token
    written = cursor.slice(token)
    start, end = token.start, token.end
    if written == ":":
        return _stray_colon(cursor, operands)
    hint = fix = None
    message = f"{quoted(written)} cannot stand {where}"
    plain = unicodedata.normalize("NFKC", written)
    if written in ("…", "...", ".."):
        message = f"{quoted(written)} stands for something left out: write the whole condition"
    elif plain != written and plain.isascii():
        hint = fix = plain
        message = f"{quoted(written)} is a full-width character{either(plain)}"
    elif written in "`\xb4":
        hint, message = "'", f"{quoted(written)} is not a quote, texts take single quotes `'`"
    return Problem("unexpected_token", start, end, message, hint, fix)


def _stray_colon(cursor: Cursor, operands: Operands | None) -> Problem:
    """A colon that belongs to no attribute: one side is missing, or a space follows it."""
    token = cursor.token
    span = Span(token.start, token.end)
    found = re.compile(r"(?P<lead>:+)\s*(?P<name>\w[\w.]*)[^\S\r\n]*(?P<tail>:?)").match(
        cursor.text, token.start
    )
    if found is None:
        return Problem(
            "unexpected_token", span.start, span.end, "this colon belongs to no attribute"
        )
    name = found["name"]
    if len(found["lead"]) > 1:
        hint = f"::{name}::"
        message = f"metadata has two colons on both sides{either(hint)}"
    else:
        known = operands.known_name(name) if operands else name
        hint = f":{known or name}:"
        message = f"an attribute has a colon right before and right after its name{either(hint)}"
    return Problem("unexpected_token", span.start, span.end, message, hint)
