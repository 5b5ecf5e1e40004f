"""Rules as SQL: the same meaning in a warehouse, in the dialect that it speaks.

A condition is lowered first, as for Python, so that null may stand for "not" until the end. The
columns hold what records hold: attributes folded, metadata as text under its rule name. What SQL
cannot do as the other engines do: texts outside ASCII that still need folding (metadata compared
with an attribute) are folded by the warehouse's own LOWER or UPPER.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, assert_never

from sqlglot import exp

from sekisho.language.lowering import lower
from sekisho.language.predicates import (
    ALWAYS,
    AllOf,
    AnyOf,
    Calculation,
    FlagSet,
    Leaf,
    NumberAmong,
    NumberConst,
    NumbersCompare,
    NumberTerm,
    Predicate,
    Present,
    TextAmong,
    TextConst,
    TextListed,
    TextsCompare,
    TextTerm,
)
from sekisho.language.tree import Condition, Op, Rule

DIALECTS: Final = (
    "duckdb", "snowflake", "redshift", "trino", "clickhouse", "spark", "postgres",
)  # fmt: skip
"""Dialects whose output is kept in golden files; DuckDB's and Spark's are executed and compared."""
LIST_TABLE: Final = "list_items"
"""Where lists lie in the warehouse: columns `alias` and `item`, folded."""

_GREATEST: Final = 1.7976931348623157e308
_ESCAPE: Final = "!"
_NO_ESCAPE_CLAUSE: Final = frozenset({"clickhouse"})  # a backslash escapes there, always
_NO_TRY: Final = frozenset({"redshift", "postgres"})  # a cast that fails ends the query
_NUMBER: Final = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?"
_SAFE_NUMBER: Final = (
    r"^[+-]?([0-9]{1,250}([.][0-9]{0,250})?|[.][0-9]{1,250})([eE][+-]?[0-9]{1,2})?"
)
_ENDS: Final = {"spark": r"\z", "trino": r"\z"}  # Java's `$` may stand before a last newline
_COMPARE: Final[Mapping[Op, type[exp.Binary]]] = {
    Op.EQ: exp.EQ,
    Op.NE: exp.NEQ,
    Op.LT: exp.LT,
    Op.GT: exp.GT,
    Op.LE: exp.LTE,
    Op.GE: exp.GTE,
}
_CALCULATE: Final[Mapping[str, type[exp.Binary]]] = {
    "+": exp.Add,
    "-": exp.Sub,
    "*": exp.Mul,
    "/": exp.Div,
}

Lists = Mapping[str, Iterable[str]] | None
Sql = exp.Expr


def sql_condition(condition: Condition, dialect: str, lists: Lists = None) -> str:
    """A boolean SQL expression, never null: where the condition is surely true.

    Args:
        condition: a checked condition.
        dialect: one of `DIALECTS`.
        lists: folded items by alias, written into the expression; None looks them up in
            `LIST_TABLE`.

    Raises:
        ValueError: no such dialect.
    """
    return _surely(condition, dialect, lists).sql(dialect=dialect)


def sql_matches(rules: Sequence[Rule], table: str, dialect: str, lists: Lists = None) -> str:
    """A query with one row an event: `event` and a boolean column a rule, named `rule_1` on.

    Raises:
        ValueError: no such dialect.
    """
    columns: list[Sql] = [_column("event")]
    for number, rule in enumerate(rules, 1):
        surely = _surely(rule.condition, dialect, lists)
        columns.append(exp.alias_(surely, f"rule_{number}"))
    query = exp.select(*columns).from_(exp.to_table(table, dialect=dialect))
    return query.sql(dialect=dialect, pretty=True)


def _surely(condition: Condition, dialect: str, lists: Lists) -> Sql:
    if dialect not in DIALECTS:
        raise ValueError(f"no SQL dialect `{dialect}`: use one of {', '.join(DIALECTS)}")
    holds = _Writer(dialect, lists).write(lower(condition))
    return exp.Coalesce(this=holds, expressions=[exp.false()])


class _Writer:
    """Writes predicates as expressions that are true where they hold, false or null elsewhere."""

    def __init__(self, dialect: str, lists: Lists) -> None:
        self._dialect = dialect
        self._lists = lists

    def write(self, predicate: Predicate) -> Sql:
        """The expression of a predicate."""
        match predicate:
            case AllOf(parts=()) | AnyOf(parts=()):
                return exp.Boolean(this=predicate is ALWAYS)
            case AllOf():
                return self._join(exp.And, predicate.parts)
            case AnyOf():
                return self._join(exp.Or, predicate.parts)
            case _:
                return self._leaf(predicate)

    def _leaf(self, leaf: Leaf) -> Sql:
        match leaf:
            case NumbersCompare():
                left, right = self._number(leaf.left), self._number(leaf.right)
                return _COMPARE[leaf.op](this=left, expression=right)
            case NumberAmong():
                items = [_number_literal(one) for one in leaf.values]
                return _among(self._number(leaf.term), items, wanted=leaf.wanted)
            case TextAmong():
                items = [exp.Literal.string(one) for one in leaf.values]
                return _among(_text(leaf.term), items, wanted=leaf.wanted)
            case TextListed():
                return self._listed(leaf)
            case TextsCompare():
                return self._texts(leaf)
            case Present():
                absent = exp.Is(this=_column(leaf.field), expression=exp.Null())
                return exp.Not(this=absent) if leaf.wanted else absent
            case FlagSet():
                flag = exp.Coalesce(this=_column(leaf.field), expressions=[exp.false()])
                return flag if leaf.wanted else exp.Not(this=flag)
        assert_never(leaf)

    def _join(self, kind: type[exp.Connector], parts: Sequence[Predicate]) -> Sql:
        first, *others = [exp.Paren(this=self.write(part)) for part in parts]
        joined: Sql = first
        for other in others:
            joined = kind(this=joined, expression=other)
        return joined

    def _number(self, term: NumberTerm) -> Sql:
        if isinstance(term, NumberConst):
            return _number_literal(term.value)
        if isinstance(term, Calculation):
            left, right = self._number(term.left), self._number(term.right)
            if term.op == "/":
                right = exp.Nullif(this=right, expression=_number_literal(0.0))
                result: Sql = exp.Div(this=left, expression=right, typed=False, safe=True)
            else:
                result = _CALCULATE[term.op](this=left, expression=right)
            return _finite(exp.Paren(this=result))
        column = _column(term.field)
        return self._read(column) if term.from_text else column

    def _read(self, column: Sql) -> Sql:
        """The number that a text stands for, null when it stands for none."""
        tries = self._dialect not in _NO_TRY
        kind = exp.DataType.build("double")
        number = (
            exp.TryCast(this=column, to=kind, requires_string=True)
            if tries
            else exp.Cast(this=column, to=kind)
        )
        pattern = exp.Literal.string(
            (_NUMBER if tries else _SAFE_NUMBER) + _ENDS.get(self._dialect, "$")
        )
        is_number = exp.RegexpLike(this=column.copy(), expression=pattern)
        return _finite(exp.Case(ifs=[exp.If(this=is_number, true=number)]))

    def _listed(self, listed: TextListed) -> Sql:
        text = _text(listed.term)
        if self._lists is None:
            alias = exp.EQ(this=_column("alias"), expression=exp.Literal.string(listed.alias))
            items = exp.select(_column("item")).from_(LIST_TABLE).where(alias)
            found: Sql = exp.In(this=text, query=exp.Subquery(this=items))
            return found if listed.wanted else exp.Not(this=found)
        if listed.alias not in self._lists:
            return exp.false()
        items = [exp.Literal.string(one) for one in sorted(self._lists[listed.alias])]
        return _among(text, items, wanted=listed.wanted)

    def _texts(self, compared: TextsCompare) -> Sql:
        left, right = _text(compared.left), _text(compared.right)
        match compared.op:
            case Op.EQ:
                held: Sql = exp.EQ(this=left, expression=right)
            case Op.INCLUDES:
                held = _includes(left, right)
            case _:
                held = self._like(left, compared.right)
        return held if compared.wanted else exp.Not(this=exp.Paren(this=held))

    def _like(self, text: Sql, pattern: TextTerm) -> Sql:
        """Only `%` is a wildcard; every other character stands for itself."""
        escape = "\\" if self._dialect in _NO_ESCAPE_CLAUSE else _ESCAPE
        if isinstance(pattern, TextConst):
            plain = pattern.value.replace(escape, escape * 2).replace("_", f"{escape}_")
            like = exp.Like(this=text, expression=exp.Literal.string(plain))
        else:
            column = _replace(_text(pattern), escape, escape * 2)
            like = exp.Like(this=text, expression=_replace(column, "_", f"{escape}_"))
        if self._dialect in _NO_ESCAPE_CLAUSE:
            return like
        return exp.Escape(this=like, expression=exp.Literal.string(_ESCAPE))


def _column(name: str) -> Sql:
    return exp.column(name, quoted=True)


def _text(term: TextTerm) -> Sql:
    if isinstance(term, TextConst):
        return exp.Literal.string(term.value)
    column = _column(term.field)
    folding: Mapping[str, Callable[[Sql], Sql]] = {
        "": lambda text: text,
        "casefold": lambda text: exp.Lower(this=text),
        "upper": lambda text: exp.Upper(this=text),
    }
    return folding[term.folding](column)


def _number_literal(value: float) -> Sql:
    literal = exp.Literal.number(repr(abs(value)))
    number = exp.Cast(this=literal, to=exp.DataType.build("double"))
    return exp.Neg(this=number) if value < 0 else number


def _finite(number: Sql) -> Sql:
    """The number, null when it is beyond what a double holds."""
    bound = exp.LTE(this=exp.Abs(this=number.copy()), expression=_number_literal(_GREATEST))
    return exp.Case(ifs=[exp.If(this=bound, true=number)])


def _among(value: Sql, items: Sequence[Sql], *, wanted: bool) -> Sql:
    if not items:  # an empty list holds nothing, and surely not what is there
        absent = exp.Is(this=value, expression=exp.Null())
        return exp.false() if wanted else exp.Not(this=absent)
    found = exp.In(this=value, expressions=list(items))
    return found if wanted else exp.Not(this=found)


def _includes(text: Sql, part: Sql) -> Sql:
    """Whether a text holds another; the empty one is in every text."""
    if isinstance(part, exp.Literal) and not part.this:
        return exp.Not(this=exp.Is(this=text, expression=exp.Null()))
    place = exp.StrPosition(this=text, substr=part)
    held = exp.GT(this=place, expression=exp.Literal.number(0))
    if isinstance(part, exp.Literal):
        return held
    is_there = exp.Not(this=exp.Is(this=text.copy(), expression=exp.Null()))
    empty = exp.EQ(this=part.copy(), expression=exp.Literal.string(""))
    return exp.Or(this=held, expression=exp.Paren(this=exp.And(this=is_there, expression=empty)))


def _replace(text: Sql, old: str, new: str) -> Sql:
    return exp.Anonymous(
        this="REPLACE", expressions=[text, exp.Literal.string(old), exp.Literal.string(new)]
    )
