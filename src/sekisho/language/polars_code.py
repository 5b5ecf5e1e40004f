"""Rules as Polars expressions: the same meaning over whole columns of history.

A condition is lowered first, as for Python: with every negation pushed down to the leaves, null and
false lead to the same hits. So null stands for "not" all the way and is replaced at the end only.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import reduce

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.language.lowering import lower
from sekisho.language.polars_leaves import Leaves, Lists
from sekisho.language.predicates import ALWAYS, AllOf, AnyOf, Leaf, Predicate
from sekisho.language.tree import Condition, Rule


def polars_expression(
    condition: Condition, schema: Mapping[str, pl.DataType] | Sequence[str], lists: Lists
) -> pl.Expr:
    """Where the condition is surely true, over columns named like record fields; never null.

    Args:
        condition: a checked condition.
        schema: the frame's columns; fields without a column are missing in every row. Given with
            their types, text columns may be Categorical: tests on them are several times faster.
        lists: folded items by alias, as for `interpret`; they must be iterable here.
    """
    types = schema if isinstance(schema, Mapping) else dict.fromkeys(schema)
    leaves = Leaves(types, lists, lambda _, write: write())
    return _holds(lower(condition), leaves.write).fill_null(value=False)


def match_columns(
    rules: Sequence[Rule],
    frame: pl.DataFrame | pl.LazyFrame,
    lists: Lists,
    *,
    keep: Sequence[str] = (),
) -> pl.LazyFrame:
    """Which rules match which rows of a history: a boolean column a rule, named by its position.

    A test is evaluated once, however many rules share it. All is row by row, so that a history on
    disk, collected with the streaming engine, needs memory for some blocks of rows only.

    Args:
        rules: checked rules.
        frame: columns as for `polars_expression`.
        lists: folded items by alias.
        keep: columns of the frame that stand before those of the rules.
    """
    tested, matches = _shared([lower(rule.condition) for rule in rules], frame.lazy(), lists)
    return tested.select(*keep, *matches)


def predicate_columns(
    predicates: Sequence[Predicate], frame: pl.DataFrame, lists: Lists
) -> list[NDArray[np.bool_]]:
    """Where each predicate holds, for every row of a frame of at least one column."""
    tested, matches = _shared(predicates, frame.lazy(), lists)
    names = [str(at) for at in range(len(predicates))]
    found = tested.with_columns(matches).select(names).collect()
    return [found[name].to_numpy() for name in names]


def _shared(
    predicates: Sequence[Predicate], lazy: pl.LazyFrame, lists: Lists
) -> tuple[pl.LazyFrame, list[pl.Expr]]:
    """A frame with what predicates share as columns, and each predicate by its position."""
    derived, tests = _Shared("derived"), _Shared("test")
    leaves = Leaves(lazy.collect_schema(), lists, derived.once)

    def test(leaf: Leaf) -> pl.Expr:
        return tests.once(leaf, lambda: leaves.write(leaf))

    matches = [
        _holds(predicate, test).fill_null(value=False).alias(str(at))
        for at, predicate in enumerate(predicates)
    ]
    return lazy.with_columns(derived.columns).with_columns(tests.columns), matches


class _Shared:
    """Expressions that several rules read, each as a column of its own."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._columns_of: dict[Hashable, pl.Expr] = {}
        self.columns: list[pl.Expr] = []

    def once(self, key: Hashable, write: Callable[[], pl.Expr]) -> pl.Expr:
        """The column of what the key stands for, written when it is first asked for."""
        column = self._columns_of.get(key)
        if column is None:
            column = write()
            if not column.meta.is_column():
                name = f"\0{self._kind}{len(self.columns)}"
                self.columns.append(column.alias(name))
                column = pl.col(name)
            self._columns_of[key] = column
        return column


def _holds(predicate: Predicate, test: Callable[[Leaf], pl.Expr]) -> pl.Expr:
    """True where the predicate holds, false or null elsewhere."""
    match predicate:
        case AllOf(parts=()) | AnyOf(parts=()):
            return pl.lit(predicate is ALWAYS)
        case AllOf():
            return reduce(pl.Expr.and_, [_holds(part, test) for part in predicate.parts])
        case AnyOf():
            return reduce(pl.Expr.or_, [_holds(part, test) for part in predicate.parts])
        case _:
            return test(predicate)
