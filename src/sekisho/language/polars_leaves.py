"""The tests of rules as Polars expressions: null where a test has no answer."""

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from functools import reduce
from typing import assert_never

import polars as pl

from sekisho.language.literals import NUMBER_PATTERN, like
from sekisho.language.lowering import folded
from sekisho.language.predicates import (
    Calculation,
    FlagSet,
    Folding,
    Leaf,
    NumberAmong,
    NumberConst,
    NumbersCompare,
    NumberTerm,
    Present,
    TextAmong,
    TextConst,
    TextField,
    TextListed,
    TextsCompare,
    TextTerm,
)
from sekisho.language.tree import Op

Columns = Mapping[str, pl.DataType | None]
Lists = Mapping[str, Container[str]]
Once = Callable[[Hashable, Callable[[], pl.Expr]], pl.Expr]
"""Given what an expression stands for and how to write it: a way to have it evaluated once."""

MAX_SPELLED_OUT = 6
"""Texts up to which a chain of equalities is faster on a text column than a set."""

_UNKNOWN = pl.lit(None, dtype=pl.Boolean)
_NO_NUMBER = pl.lit(None, dtype=pl.Float64)
_NO_TEXT = pl.lit(None, dtype=pl.String)
_WHOLE_NUMBER = f"^(?:{NUMBER_PATTERN})$"


class Leaves:
    """Writes leaves over columns named like record fields; another field is always missing.

    What is derived from a single column goes through `once`: equalities of texts, texts folded,
    numbers read out of texts.
    """

    def __init__(self, columns: Columns, lists: Lists, once: Once) -> None:
        self._columns = columns
        self._lists = lists
        self._once = once

    def write(self, leaf: Leaf) -> pl.Expr:
        """True where the leaf holds, false or null elsewhere."""
        match leaf:
            case FlagSet():
                return self._flag(leaf.field, wanted=leaf.wanted)
            case Present():
                return self._present(leaf.field, wanted=leaf.wanted)
            case NumbersCompare():
                return _COMPARE[leaf.op](self._number(leaf.left), self._number(leaf.right))
            case NumberAmong() | TextAmong() | TextListed() | TextsCompare():
                holds = self._holds(leaf)
                return holds if leaf.wanted else ~holds
        assert_never(leaf)

    def _flag(self, field: str, *, wanted: bool) -> pl.Expr:
        if field not in self._columns:
            return pl.lit(not wanted)
        flag = self._column(field, pl.Boolean())
        return flag if wanted else ~flag.fill_null(value=False)

    def _present(self, field: str, *, wanted: bool) -> pl.Expr:
        if field not in self._columns:
            return pl.lit(not wanted)
        return pl.col(field).is_not_null() if wanted else pl.col(field).is_null()

    def _holds(self, leaf: NumberAmong | TextAmong | TextListed | TextsCompare) -> pl.Expr:
        match leaf:
            case NumberAmong() if leaf.term.field not in self._columns:
                return _UNKNOWN
            case NumberAmong():
                values = pl.Series(leaf.values, dtype=pl.Float64)
                return self._number(leaf.term).is_in(values.implode())
            case TextAmong():
                return self._one_of(leaf.term, leaf.values)
            case TextListed():
                return self._one_of(leaf.term, self._items(leaf.alias))
            case TextsCompare(op=Op.EQ):
                return self._equal(leaf.left, leaf.right)
            case TextsCompare(op=Op.INCLUDES):
                return self._text(leaf.left).str.contains(self._text(leaf.right), literal=True)
            case TextsCompare():
                return self._like(leaf.left, leaf.right)
        assert_never(leaf)

    def _items(self, alias: str) -> list[str] | None:
        items = self._lists.get(alias)
        if items is None:
            return None
        if not isinstance(items, Iterable):
            msg = f"list `{alias}` cannot be read as a whole; pass a set of its items"
            raise TypeError(msg)
        return list(items)

    def _one_of(self, term: TextField, texts: Sequence[str] | None) -> pl.Expr:
        """Whether the text is among others; nothing is known of a list that is not there."""
        if texts is None or term.field not in self._columns:
            return _UNKNOWN
        column, of_type = self._text_column(term.field)
        if of_type == pl.String and 0 < len(texts) <= MAX_SPELLED_OUT:
            return reduce(pl.Expr.or_, [self._equal(term, TextConst(text)) for text in texts])
        return column.is_in(pl.Series(texts, dtype=of_type).implode())

    def _equal(self, left: TextTerm, right: TextTerm) -> pl.Expr:
        """Equality; a categorical column is compared with a constant as it is."""
        if (
            isinstance(left, TextField)
            and isinstance(right, TextConst)
            and not left.folding
            and left.field in self._columns
        ):
            column, constant = self._text_column(left.field)[0], pl.lit(right.value)
            return self._once((left.field, right.value), lambda: column == constant)
        return self._text(left) == self._text(right)

    def _like(self, text: TextTerm, pattern: TextTerm) -> pl.Expr:
        """A constant pattern is a search of its pieces; one from a column is read row by row."""
        if isinstance(pattern, TextConst):
            return _like_constant(self._text(text), tuple(pattern.value.split("%")))
        pair = pl.struct(self._text(text).alias("text"), self._text(pattern).alias("pattern"))
        return pair.map_elements(_like_row, return_dtype=pl.Boolean)

    def _text_column(self, field: str) -> tuple[pl.Expr, pl.DataType]:
        """The column as text, and the type it then has; only for fields with a column."""
        of_type = self._columns[field]
        if isinstance(of_type, pl.Categorical):
            return pl.col(field), of_type
        return self._column(field, pl.String()), pl.String()

    def _column(self, field: str, of_type: pl.DataType) -> pl.Expr:
        column = pl.col(field)
        return column if self._columns[field] == of_type else column.cast(of_type)

    def _text(self, term: TextTerm) -> pl.Expr:
        if isinstance(term, TextConst):
            return pl.lit(term.value)
        if term.field not in self._columns:
            return _NO_TEXT
        column, of_type = self._text_column(term.field)
        text = column if of_type == pl.String else column.cast(pl.String)
        folding = term.folding
        return self._once(term, lambda: _fold_column(text, folding)) if folding else text

    def _number(self, term: NumberTerm) -> pl.Expr:
        match term:
            case NumberConst():
                return pl.lit(term.value)
            case Calculation():
                left, right = self._number(term.left), self._number(term.right)
                result = _CALCULATE[term.op](left, right)
                return pl.when(result.is_finite()).then(result)
            case _ if term.field not in self._columns:
                return _NO_NUMBER
            case _ if term.from_text:
                text = self._text(TextField(term.field))
                return self._once(term, lambda: _read_numbers(text))
            case _:
                return self._column(term.field, pl.Float64())


