"""Which operators a type takes and which two sides can be compared (contract, sections 4 and 6)."""

from typing import NamedTuple

from sekisho.language.countries import COUNTRY_CODES, code_of
from sekisho.language.diagnostics import Problem, either, quoted
from sekisho.language.tree import (
    Arithmetic,
    Attribute,
    Metadata,
    Number,
    Op,
    Operand,
    Span,
    Text,
    Type,
)

NUMERIC_TYPES = frozenset({Type.NUMERIC, Type.BOUNDED})
TEXT_TYPES = frozenset({Type.STRING_CI, Type.STRING_CS, Type.COUNTRY, Type.STATE})
ORDERINGS = frozenset({Op.LT, Op.GT, Op.LE, Op.GE})
TEXT_TESTS = frozenset({Op.INCLUDES, Op.LIKE})

_GENERAL_LISTS = {
    "country": frozenset({Type.COUNTRY}),
    "string": frozenset({Type.STRING_CI, Type.STATE, Type.METADATA}),
    "email": frozenset({Type.STRING_CI}),
    "case_sensitive_string": frozenset({Type.STRING_CS, Type.METADATA}),
}
_SPECIFIC_LISTS = {
    "account": frozenset({"account", "destination"}),
    "card_bin": frozenset({"card_bin"}),
    "card_fingerprint": frozenset({"card_fingerprint"}),
    "crypto_fingerprint": frozenset({"crypto_fingerprint"}),
    "customer_id": frozenset({"customer"}),
    "ip_address": frozenset({"ip_address"}),
    "sepa_debit_fingerprint": frozenset({"sepa_debit_fingerprint"}),
    "us_bank_account_fingerprint": frozenset({"us_bank_account_fingerprint"}),
}


class Term(NamedTuple):
    """An operand with its type; None where a problem was noted and nothing more is to be said."""

    operand: Operand
    type: Type | None

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.operand.span

    @property
    def is_literal(self) -> bool:
        """A text or a number."""
        return isinstance(self.operand, Text | Number)


def operator_problem(left: Term, op: Op | None, at: Span, text: str) -> Problem | None:
    """Why the left side does not take this operator (None stands for `in`), or nothing."""
    kind = left.type
    if kind is None or kind is Type.METADATA:
        return None
    written = text[at.start : at.end]
    if kind in NUMERIC_TYPES:
        if op in TEXT_TESTS:
            return _unsupported(left, at, text, "a number", "= != < > <= >= and in")
        if op is None and isinstance(left.operand, Arithmetic):
            message = f"{quoted(written)} takes an attribute on its left, not a calculation"
            return Problem("operator_not_supported", at.start, at.end, message)
        return None
    if op in ORDERINGS:
        return _unsupported(left, at, text, _noun(kind), "= != in includes and like")
    return None


def comparison_problem(left: Term, op: Op, right: Term, text: str) -> Problem | None:
    """Why the two sides cannot be compared, or nothing; the operator itself is fine already."""
    if left.type is None or right.type is None:
        return None
    if right.is_literal:
        return literal_problem(left, op, right.operand, text)
    reason = None
    if op in TEXT_TESTS and right.type in NUMERIC_TYPES and left.type is Type.METADATA:
        message = f"{quoted(text[right.span.start : right.span.end])} is a number, "
        message += f"but {quoted(op.value)} looks for text"
        return Problem("operator_not_supported", right.span.start, right.span.end, message)
    if right.type is Type.BOOLEAN:
        reason = "a boolean stands alone and is compared with nothing"
    elif Type.METADATA not in (left.type, right.type) and (
        (left.type in NUMERIC_TYPES) != (right.type in NUMERIC_TYPES)
    ):
        reason = f"{_noun(left.type)} and {_noun(right.type)}"
    return _mismatch(left, right, text, reason) if reason else None


