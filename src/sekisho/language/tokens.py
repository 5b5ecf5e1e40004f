"""From characters to tokens; what cannot be read as a token at all is noted here."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sekisho.language.diagnostics import Problem

SINGLE_LIKE = "\u2018\u2019\u201a\u201b\uff07\u2039\u203a"
DOUBLE_LIKE = '"\u201c\u201d\u201e\u201f\uff02\xab\xbb'
WRONG_QUOTES = SINGLE_LIKE + DOUBLE_LIKE


class Kind(StrEnum):
    """What a token is."""

    ATTRIBUTE = "attribute"  # :name:
    METADATA = "metadata"  # ::key:: or ::scope:key::
    BAD_METADATA = "bad_metadata"  # :metadata:key:, :metadata[key]:, ::no_scope:key::
    TEXT = "text"  # 'text'
    NUMBER = "number"
    ALIAS = "alias"  # @list
    WORD = "word"
    IF = "if"
    AND = "and"
    OR = "or"
    NOT = "not"
    IN = "in"
    IS_MISSING = "is_missing"
    OPERATOR = "operator"  # = != < > <= >= includes like
    ARITHMETIC = "arithmetic"  # + - * /
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    JUNK = "junk"  # a stray colon, an ellipsis, any other character that begins no token
    END = "end"


class Token(NamedTuple):
    """A piece of the rule; `value` is a name, a key, an unescaped text or the piece as written."""

    kind: Kind
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """All tokens, an END last, and the two kinds of problem that win over every other."""

    tokens: tuple[Token, ...]
    problems: tuple[Problem, ...]


_KEYWORDS = {
    "if": Kind.IF,
    "and": Kind.AND,
    "or": Kind.OR,
    "not": Kind.NOT,
    "in": Kind.IN,
    "is_missing": Kind.IS_MISSING,
    "includes": Kind.OPERATOR,
    "like": Kind.OPERATOR,
}
_SYMBOLS = {
    "&&": Kind.AND,
    "||": Kind.OR,
    "!": Kind.NOT,
    "(": Kind.OPEN,
    ")": Kind.CLOSE,
    ",": Kind.COMMA,
    **dict.fromkeys(("<=", ">=", "!=", "=", "<", ">"), Kind.OPERATOR),
    **dict.fromkeys("+-*/", Kind.ARITHMETIC),
}
_SCOPES = ("", "customer", "destination", "account")

_PIECE = re.compile(
    r"""
    [\s\ufeff]* (?:
      (?P<odd>    :metadata
                  (?: :(?P<odd_key>[A-Za-z0-9_][^:\r\n]*) | \[(?P<odd_index>[^\]:\r\n]*)\] )
                  :(?!:) )
    | (?P<meta>   :: (?: (?P<scope>[A-Za-z0-9_][^:\r\n]*) : (?![\s=<>!]) )? (?P<key>[^:\r\n]+) :: )
    | (?P<attr>   :(?P<name>[A-Za-z0-9_][^:\r\n]*): )
    | (?P<text>   '(?P<content>(?:[^'\\\r\n]|\\[^\r\n])*)' )
    | (?P<number> [0-9]+(?:\.[0-9]+)? )
    | (?P<alias>  @(?P<list>[\w-]+) )
    | (?P<word>   [^\W0-9]\w* )
    | (?P<symbol> && | \|\| | <= | >= | != | [=<>!(),+*/-] )
    | (?P<end>    \Z )
    | (?P<junk>   \.+ | . )
    )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_WRONGLY_QUOTED = re.compile(
    rf"[{WRONG_QUOTES}](?P<content>[^{WRONG_QUOTES}'\r\n]*)[{WRONG_QUOTES}']"
)
_ESCAPE = re.compile(r"\\(['\\])")
_MAY_SWALLOW = ("attr", "meta", "odd")
_WRONG_QUOTE = re.compile(f"[{WRONG_QUOTES}]")


def scan(text: str, start: int = 0) -> Scan:
    """Read a rule, from an offset on, into tokens. Never fails: what is odd becomes JUNK.

    >>> [token.value for token in scan("Block if :risk_score: >= 75").tokens]
    ['Block', 'if', 'risk_score', '>=', '75', '']
    """
    tokens: list[Token] = []
    problems: list[Problem] = []
    at = start
    while (found := _PIECE.match(text, at)) and found.lastgroup != "end":
        at = _step(found, tokens, problems)
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return Scan(tuple(tokens), tuple(problems))


def unescape(content: str) -> str:
    r"""The inside of a text literal with its two escapes resolved; another backslash stays.

    >>> unescape(r"d\'Or \\ C:\temp")
    "d'Or \\ C:\\temp"
    """
    return _ESCAPE.sub(r"\1", content) if "\\" in content else content


def _step(found: re.Match[str], tokens: list[Token], problems: list[Problem]) -> int:
    """Append what the piece is, and say where the next begins."""
    group = found.lastgroup or ""
    start, end = found.span(group)
    piece = found[group]
    if group == "junk" and piece in WRONG_QUOTES:
        return _wrong_quote(found.string, start, tokens, problems)
    if piece == "'":
        return _unterminated(found.string, start, tokens, problems)
    if group in _MAY_SWALLOW and _WRONG_QUOTE.search(piece):
        _note_quotes_inside(found.string, start, end, problems)
    kind, value = _meaning(group, piece, found)
    tokens.append(Token(kind, value, start, end))
    return end


