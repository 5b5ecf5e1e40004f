"""Rules over columns in codes of a byte: what rules ask of such a column is asked once a value.

A rule is taken apart into cases, any of which is enough; of a case all parts must hold. For each
column in codes a table says which cases a code leaves, as bits of words; the cases of a row are
those that all its columns leave. What asks more than one such column is evaluated by Polars, and
its answers are codes as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.language.lowering import lower
from sekisho.language.polars_code import predicate_columns
from sekisho.language.polars_leaves import Lists
from sekisho.language.predicates import AllOf, AnyOf, Predicate, fields_read
from sekisho.language.tree import Rule

MISSING: Final = 255
"""The code of a missing value."""
MAX_CASES: Final = 32
"""Cases of a predicate; one of more is left to Polars as a whole."""
CHUNK: Final = 1 << 15
"""Rows whose masks stay in a core's own cache while column after column is looked at."""
_WORD: Final = 64
_ALL: Final = np.uint64(2**_WORD - 1)

Codes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Case = frozenset[Predicate]
Asked = dict[Predicate, list[int]]
"""What is asked, and the cases that end where it does not hold."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Which cases hold in which rows.

    Attributes:
        words: for each 64 cases a word a row, a bit a case.
        rules: the cases of each rule.
    """

    words: Words
    rules: Sequence[Sequence[int]]

    def any(self) -> NDArray[np.bool_]:
        """The rows that some rule matches."""
        return (self.words != 0).any(axis=0)

    def columns(self, rows: NDArray[np.bool_]) -> pl.DataFrame:
        """For some rows a boolean column for each rule, named by its position."""
        words = self.words[:, rows]
        held = [(words & _bits(cases, len(words))).any(axis=0) for cases in self.rules]
        return pl.DataFrame({str(at): one for at, one in enumerate(held)})


class CodedRules:
    """Rules for frames some of whose columns are in codes of a byte, and for any others.

    Such columns are `UInt8`, of whole numbers up to 254, or `Enum` of at most 255 texts.

    Args:
        rules: checked rules.
        lists: folded items by alias.
    """

    def __init__(self, rules: Sequence[Rule], lists: Lists) -> None:
        self._predicates = [lower(rule.condition) for rule in rules]
        self._lists = lists
        self._plans: dict[frozenset[str], _Plan] = {}

    def match(self, frame: pl.DataFrame) -> Matches:
        """Which rules match which rows.

        Args:
            frame: columns named like record fields; fields without a column are missing.
        """
        from sekisho.language.masks import keep_cases  # noqa: PLC0415 — numba takes long to import

        in_codes = frozenset(name for name, dtype in frame.schema.items() if in_byte(dtype))
        plan = self._plans.get(in_codes)
        if plan is None:
            plan = self._plans[in_codes] = _Plan(self._predicates, in_codes, self._lists)
        words = np.repeat(plan.every_case, frame.height, axis=1)
        for codes, table in plan.tables(frame):
            for masks, leaves in zip(words, table, strict=True):
                if (leaves != _ALL).any():
                    for start in range(0, len(codes), CHUNK):
                        end = start + CHUNK
                        keep_cases(masks[start:end], codes[start:end], leaves)
        return Matches(words, plan.rules)


def in_byte(dtype: pl.DataType) -> bool:
    """Whether a column of that type is in codes of a byte."""
    return dtype == pl.UInt8 or (isinstance(dtype, pl.Enum) and len(dtype.categories) <= MISSING)


