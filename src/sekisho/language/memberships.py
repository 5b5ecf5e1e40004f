"""Reading what stands after `in`: a list of literals in parentheses, or a named list."""

from collections.abc import Mapping

from sekisho.language import complaints
from sekisho.language.cursor import Cursor
from sekisho.language.diagnostics import Problem, either, quoted
from sekisho.language.operands import Operands, unquoted
from sekisho.language.suggest import nearest
from sekisho.language.tokens import Kind, Token
from sekisho.language.tree import (
    Attribute,
    Condition,
    InItems,
    InList,
    Metadata,
    Number,
    Span,
    Text,
)
from sekisho.language.typecheck import Term, list_problem, literal_problem, operator_problem


class Memberships:
    """Reads the right side of `in`."""

    def __init__(self, cursor: Cursor, operands: Operands, lists: Mapping[str, str] | None) -> None:
        self._cursor = cursor
        self._operands = operands
        self._lists = lists

    def read(self, left: Term) -> Condition | None:
        """The membership whose left side is read already; the cursor stands on `in`."""
        sign = self._cursor.take()
        problem = operator_problem(left, None, Span(sign.start, sign.end), self._cursor.text)
        if problem:
            self._cursor.note(problem)
        self.repeated_operator(sign)
        match self._cursor.token.kind:
            case Kind.OPEN:
                return self._items(left)
            case Kind.ALIAS:
                return self._named(left, self._cursor.take())
            case Kind.WORD:
                return self._without_at()
            case _:
                raise self._cursor.refuse(complaints.no_list(self._cursor, sign))

    def repeated_operator(self, sign: Token) -> bool:
        """Note and pass over operators that follow the first one at once."""
        last: Token | None = None
        while again := self._cursor.take_if(Kind.OPERATOR, Kind.IN):
            last = again
        if last is not None:
            self._cursor.note(complaints.doubled(self._cursor.text, sign, last))
        return last is not None

    def _items(self, left: Term) -> Condition | None:
        opening = self._cursor.take()
        if self._cursor.token.kind is Kind.CLOSE:
            end = self._cursor.take().end
            message = "the list has no items: it needs at least one item"
            self._cursor.note(Problem("empty_list", opening.start, end, message))
            return None
        items = [self._item(left)]
        while self._cursor.take_if(Kind.COMMA):
            items.append(self._item(left))
        if self._cursor.take_if(Kind.CLOSE) is None:
            raise self._cursor.refuse_inside(complaints.item_list_goes_on(self._cursor, opening))
        if not isinstance(left.operand, Attribute | Metadata):
            return None
        read = tuple(item for item in items if item is not None)
        return InItems(left.operand, read, Span(left.span.start, self._cursor.last_end))

    def _item(self, left: Term) -> Text | Number | None:
        token = self._cursor.token
        if token.kind is Kind.WORD:
            start, end = self._cursor.bare_text()
            self._cursor.note(unquoted(self._cursor.text, start, end))
            return None
        if token.kind not in (Kind.TEXT, Kind.NUMBER):
            raise self._cursor.refuse_inside(complaints.no_item(self._cursor))
        term = self._operands.literal()
        problem = (
            literal_problem(left, None, term.operand, self._cursor.text) if term.type else None
        )
        if problem:
            self._cursor.note(problem)
        return term.operand if isinstance(term.operand, Text | Number) else None

    def _named(self, left: Term, token: Token) -> Condition | None:
        if self._lists is not None:
            problem = self._list_problem(left, token)
            if problem:
                self._cursor.note(problem)
        if not isinstance(left.operand, Attribute | Metadata):
            return None
        return InList(left.operand, token.value, Span(left.span.start, token.end))

    def _list_problem(self, left: Term, token: Token) -> Problem | None:
        lists = self._lists or {}
        item_type = lists.get(token.value)
        if item_type is not None:
            return list_problem(left, token.value, item_type, Span(token.start, token.end))
        meant = nearest(token.value, lists)
        hint = f"@{meant}" if meant else None
        message = f"there is no list {quoted('@' + token.value)}{either(hint)}"
        return Problem("unknown_list", token.start, token.end, message, hint, hint)

    def _without_at(self) -> None:
        start, end = self._cursor.bare_text()
        word = self._cursor.text[start:end]
        meant = word if self._lists is None or word in self._lists else nearest(word, self._lists)
        hint = f"@{meant or word}"
        message = f"the alias of a list starts with `@`{either(hint)}"
        self._cursor.note(Problem("list_needs_at", start, end, message, hint, hint))
