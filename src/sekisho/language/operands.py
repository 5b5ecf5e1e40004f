"""Reading operands: attributes, metadata, literals and the calculations made of them."""

import re
from collections.abc import Callable

from sekisho.language.catalogue import AttributeSpec, Catalogue
from sekisho.language.cursor import Cursor
from sekisho.language.diagnostics import Problem, either, quoted
from sekisho.language.limits import ARITHMETIC_OPERATORS_MAX, DIAGNOSTICS_MAX
from sekisho.language.suggest import nearest
from sekisho.language.tokens import Kind, Token
from sekisho.language.tree import Arithmetic, Attribute, Metadata, Number, Span, Text, Type
from sekisho.language.typecheck import NUMERIC_TYPES, Term, term_of

_FIRST_WORD = re.compile(r"[A-Za-z0-9_.]+")
_SWALLOWED = re.compile(r"[=<>!'()]|\b(?:and|or|not|in|like|includes)\b", re.IGNORECASE)
_UNREADABLE = Type.METADATA  # a stand-in inside a tree that is thrown away


class Operands:
    """Reads one operand at a time from the cursor and resolves its name in the catalogue."""

    def __init__(self, cursor: Cursor, catalogue: Catalogue) -> None:
        self._cursor = cursor
        self._catalogue = catalogue
        self._suggestions: dict[str, str | None] = {}

    def operand(self) -> Term:
        """An attribute, a metadata value, a number, or a calculation of them."""
        cursor = self._cursor
        if cursor.token.kind is not Kind.OPEN and cursor.following.kind is not Kind.ARITHMETIC:
            return self._factor([0])
        return self._sum([0])

    def single(self) -> Term:
        """Exactly one attribute or metadata value, as `is_missing` takes it."""
        token = self._cursor.take()
        match token.kind:
            case Kind.ATTRIBUTE:
                return self._attribute(token)
            case Kind.METADATA:
                return term_of(metadata_of(token))
            case _:
                self._cursor.note(_bad_metadata(token, self._cursor.slice(token)))
                return Term(Metadata("", token.value, Span(token.start, token.end)), None)

    def literal(self) -> Term:
        """A text or a number; the cursor stands on one."""
        token = self._cursor.take()
        span = Span(token.start, token.end)
        if token.kind is Kind.TEXT:
            return term_of(Text(token.value, span))
        value = float(token.value)
        if value == float("inf"):
            message = f"{quoted(token.value)} is beyond the range of numbers"
            self._cursor.note(Problem("number_out_of_range", token.start, token.end, message))
            return Term(Number(0.0, "0", span), None)
        return term_of(Number(value, token.value, span))

    def known_name(self, name: str) -> str | None:
        """The catalogue's name for a word written without its colons, or the nearest to it."""
        return name if name in self._catalogue else self._nearest(name)

    def _sum(self, operators: list[int]) -> Term:
        left = self._product(operators)
        while self._is_arithmetic("+-"):
            left = self._joined(left, self._cursor.take(), self._product, operators)
        return left

    def _product(self, operators: list[int]) -> Term:
        left = self._factor(operators)
        while self._is_arithmetic("*/"):
            left = self._joined(left, self._cursor.take(), self._factor, operators)
        return left

    def _is_arithmetic(self, signs: str) -> bool:
        token = self._cursor.token
        return token.kind is Kind.ARITHMETIC and token.value in signs

    def _joined(
        self, left: Term, sign: Token, read_right: Callable[[list[int]], Term], operators: list[int]
    ) -> Term:
        operators[0] += 1
        if operators[0] > ARITHMETIC_OPERATORS_MAX:
            message = f"a calculation may have {ARITHMETIC_OPERATORS_MAX} operators at most"
            raise self._cursor.refuse(Problem("nested_too_deep", sign.start, sign.end, message))
        left_fits = self._calculable(left, sign)
        right = read_right(operators)
        span = Span(left.span.start, right.span.end)
        tree = Arithmetic(sign.value, left.operand, right.operand, span)
        return term_of(tree) if left_fits and self._calculable(right, sign) else Term(tree, None)

    def _factor(self, operators: list[int]) -> Term:
        token = self._cursor.token
        match token.kind:
            case Kind.ATTRIBUTE | Kind.METADATA | Kind.BAD_METADATA:
                return self.single()
            case Kind.NUMBER | Kind.TEXT:
                return self.literal()
            case Kind.OPEN if self._cursor.calculation_ahead():
                self._cursor.take()
                inner = self._sum(operators)
                self._close_calculation()
                return inner
            case Kind.END:
                message = "the rule ends where a number must follow"
                raise self._cursor.refuse(
                    Problem("unexpected_end", token.start, token.end, message)
                )
            case Kind.WORD:
                start, end = self._cursor.bare_text()
                raise self._cursor.refuse(unquoted(self._cursor.text, start, end))
            case _:
                message = (
                    f"{quoted(self._cursor.slice(token))} cannot stand where a value must follow"
                )
                raise self._cursor.refuse(
                    Problem("unexpected_token", token.start, token.end, message)
                )

    def _close_calculation(self) -> None:
        token = self._cursor.token
        if self._cursor.take_if(Kind.CLOSE) is None:
            message = f"{quoted(self._cursor.slice(token))} cannot stand in a calculation"
            self._cursor.note(Problem("unexpected_token", token.start, token.end, message))
            self._cursor.skip_past_closer()

    def _calculable(self, term: Term, sign: Token) -> bool:
        """Whether one can calculate with the term; what stands in the way is noted."""
        if term.type is None or term.type is Type.METADATA or term.type in NUMERIC_TYPES:
            return term.type is not None
        start, end = term.span.start, term.span.end
        written = quoted(self._cursor.text[start:end])
        if isinstance(term.operand, Text):
            kind, message = (
                "expected_number",
                f"{written} is a text, {quoted(sign.value)} takes numbers",
            )
        elif term.type is Type.BOOLEAN:
            kind = "boolean_takes_no_operator"
            message = f"booleans stand alone: {quoted(sign.value)} does not work on {written}"
        else:
            kind = "operator_not_supported"
            message = f"{quoted(sign.value)} does not work on {written}, which is not a number"
        self._cursor.note(Problem(kind, start, end, message))
        return False

    def _attribute(self, token: Token) -> Term:
        spec = self._catalogue.get(token.value)
        if spec is None:
            return self._unknown(token)
        if spec.alias_of and spec.alias_of in self._catalogue:
            self._cursor.warnings.append(_legacy(token, spec))
            spec = self._catalogue[spec.alias_of]
        return term_of(Attribute(spec.name, spec.type, Span(token.start, token.end)))

    def _unknown(self, token: Token) -> Term:
        """Note a name that is not in the table; mend a lost closing colon to go on reading."""
        span = Span(token.start, token.end)
        first = _FIRST_WORD.match(token.value)
        name = first[0] if first else token.value
        if name != token.value and (name in self._catalogue or _SWALLOWED.search(token.value)):
            return self._lost_colon(token, name)
        self._cursor.note(self._unknown_problem(token))
        return Term(Attribute(token.value, _UNREADABLE, span), None)

    def _lost_colon(self, token: Token, name: str) -> Term:
        """Note that an attribute was never closed, and read what it swallowed as tokens again."""
        meant = self.known_name(name)
        why = "its closing colon is missing"
        self._cursor.note(_unknown_problem(token, f":{meant}:" if meant else None, why))
        self._cursor.rescan(token.start + 1 + len(name))
        span = Span(token.start, token.start + 1 + len(name))
        if meant != name:
            return Term(Attribute(name, _UNREADABLE, span), None)
        return term_of(Attribute(name, self._catalogue[name].type, span))

    def _unknown_problem(self, token: Token) -> Problem:
        if token.value.lower() == "metadata" or token.value.lower().startswith("metadata."):
            key = token.value[len("metadata.") :] or "key"
            return _unknown_problem(token, f"::{key}::")
        meant = self.known_name(re.sub(r"\s+", "_", token.value.strip()))
        return _unknown_problem(token, f":{meant}:" if meant else None)

    def _nearest(self, name: str) -> str | None:
        if name not in self._suggestions and len(self._suggestions) < DIAGNOSTICS_MAX:
            current = (spec.name for spec in self._catalogue.values() if not spec.alias_of)
            self._suggestions[name] = nearest(name, current)
        return self._suggestions.get(name)