class _Plan:
    """What is asked of each column, for one choice of columns in codes."""

    def __init__(
        self, predicates: Sequence[Predicate], in_codes: frozenset[str], lists: Lists
    ) -> None:
        by_rule = [_cases(one, in_codes) for one in predicates]
        numbers: dict[Case, int] = {}
        for cases in by_rule:
            for case in cases:
                numbers.setdefault(case, len(numbers))
        self.rules = [[numbers[case] for case in cases] for cases in by_rule]
        self._words = -(-len(numbers) // _WORD)
        self.every_case = _bits(range(len(numbers)), self._words)
        self._lists = lists
        self._of_column: dict[str, Asked] = {}
        self._others: Asked = {}
        for case, number in numbers.items():
            for part in case:
                one = _only_column(part, in_codes)
                asked = self._of_column.setdefault(one, {}) if one else self._others
                asked.setdefault(part, []).append(number)
        self._read_else = frozenset[str]().union(*map(fields_read, self._others))
        self._made: dict[tuple[str, tuple[str, ...] | None], Words] = {}

    def tables(self, frame: pl.DataFrame) -> Iterator[tuple[Codes, Words]]:
        """Codes with the cases that each of them leaves, 256 for each word."""
        for name, asked in self._of_column.items():
            column = frame[name]
            yield _codes(column), self._table(column, asked)
        if self._others:
            plain = frame.with_columns(
                pl.col(name).cast(pl.Float64 if frame.schema[name] == pl.UInt8 else pl.String)
                for name in self._read_else
                if name in frame.columns and in_byte(frame.schema[name])
            )
            answers = predicate_columns(list(self._others), plain, self._lists)
            for answer, cases in zip(answers, self._others.values(), strict=True):
                table = np.full((self._words, 256), _ALL)
                table[:, :1] = ~_bits(cases, self._words)
                yield answer.view(np.uint8), table

    def _table(self, column: pl.Series, asked: Asked) -> Words:
        """The table of a column, made once for each dictionary."""
        texts = tuple(column.dtype.categories) if isinstance(column.dtype, pl.Enum) else None
        known = self._made.get((column.name, texts))
        if known is None:
            known = np.full((self._words, 256), _ALL)
            values = _values(texts)
            answers = predicate_columns(list(asked), values.to_frame(column.name), self._lists)
            for answer, cases in zip(answers, asked.values(), strict=True):
                leaves = np.where(answer, _ALL, ~_bits(cases, self._words))
                known[:, : len(values) - 1] &= leaves[:, :-1]
                known[:, MISSING] &= leaves[:, -1]
            self._made[column.name, texts] = known
        return known


def _bits(cases: Sequence[int], words: int) -> Words:
    """Cases as bits, a column of words."""
    bits = np.zeros((words, 1), np.uint64)
    for case in cases:
        bits[case // _WORD, 0] |= np.uint64(1 << (case % _WORD))
    return bits


def _values(texts: Sequence[str] | None) -> pl.Series:
    """What codes stand for, in their order; last, the missing value."""
    if texts is not None:
        return pl.Series([*texts, None], dtype=pl.String)
    return pl.Series([*map(float, range(MISSING)), None], dtype=pl.Float64)


def _codes(column: pl.Series) -> Codes:
    codes = column.to_physical().cast(pl.UInt8).fill_null(MISSING)
    return codes.rechunk().to_numpy()


def _only_column(predicate: Predicate, in_codes: frozenset[str]) -> str:
    """The one column, in codes, that a predicate looks at; empty when it looks at others."""
    read = fields_read(predicate)
    return next(iter(read)) if len(read) == 1 and read <= in_codes else ""


def _cases(predicate: Predicate, in_codes: frozenset[str]) -> list[Case]:
    """What is enough for a predicate to hold: any of these, of each all parts."""
    mixed = not _only_column(predicate, in_codes) and fields_read(predicate) & in_codes
    if mixed and isinstance(predicate, AllOf | AnyOf):
        parts = [_cases(part, in_codes) for part in predicate.parts]
        if isinstance(predicate, AllOf) and prod(map(len, parts)) <= MAX_CASES:
            return _different([Case().union(*chosen) for chosen in product(*parts)])
        if isinstance(predicate, AnyOf) and sum(map(len, parts)) <= MAX_CASES:
            return _different([case for part in parts for case in part])
    return [Case({predicate})]


def _different(cases: Sequence[Case]) -> list[Case]:
    return list(dict.fromkeys(cases))
