"""Conditions as Polars expressions: the same meaning over whole columns of history."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import reduce
from typing import assert_never

import polars as pl

from sekisho.language.fold import fold
from sekisho.language.literals import NUMBER_PATTERN, like
from sekisho.language.lowering import (
    compares_numbers,
    field_of,
    folded,
    is_number,
    number_term,
    text_folding,
    text_term,
)
from sekisho.language.predicates import (
    Calculation,
    Folding,
    NumberConst,
    NumberTerm,
    TextConst,
    TextField,
    TextTerm,
)
from sekisho.language.tree import (
    And,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    InList,
    IsMissing,
    Metadata,
    Not,
    Op,
    Or,
    Text,
    Type,
)

_UNKNOWN = pl.lit(None, dtype=pl.Boolean)
_NO_NUMBER = pl.lit(None, dtype=pl.Float64)
_NO_TEXT = pl.lit(None, dtype=pl.String)
MAX_SPELLED_OUT = 6
"""Texts up to which a chain of equalities is faster on a text column than a set."""

_WHOLE_NUMBER = f"^(?:{NUMBER_PATTERN})$"


def polars_expression(
    condition: Condition,
    schema: Mapping[str, pl.DataType] | Sequence[str],
    lists: Mapping[str, Container[str]],
) -> pl.Expr:
    """The condition over columns named like record fields: true, false or null where unknown.

    Args:
        condition: a checked condition.
        schema: the frame's columns; fields without a column are missing in every row. Given with
            their types, text columns may be Categorical: tests on them are ten times faster.
        lists: folded items by alias, as for `interpret`; they must be iterable here.
    """
    names: Sequence[str] = list(schema)
    types = {name: schema[name] if isinstance(schema, Mapping) else None for name in names}
    return _Translator(types, lists).condition(condition)


class _Translator:
    def __init__(
        self, columns: Mapping[str, pl.DataType | None], lists: Mapping[str, Container[str]]
    ) -> None:
        self._columns = columns
        self._lists = lists

    def condition(self, condition: Condition) -> pl.Expr:
        """Null is unknown: Polars' `&`, `|` and `~` are Kleene's."""
        match condition:
            case And():
                return reduce(pl.Expr.and_, map(self.condition, condition.parts))
            case Or():
                return reduce(pl.Expr.or_, map(self.condition, condition.parts))
            case Not():
                return ~self.condition(condition.operand)
            case Flag():
                return self._flag(condition.attribute.name)
            case IsMissing():
                return self._is_missing(condition.operand)
            case InItems():
                return self._among(condition)
            case InList():
                return self._listed(condition)
            case Compare():
                return self._compare(condition)
        assert_never(condition)

    def _flag(self, field: str) -> pl.Expr:
        if field not in self._columns:
            return pl.lit(False)
        return pl.col(field).cast(pl.Boolean).fill_null(value=False)

    def _is_missing(self, operand: Attribute | Metadata) -> pl.Expr:
        if isinstance(operand, Attribute) and operand.type is Type.BOOLEAN:
            return pl.lit(False)
        field = field_of(operand)
        return pl.col(field).is_null() if field in self._columns else pl.lit(True)

    def _among(self, condition: InItems) -> pl.Expr:
        """Texts at once, then numbers at once; a metadata key may be asked for both."""
        operand = condition.operand
        if field_of(operand) not in self._columns:
            return _UNKNOWN
        of_type = operand.type if isinstance(operand, Attribute) else Type.METADATA
        texts: list[str] = []
        numbers: list[float] = []
        found: list[pl.Expr] = []
        for item in condition.items:
            if isinstance(item, Text) and not is_number(operand):
                texts.append(fold(of_type, item.value))
            elif isinstance(term := number_term(item), NumberConst):
                numbers.append(term.value)
            else:
                found.append(_UNKNOWN)
        if texts:
            found.append(self._one_of(field_of(operand), texts))
        if numbers:
            term = number_term(operand)
            column = _NO_NUMBER if term is None else self._number(term)
            found.append(column.is_in(pl.Series(numbers, dtype=pl.Float64).implode()))
        return reduce(pl.Expr.or_, found)

    def _listed(self, condition: InList) -> pl.Expr:
        items = self._lists.get(condition.alias)
        field = field_of(condition.operand)
        if items is None or field not in self._columns:
            return _UNKNOWN
        if not isinstance(items, Iterable):
            msg = f"list `{condition.alias}` cannot be read as a whole; pass a set of its items"
            raise TypeError(msg)
        return self._one_of(field, list(items))

    def _one_of(self, field: str, texts: list[str]) -> pl.Expr:
        column, of_type = self._text_column(field)
        if of_type == pl.String and 0 < len(texts) <= MAX_SPELLED_OUT:
            return reduce(pl.Expr.or_, [column == text for text in texts])
        return column.is_in(pl.Series(texts, dtype=of_type).implode())

    def _text_column(self, field: str) -> tuple[pl.Expr, pl.DataType]:
        """The column as text, and the type it then has; only for fields with a column."""
        of_type = self._columns[field]
        column = pl.col(field)
        if isinstance(of_type, pl.Categorical):
            return column, of_type
        return (column if of_type == pl.String else column.cast(pl.String)), pl.String()

    def _compare(self, compare: Compare) -> pl.Expr:
        if compares_numbers(compare):
            left, right = number_term(compare.left), number_term(compare.right)
            if left is None or right is None:
                return _UNKNOWN
            return _COMPARE[compare.op](self._number(left), self._number(right))
        folding = text_folding(compare.left, compare.right)
        left, right = text_term(compare.left, folding), text_term(compare.right, folding)
        if compare.op is Op.EQ or compare.op is Op.NE:
            return _COMPARE[compare.op](*self._equal_sides(left, right))
        if compare.op is Op.INCLUDES:
            return self._text(left).str.contains(self._text(right), literal=True)
        return self._like(left, right)

    def _equal_sides(self, left: TextTerm, right: TextTerm) -> tuple[pl.Expr, pl.Expr]:
        """Both sides of an equality; a categorical column is compared with a constant as it is."""
        if (
            isinstance(left, TextField)
            and isinstance(right, TextConst)
            and not left.folding
            and left.field in self._columns
        ):
            return self._text_column(left.field)[0], pl.lit(right.value)
        return self._text(left), self._text(right)

    def _like(self, text: TextTerm, pattern: TextTerm) -> pl.Expr:
        """A constant pattern is a search of its pieces; one from a column is read row by row."""
        if isinstance(pattern, TextConst):
            return _like_constant(self._text(text), tuple(pattern.value.split("%")))
        pair = pl.struct(self._text(text).alias("text"), self._text(pattern).alias("pattern"))
        return pair.map_elements(_like_row, return_dtype=pl.Boolean)

    def _text(self, term: TextTerm) -> pl.Expr:
        if isinstance(term, TextConst):
            return pl.lit(term.value)
        if term.field not in self._columns:
            return _NO_TEXT
        column, of_type = self._text_column(term.field)
        column = column if of_type == pl.String else column.cast(pl.String)
        return _fold_column(column, term.folding) if term.folding else column

    def _number(self, term: NumberTerm) -> pl.Expr:
        match term:
            case NumberConst():
                return pl.lit(term.value)
            case Calculation():
                return self._calculation(term)
            case _ if term.field not in self._columns:
                return _NO_NUMBER
            case _ if term.from_text:
                return _read_numbers(self._text(TextField(term.field)))
            case _:
                return pl.col(term.field).cast(pl.Float64)

    def _calculation(self, term: Calculation) -> pl.Expr:
        left, right = self._number(term.left), self._number(term.right)
        result = _CALCULATE[term.op](left, right)
        return pl.when(result.is_finite()).then(result)


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