def _meaning(group: str, piece: str, found: re.Match[str]) -> tuple[Kind, str]:
    """The kind and the value of a token."""
    match group:
        case "attr":
            return Kind.ATTRIBUTE, found["name"]
        case "symbol":
            return _SYMBOLS[piece], piece
        case "word":
            return _KEYWORDS.get(piece.lower(), Kind.WORD), piece
        case "number":
            return Kind.NUMBER, piece
        case "text":
            return Kind.TEXT, unescape(found["content"])
        case "alias":
            return Kind.ALIAS, found["list"]
        case "meta":
            return _metadata(found)
        case "odd":
            index = found["odd_index"] or ""
            return Kind.BAD_METADATA, found["odd_key"] or index.strip("'\"")
        case _:
            return Kind.JUNK, piece


def _metadata(found: re.Match[str]) -> tuple[Kind, str]:
    scope, key = found["scope"] or "", found["key"]
    if scope not in _SCOPES:
        known = scope.lower()
        prefix = f"{known}:" if known in _SCOPES else ""
        return Kind.BAD_METADATA, prefix + key
    bracketed = re.fullmatch(r"metadata\[(.*)\]", key, re.IGNORECASE)
    if bracketed:
        return Kind.BAD_METADATA, bracketed[1].strip("'\"")
    return Kind.METADATA, f"{scope}:{key}" if scope else key


def _note_quotes_inside(text: str, start: int, end: int, problems: list[Problem]) -> None:
    """A colon lost further left makes an attribute swallow what follows, wrong quotes included."""
    problems.extend(
        _invalid_character(text, found.start(), found.end(), "'", "'")
        for found in _WRONG_QUOTE.finditer(text, start, end)
    )


def _wrong_quote(text: str, at: int, tokens: list[Token], problems: list[Problem]) -> int:
    """Report a typographic or double quote once a pair, and read the pair as the text it means."""
    pair = _WRONGLY_QUOTED.match(text, at)
    if pair is None:
        problems.append(_invalid_character(text, at, at + 1, "'", "'"))
        return at + 1
    literal = f"'{pair['content']}'"
    hint = _boolean_rewrite(tokens, pair["content"]) or literal
    problems.append(_invalid_character(text, at, at + 1, hint, literal))
    tokens.append(Token(Kind.TEXT, pair["content"], at, pair.end()))
    return pair.end()


def _invalid_character(text: str, start: int, end: int, hint: str, fix: str) -> Problem:
    name = "a straight double quote" if text[start] == '"' else "a typographic quote"
    return Problem(
        "invalid_character",
        start,
        end,
        f"{name} `{text[start:end]}` cannot stand here: texts take single quotes, write `{hint}`",
        hint,
        fix,
    )


def _boolean_rewrite(tokens: list[Token], content: str) -> str | None:
    """`:x: = “true”` is meant as `:x:`, and `!=` or “false” as `not :x:`."""
    if len(tokens) < 2 or content.lower() not in ("true", "false"):  # noqa: PLR2004 — `:x:` and `=`
        return None
    subject, operator = tokens[-2:]
    if subject.kind is not Kind.ATTRIBUTE or operator.value not in ("=", "!="):
        return None
    plain = (operator.value == "=") == (content.lower() == "true")
    return f":{subject.value}:" if plain else f"not :{subject.value}:"


def _unterminated(text: str, at: int, tokens: list[Token], problems: list[Problem]) -> int:
    """Report an opening quote without its partner; the rest of the line belongs to it."""
    line = re.compile(r"[^\r\n]*").match(text, at)
    end = line.end() if line else len(text)
    culprit = _swallowing_text(tokens, text, at)
    opening = culprit.start if culprit else at
    meant = re.compile(r"'([^\s,)']*)").match(text, opening)
    word = meant[1].rstrip(WRONG_QUOTES + "\\") if meant else ""
    hint = f"'{word}'" if word else None
    tail = f", did you mean `{hint}`?" if hint else ""
    problems.append(
        Problem(
            "unterminated_string",
            opening,
            opening + 1,
            f"the text that begins here is never closed on its line{tail}",
            hint,
            hint,
        )
    )
    tokens.append(Token(Kind.TEXT, text[at + 1 : end], at, end))
    return end


def _swallowing_text(tokens: list[Token], text: str, at: int) -> Token | None:
    """An earlier text of the same line that ran on over an attribute and an operator.

    In `:a: = 'x and :b: = 'y'` the quote without a partner is the last, but the forgotten one
    belongs behind the first.
    """
    line_start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    first = bisect_left(tokens, line_start, key=lambda token: token.start)
    for token in tokens[first:]:
        if token.kind is not Kind.TEXT:
            continue
        if re.search(
            r":\w+:\s*([=<>!]+|in\s*\(|in|like|includes)\s*\(?$", token.value, re.IGNORECASE
        ):
            return token
    return None
