"""From tokens to a checked condition: grammar, names and types in one walk.

One walk, so that the first problem noted is the first in reading order.
"""

from collections.abc import Mapping

from sekisho.language import complaints
from sekisho.language.catalogue import Catalogue
from sekisho.language.cursor import Cursor, Refused
from sekisho.language.limits import DEPTH_MAX, DIAGNOSTICS_MAX
from sekisho.language.memberships import Memberships
from sekisho.language.operands import Operands, unquoted
from sekisho.language.tokens import Kind, Token
from sekisho.language.tree import (
    And,
    Arithmetic,
    Attribute,
    Compare,
    Condition,
    Flag,
    IsMissing,
    Metadata,
    Not,
    Number,
    Op,
    Operand,
    Or,
    Span,
    Text,
    Type,
)
from sekisho.language.typecheck import Term, comparison_problem, operator_problem

_ENDS_CONDITION = (Kind.AND, Kind.OR, Kind.CLOSE, Kind.END)


class Conditions:
    """Reads conditions from a cursor. What it returns is whole only if no problem was noted."""

    def __init__(
        self, cursor: Cursor, catalogue: Catalogue, lists: Mapping[str, str] | None
    ) -> None:
        self._cursor = cursor
        self._operands = Operands(cursor, catalogue)
        self._memberships = Memberships(cursor, self._operands, lists)
        self._level = 0  # open parentheses
        self._depth = 0  # the same and negations

    def whole(self) -> Condition | None:
        """The condition that makes up the rest of the text."""
        found = self._alternatives()
        while self._cursor.token.kind is not Kind.END:
            self._cursor.note(complaints.stray_closer(self._cursor.take()))
            self._cursor.skip_to_joint()
            if self._cursor.take_if(Kind.AND, Kind.OR):
                self._alternatives()
        return found

    def _alternatives(self) -> Condition | None:
        parts = [self._conjunction()]
        while self._cursor.take_if(Kind.OR):
            parts.append(self._conjunction())
        return _joined(Or, parts)

    def _conjunction(self) -> Condition | None:
        parts = [self._negation()]
        while self._cursor.take_if(Kind.AND):
            parts.append(self._negation())
        return _joined(And, parts)

    def _negation(self) -> Condition | None:
        """A condition with the negations before it; whatever must not follow it is noted here."""
        signs: list[Token] = []
        while sign := self._cursor.take_if(Kind.NOT):
            signs.append(sign)
        grouped = bool(signs) and self._cursor.token.kind is Kind.OPEN
        added = len(signs) - grouped
        self._depth += added
        found, end = None, 0
        try:
            self._bound_depth(signs[0] if signs else self._cursor.token)
            found = self._primary()
            end = self._cursor.last_end
            self._follow_up()
        except Refused:
            self._cursor.skip_to_joint()
        self._depth -= added
        for sign in reversed(signs):
            found = found and Not(found, Span(sign.start, end))
        return found

    def _follow_up(self) -> None:
        if self._cursor.token.kind not in _ENDS_CONDITION:
            raise self._cursor.refuse(complaints.trailing(self._cursor))

    def _bound_depth(self, at: Token) -> None:
        if self._depth > DEPTH_MAX or len(self._cursor.problems) >= DIAGNOSTICS_MAX:
            if self._depth > DEPTH_MAX:
                self._cursor.note(complaints.too_deep(at))
            self._cursor.skip_to_end()
            raise Refused

    def _primary(self) -> Condition | None:
        token = self._cursor.token
        match token.kind:
            case Kind.OPEN if not self._cursor.calculation_ahead():
                return self._group()
            case Kind.OPEN | Kind.ATTRIBUTE | Kind.METADATA | Kind.BAD_METADATA:
                return self._comparison()
            case Kind.NUMBER if self._cursor.following.kind is Kind.ARITHMETIC:
                return self._comparison()
            case Kind.IS_MISSING:
                return self._is_missing()
            case Kind.CLOSE if self._level == 0:
                raise self._cursor.refuse(complaints.stray_closer(self._cursor.take()))
            case _:
                raise self._cursor.refuse(complaints.no_condition(self._cursor, self._operands))

    def _group(self) -> Condition | None:
        opening = self._cursor.take()
        self._level += 1
        self._depth += 1
        inner = self._alternatives()
        self._level -= 1
        self._depth -= 1
        closing = self._cursor.take_if(Kind.CLOSE)
        if closing is None and not self._cursor.gave_up:
            self._cursor.note(complaints.unclosed(opening))
        return inner

    def _is_missing(self) -> Condition | None:
        name = self._cursor.take()
        opening = self._cursor.take_if(Kind.OPEN)
        if opening is None:
            raise self._cursor.refuse(complaints.bad_argument(self._cursor, name))
        if self._cursor.token.kind not in (Kind.ATTRIBUTE, Kind.METADATA, Kind.BAD_METADATA):
            raise self._cursor.refuse_inside(complaints.bad_argument(self._cursor, name))
        term = self._operands.single()
        closing = self._cursor.take_if(Kind.CLOSE)
        if closing is None:
            never_closed = self._cursor.closer() is None
            problem = complaints.bad_argument(self._cursor, name)
            problem = complaints.unclosed(opening) if never_closed else problem
            raise self._cursor.refuse_inside(problem)
        assert isinstance(term.operand, Attribute | Metadata)
        return IsMissing(term.operand, Span(name.start, self._cursor.last_end))

    def _comparison(self) -> Condition | None:
        start = self._cursor.token
        left = self._operands.operand()
        if isinstance(left.operand, Attribute) and left.type is Type.BOOLEAN:
            return self._flag(left.operand)
        if _is_constant(left.operand):
            raise self._cursor.refuse(complaints.literal_first(self._cursor, start))
        match self._cursor.token.kind:
            case Kind.OPERATOR:
                return self._compared(left)
            case Kind.IN:
                return self._memberships.read(left)
            case _ if left.type is None:
                raise Refused
            case _:
                raise self._cursor.refuse(complaints.not_boolean(self._cursor, left))

    def _flag(self, attribute: Attribute) -> Condition:
        if self._cursor.token.kind in (Kind.OPERATOR, Kind.IN):
            raise self._cursor.refuse(complaints.operator_on_boolean(self._cursor, attribute))
        return Flag(attribute, attribute.span)

    def _compared(self, left: Term) -> Condition | None:
        sign = self._cursor.take()
        op = Op(sign.value.lower())
        at = Span(sign.start, sign.end)
        problem = operator_problem(left, op, at, self._cursor.text)
        if problem:
            self._cursor.note(problem)
        doubled = self._memberships.repeated_operator(sign)
        right = self._right_side(sign, left)
        if not problem and not doubled:
            problem = comparison_problem(left, op, right, self._cursor.text)
            if problem:
                self._cursor.note(problem)
        span = Span(left.span.start, self._cursor.last_end)
        return Compare(op, left.operand, _as_text(right.operand, op), span)

    def _right_side(self, sign: Token, left: Term) -> Term:
        token = self._cursor.token
        match token.kind:
            case Kind.TEXT:
                return self._operands.literal()
            case Kind.ATTRIBUTE | Kind.METADATA | Kind.BAD_METADATA | Kind.NUMBER:
                return self._operands.operand()
            case Kind.OPEN if self._cursor.calculation_ahead():
                return self._operands.operand()
            case Kind.WORD:
                start, end = self._cursor.bare_text()
                self._cursor.note(unquoted(self._cursor.text, start, end))
                return Term(Text("", Span(start, end)), None)
            case _:
                raise self._cursor.refuse(complaints.no_value(self._cursor, sign, left))


def _joined(kind: type[And] | type[Or], parts: list[Condition | None]) -> Condition | None:
    """One node over all parts; a part of the same kind that stood in parentheses is merged in."""
    merged: list[Condition] = []
    for part in parts:
        if part is not None:
            merged.extend(part.parts if isinstance(part, kind) else [part])
    if len(merged) <= 1:
        return merged[0] if merged else None
    return kind(tuple(merged), Span(merged[0].span.start, merged[-1].span.end))


def _is_constant(operand: Operand) -> bool:
    if isinstance(operand, Arithmetic):
        return _is_constant(operand.left) and _is_constant(operand.right)
    return isinstance(operand, Text | Number)


def _as_text(operand: Operand, op: Op) -> Operand:
    """`includes 5` looks for the text `5`."""
    if op in (Op.INCLUDES, Op.LIKE) and isinstance(operand, Number):
        return Text(operand.source, operand.span)
    return operand
