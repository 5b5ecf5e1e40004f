"""The Python text of predicates: each attribute is read once, as late as possible.

INVARIANT: nothing of a rule enters the text but through `repr`, so no rule can inject code.

A value is read where it is first needed, by an assignment expression: `(n3 := get('x', nan))`.
The writer therefore knows at every point which local names surely have been assigned: `write`
returns a mark, and names younger than the mark are assigned only where the test came out true.
"""

from collections.abc import Container, Iterable
from typing import assert_never

from sekisho.language.predicates import (
    AllOf,
    AnyOf,
    Calculation,
    FlagSet,
    NumberAmong,
    NumberConst,
    NumberField,
    NumbersCompare,
    NumberTerm,
    Predicate,
    Present,
    TextAmong,
    TextConst,
    TextField,
    TextListed,
    TextsCompare,
    TextTerm,
)
from sekisho.language.tree import Op

MAX_NESTING = 16
"""Levels of and/or in one expression; deeper parts become functions, for Python has limits."""

MAX_EXACT = 2.0**53
"""Up to here every whole number is a float, so an int and a float compare alike."""

MANY_FIELDS = 8
"""Fewer fields are read as quickly each by itself."""

_SYMBOLS = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">=", Op.EQ: "=="}


def _is_small(term: NumberTerm) -> bool:
    return isinstance(term, NumberConst) and abs(term.value) < MAX_EXACT


RawField = tuple[str, str]
"""A field of the record, and how to write what stands for it when it is missing."""


def raw_fields(predicate: Predicate) -> list[RawField]:
    """The fields that a test reads whatever the record holds."""
    match predicate:
        case AllOf() | AnyOf():
            return raw_fields(predicate.parts[0]) if predicate.parts else []
        case NumbersCompare():
            return [*_raw_numbers(predicate.left), *_raw_numbers(predicate.right)]
        case NumberAmong():
            return _raw_numbers(predicate.term)
        case TextsCompare():
            return _raw_texts(predicate.left)
        case TextAmong() | TextListed():
            return _raw_texts(predicate.term)
        case Present():
            return [(predicate.field, "nan" if predicate.number else "None")]
        case FlagSet():
            return [(predicate.field, "False")]
    assert_never(predicate)


def _raw_numbers(term: NumberTerm) -> list[RawField]:
    match term:
        case NumberConst():
            return []
        case NumberField():
            return [(term.field, "None" if term.from_text else "nan")]
        case Calculation():
            return [*_raw_numbers(term.left), *_raw_numbers(term.right)]
    assert_never(term)


def _raw_texts(term: TextTerm) -> list[RawField]:
    return [(term.field, "None")] if isinstance(term, TextField) else []