def metadata_of(token: Token) -> Metadata:
    """The metadata value a token names; its scope was checked while scanning."""
    scope, colon, key = token.value.partition(":")
    span = Span(token.start, token.end)
    return Metadata(scope, key, span) if colon else Metadata("", token.value, span)


def unquoted(text: str, start: int, end: int) -> Problem:
    """A bare word where a text or a number must stand."""
    word = text[start:end]
    hint = f"'{word}'"
    message = f"{quoted(word)} is neither a text nor a number, did you mean {quoted(hint)}?"
    if word.lower() in ("null", "none", "nil"):
        message = f"there is no {quoted(word)}: use `is_missing(…)`, or {quoted(hint)} for the text"
    return Problem("unquoted_literal", start, end, message, hint, hint)


def _bad_metadata(token: Token, written: str) -> Problem:
    hint = f"::{token.value}::"
    if written.startswith("::") and not written.lower().startswith("::metadata"):
        message = (
            f"metadata is written {quoted('::key::')}, or with the scope `customer`, `destination` "
            f"or `account` before the key: {quoted(written)} has another scope{either(hint)}"
        )
    else:
        message = f"metadata is written with two colons and its key alone{either(hint)}"
    return Problem("bad_metadata_form", token.start, token.end, message, hint, hint)


def _legacy(token: Token, spec: AttributeSpec) -> Problem:
    hint = f":{spec.alias_of}:"
    message = f"{quoted(f':{spec.name}:')} is a legacy spelling of {quoted(hint)}"
    return Problem("legacy_alias", token.start, token.end, message, hint, hint)


def _unknown_problem(token: Token, hint: str | None, why: str = "") -> Problem:
    message = f"unknown attribute {quoted(f':{token.value}:')}"
    message += f" ({why})" if why else ""
    return Problem("unknown_attribute", token.start, token.end, message + either(hint), hint, hint)