def literal_problem(left: Term, op: Op | None, literal: Operand, text: str) -> Problem | None:
    """Why a literal does not fit the left side, or nothing."""
    start, end = literal.span.start, literal.span.end
    written = text[start:end]
    if left.type in NUMERIC_TYPES and isinstance(literal, Text):
        number = literal.value.strip()
        hint = number if number.replace(".", "", 1).isascii() and _is_decimal(number) else None
        message = f"{_subject(left, text)} is a number, {quoted(written)} is a text{either(hint)}"
        return Problem("expected_number", start, end, message, hint, hint)
    if left.type is Type.COUNTRY and op not in TEXT_TESTS:
        return _country_problem(literal, written)
    if left.type and left.type in TEXT_TYPES and isinstance(literal, Number):
        hint = f"'{literal.source}'"
        message = f"{_subject(left, text)} is {_noun(left.type)}, {quoted(written)} is a number"
        return Problem("type_mismatch", start, end, message + either(hint), hint, hint)
    return None


def list_problem(left: Term, alias: str, item_type: str, at: Span) -> Problem | None:
    """Why the items of a list cannot be compared with the left side, or nothing."""
    kind = left.type
    if kind is None or _list_fits(left, item_type):
        return None
    name = left.operand.name if isinstance(left.operand, Attribute) else "metadata"
    message = (
        f"the items of {quoted('@' + alias)} are of type {quoted(item_type)}, "
        f"which {quoted(f':{name}:')} ({_noun(kind)}) cannot be in"
        if isinstance(left.operand, Attribute)
        else f"the items of {quoted('@' + alias)} are of type {quoted(item_type)}, "
        "metadata takes lists of type `string` or `case_sensitive_string`"
    )
    return Problem("list_type_mismatch", at.start, at.end, message)


def term_of(operand: Attribute | Metadata | Number | Text | Arithmetic) -> Term:
    """The operand with the type it is compared as."""
    if isinstance(operand, Attribute):
        return Term(operand, operand.type)
    if isinstance(operand, Metadata):
        return Term(operand, Type.METADATA)
    return Term(operand, Type.STRING_CS if isinstance(operand, Text) else Type.NUMERIC)


def _list_fits(left: Term, item_type: str) -> bool:
    if item_type in _GENERAL_LISTS:
        return left.type in _GENERAL_LISTS[item_type]
    names = _SPECIFIC_LISTS.get(item_type, frozenset())
    return isinstance(left.operand, Attribute) and left.operand.name in names


def _country_problem(literal: Operand, written: str) -> Problem | None:
    value = literal.value if isinstance(literal, Text) else ""
    if value.upper() in COUNTRY_CODES:
        return None
    code = code_of(value) if isinstance(literal, Text) else None
    hint = f"'{code}'" if code else None
    message = f"{quoted(written)} is not a two-letter country code (ISO 3166-1){either(hint)}"
    return Problem("invalid_country", literal.span.start, literal.span.end, message, hint, hint)


def _mismatch(left: Term, right: Term, text: str, why: str) -> Problem:
    sides = [quoted(text[side.span.start : side.span.end]) for side in (left, right)]
    message = f"{sides[0]} and {sides[1]} cannot be compared: {why}"
    return Problem("type_mismatch", right.span.start, right.span.end, message)


def _unsupported(left: Term, at: Span, text: str, noun: str, takes: str) -> Problem:
    message = (
        f"{quoted(text[at.start : at.end])} does not work on {_subject(left, text)}, "
        f"which is {noun}: it takes {takes}"
    )
    return Problem("operator_not_supported", at.start, at.end, message)


def _subject(left: Term, text: str) -> str:
    return quoted(text[left.span.start : left.span.end])


def _noun(kind: Type) -> str:
    if kind in NUMERIC_TYPES:
        return "a number"
    nouns = {Type.COUNTRY: "a country", Type.STATE: "a state", Type.BOOLEAN: "a boolean"}
    return nouns.get(kind, "a text")


def _is_decimal(text: str) -> bool:
    whole, point, part = text.partition(".")
    return whole.isdigit() and (not point or part.isdigit())