_CALCULATE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "+": pl.Expr.add,
    "-": pl.Expr.sub,
    "*": pl.Expr.mul,
    "/": pl.Expr.truediv,
}
_COMPARE: dict[Op, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    Op.EQ: pl.Expr.eq,
    Op.NE: pl.Expr.ne,
    Op.LT: pl.Expr.lt,
    Op.LE: pl.Expr.le,
    Op.GT: pl.Expr.gt,
    Op.GE: pl.Expr.ge,
}


def _read_numbers(column: pl.Expr) -> pl.Expr:
    value = pl.when(column.str.contains(_WHOLE_NUMBER)).then(column).cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def _like_constant(text: pl.Expr, pieces: tuple[str, ...]) -> pl.Expr:
    if len(pieces) == 1:
        return text == pl.lit(pieces[0])
    first, *middle, last = pieces
    if not any(middle):
        starts, ends = text.str.starts_with(first), text.str.ends_with(last)
        long_enough = text.str.len_bytes() >= len(first.encode()) + len(last.encode())
        return starts & ends & long_enough
    if not first and not last and len(middle) == 1:
        return text.str.contains(middle[0], literal=True)
    return text.str.contains(_like_regex(pieces))


def _like_regex(pieces: tuple[str, ...]) -> str:
    escaped = ["".join(f"\\x{{{ord(sign):x}}}" for sign in piece) for piece in pieces]
    return f"(?s)^{'.*'.join(escaped)}$"


def _like_row(row: dict[str, str | None]) -> bool | None:
    text, pattern = row["text"], row["pattern"]
    if text is None or pattern is None:
        return None
    return like(text, tuple(pattern.split("%")))


def _fold_column(column: pl.Expr, folding: Folding) -> pl.Expr:
    """Python's own folding, once per different value, so that both engines fold alike."""

    def fold_values(series: pl.Series) -> pl.Series:
        values = series.unique().drop_nulls()
        forms = pl.Series([folded(value, folding) for value in values], dtype=pl.String)
        return series.replace_strict(values, forms, default=None, return_dtype=pl.String)

    return column.map_batches(fold_values, return_dtype=pl.String, is_elementwise=True)