class Writer:
    """Writes tests as Python expressions over `record` and `lists`, remembering what was read."""

    PROLOGUE = "    get = record.get"

    def __init__(self) -> None:
        self._names: dict[object, str] = {}
        self._assigned: set[str] = set()
        self._order: list[str] = []
        self._functions: list[str] = []
        self._function_of: dict[Predicate, str] = {}

    def read_first(self, fields: Iterable[RawField], always: Container[str]) -> list[str]:
        """Statements that read fields before all tests, those that are always there by one call.

        A record that lacks one of those all the same is read field by field.
        """
        reads = {raw: self._raw(*raw)[1:-1].replace(" :=", " =", 1) for raw in fields}
        together = [raw for raw in reads if raw[0] in always]
        if len(together) < MANY_FIELDS:
            return [f"    {read}" for read in reads.values()]
        keys = ", ".join(repr(field) for field, _ in together)
        self._functions.append(f"fetch = itemgetter({keys})\n")
        names = ", ".join(self._names[raw] for raw in together)
        lines = ["    try:", f"        {names} = fetch(record)", "    except KeyError:"]
        lines += [f"        {reads.pop(raw)}" for raw in together]
        return [*lines, *(f"    {read}" for read in reads.values())]

    def rewind(self, mark: int) -> None:
        """Forget the names that are assigned only where the last test was true."""
        for name in self._order[mark:]:
            self._assigned.discard(name)
        del self._order[mark:]

    def mark(self) -> int:
        """The mark to rewind to for names assigned from here on."""
        return len(self._order)

    def write_switch(self, term: TextField, values: list[str]) -> tuple[str, str]:
        """A look-up of the term's place among the values: the local to hold it, and the look-up."""
        number = len(self._functions)
        places = {value: place for place, value in enumerate(values)}
        self._functions.append(f"cases{number} = {places!r}\n")
        return f"found{number}", f"cases{number}.get({self._text(term)})"

    def finish(self, lines: list[str]) -> str:
        """The whole text: the functions that were split off, then the main one."""
        return "\n".join([*self._functions, *lines, ""])

    def write(  # noqa: C901 — one return a kind of test
        self, predicate: Predicate, nesting: int = 0
    ) -> tuple[str, int]:
        """The test as an expression, and the mark up to which names are assigned either way."""
        match predicate:
            case NumbersCompare():
                return self._write_numbers(predicate), len(self._order)
            case AllOf() | AnyOf() if nesting >= MAX_NESTING:
                return self._write_call(predicate), len(self._order)
            case AllOf():
                return self._write_all(predicate, nesting)
            case AnyOf():
                return self._write_any(predicate, nesting)
            case NumberAmong():
                return self._write_number_among(predicate), len(self._order)
            case TextsCompare():
                return self._write_texts(predicate)
            case TextAmong():
                return self._write_text_among(predicate), len(self._order)
            case TextListed():
                return self._write_listed(predicate)
            case Present():
                return self._write_present(predicate), len(self._order)
            case FlagSet():
                name = self._raw(predicate.field, "False")
                return (name if predicate.wanted else f"not {name}"), len(self._order)
        assert_never(predicate)

    def _write_all(self, predicate: AllOf, nesting: int) -> tuple[str, int]:
        if not predicate.parts:
            return "True", len(self._order)
        first, mark = self.write(predicate.parts[0], nesting + 1)
        rest = [self.write(part, nesting + 1)[0] for part in predicate.parts[1:]]
        return (f"({' and '.join([first, *rest])})" if rest else first), mark

    def _write_any(self, predicate: AnyOf, nesting: int) -> tuple[str, int]:
        if not predicate.parts:
            return "False", len(self._order)
        first, mark = self.write(predicate.parts[0], nesting + 1)
        tests = [first]
        for part in predicate.parts[1:]:
            self.rewind(mark)
            tests.append(self.write(part, nesting + 1)[0])
        if len(tests) > 1:
            self.rewind(mark)
        return f"({' or '.join(tests)})", mark

    def _write_call(self, predicate: Predicate) -> str:
        """A deep part becomes a function of its own."""
        name = self._function_of.get(predicate)
        if name is None:
            inner = Writer()
            inner._functions, inner._function_of = self._functions, self._function_of
            test, _ = inner.write(predicate)
            name = f"part{len(self._functions)}"
            self._functions.append(
                f"def {name}(record, lists):\n{self.PROLOGUE}\n    return {test}\n"
            )
            self._function_of[predicate] = name
        return f"{name}(record, lists)"

    def _read(self, key: object, value: str) -> str:
        """The local name of a value, assigned on the spot where it may not have been before."""
        name = self._names.setdefault(key, f"v{len(self._names)}")
        if name in self._assigned:
            return name
        self._assigned.add(name)
        self._order.append(name)
        return f"({name} := {value})"

    def _raw(self, field: str, absent: str) -> str:
        key = (field, absent)
        return self._read(key, "" if self._is_read(key) else f"get({field!r}, {absent})")

    def _is_read(self, key: object) -> bool:
        return self._names.get(key) in self._assigned

    def _number(self, term: NumberTerm) -> str:
        match term:
            case NumberConst():
                return repr(term.value)
            case NumberField(from_text=False):
                return self._raw(term.field, "nan")
            case NumberField():
                if self._is_read(term):
                    return self._read(term, "")
                return self._read(term, f"number({self._text(TextField(term.field))})")
            case Calculation():
                if self._is_read(term):
                    return self._read(term, "")
                return self._read(term, f"finite({self._calculation(term)})")
        assert_never(term)

    def _calculation(self, term: NumberTerm) -> str:
        if not isinstance(term, Calculation):
            return self._float(term)
        left, right = self._calculation(term.left), self._calculation(term.right)
        return f"divide({left}, {right})" if term.op == "/" else f"({left} {term.op} {right})"

    def _text(self, term: TextTerm) -> str:
        if isinstance(term, TextConst):
            return repr(term.value)
        if not term.folding:
            return self._raw(term.field, "None")
        if self._is_read(term):
            return self._read(term, "")
        return self._read(term, f"{term.folding}({self._text(TextField(term.field))})")

    def _float(self, term: NumberTerm) -> str:
        """The number as a float: a record may keep it as an int."""
        return f"({self._number(term)} + 0.0)"

    def _write_numbers(self, test: NumbersCompare) -> str:
        # INVARIANT: an int compares with a small constant as the float it stands for does; with
        # anything else it has to become that float first.
        small = _is_small(test.right) or _is_small(test.left)
        write = self._number if small else self._float
        left, right = write(test.left), write(test.right)
        if test.op is not Op.NE:
            return f"{left} {_SYMBOLS[test.op]} {right}"
        again_left, again_right = write(test.left), write(test.right)
        # INVARIANT: a missing number is NaN, for which `!=` would hold; `<` and `>` never do.
        return f"({left} < {right} or {again_left} > {again_right})"

    def _write_number_among(self, test: NumberAmong) -> str:
        values = ", ".join(map(repr, test.values))
        small = all(abs(value) < MAX_EXACT for value in test.values)
        write = self._number if small else self._float
        name = write(test.term)
        if test.wanted:
            return f"{name} in {{{values}}}"
        again = write(test.term)
        return f"({name} == {again} and {again} not in {{{values}}})"

    def _write_text_among(self, test: TextAmong) -> str:
        name = self._text(test.term)
        if test.wanted and len(test.values) == 1:
            return f"{name} == {test.values[0]!r}"
        values = ", ".join(map(repr, test.values))
        return f"{name} in {{{values}}}" if test.wanted else f"{name} not in {{None, {values}}}"

    def _write_listed(self, test: TextListed) -> tuple[str, int]:
        name = self._text(test.term)
        mark = len(self._order)
        listed = self._read(("list", test.alias), f"lists.get({test.alias!r}, unknown)")
        again = self._text(test.term)
        if test.wanted:
            return f"({name} is not None and {again} in {listed})", mark
        known = f"{name} is not None and {listed} is not unknown"
        known_list = self._read(("list", test.alias), "")
        return f"({known} and {again} not in {known_list})", mark

    def _write_present(self, test: Present) -> str:
        if test.number:
            name = self._number(NumberField(test.field, from_text=False))
            again = self._number(NumberField(test.field, from_text=False))
            return f"{name} {'==' if test.wanted else '!='} {again}"
        name = self._text(TextField(test.field))
        return f"{name} is not None" if test.wanted else f"{name} is None"

    def _write_texts(self, test: TextsCompare) -> tuple[str, int]:
        """Both sides are there, left first; then the comparison itself."""
        present: list[str] = []
        mark = -1
        for term in (test.left, test.right):
            if isinstance(term, TextField):
                present.append(f"{self._text(term)} is not None")
                mark = len(self._order) if mark < 0 else mark
        mark = len(self._order) if mark < 0 else mark
        left, right = self._text(test.left), self._text(test.right)
        if test.op is Op.EQ:
            core = f"{left} == {right}" if test.wanted else f"{left} != {right}"
        elif test.op is Op.INCLUDES:
            core = f"{right} in {left}" if test.wanted else f"{right} not in {left}"
        else:
            core = self._like(left, right, test.right)
            core = core if test.wanted else f"not {core}"
        if test.op is Op.EQ and len(present) == 1:
            return self._equals_constant(test, present[0], mark)
        return f"({' and '.join([*present, core])})", mark

    def _equals_constant(self, test: TextsCompare, present: str, mark: int) -> tuple[str, int]:
        """A missing text is None: it equals no constant, and is to differ from none either."""
        constant = test.right if isinstance(test.right, TextConst) else test.left
        name, value = present.removesuffix(" is not None"), self._text(constant)
        return (f"{name} == {value}" if test.wanted else f"{name} not in (None, {value})"), mark

    def _like(self, left: str, right: str, pattern: TextTerm) -> str:
        if isinstance(pattern, TextConst):
            return f"like({left}, {tuple(pattern.value.split('%'))!r})"
        return f"like_text({left}, {right})"
