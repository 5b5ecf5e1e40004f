"""Rules as Python: one generated function per rule set, one per lone condition."""

import gc
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import nan
from operator import itemgetter
from typing import Any

from sekisho.language.literals import like, read_number
from sekisho.language.lowering import lower
from sekisho.language.predicates import NEVER, AllOf, Predicate, TextConst, TextsCompare
from sekisho.language.python_text import RawField, Writer, raw_fields
from sekisho.language.tree import Condition, Op, Rule
from sekisho.language.trie import Branch, Case, Node, Switch, arrange, guess_share

Record = Mapping[str, str | float | int | bool]
Lists = Mapping[str, Container[str]]
ConditionFunction = Callable[[Record, Lists], bool]
RulesFunction = Callable[[Record, Lists], list[int]]

MAX_CHAINED_CASES = 3
"""Cases of a switch that are compared one by one: as quick as looking the text up."""

MAX_SAMPLES = 300
"""Sample records read for measuring tests: more would change the order of few tests."""


class _UnknownList(frozenset[str]):
    """Stands for a list nobody has: nothing is in it, and nothing is surely outside it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A rule set as one function; `source` is its Python text, to read."""

    source: str
    count: int
    _function: RulesFunction = field(repr=False)

    def matches(self, record: Record, lists: Lists) -> list[int]:
        """The positions of all rules that match the record, ascending.

        A list that is not in `lists` makes the tests on it unknown, so they do not match.
        """
        return self._function(record, lists)


def compile_condition(condition: Condition) -> ConditionFunction:
    """A function telling whether a condition is surely true for a record: unknown counts as no.

    Record values must have the type of their attribute, numbers lie within the range of float.
    """
    writer = Writer()
    test, _ = writer.write(lower(condition))
    lines = ["def holds(record, lists):", writer.PROLOGUE, f"    return True if {test} else False"]
    return _load(writer.finish(lines), "holds")


def compile_rules(
    rules: Sequence[Rule],
    *,
    sample_records: Sequence[Record] = (),
    sample_lists: Lists | None = None,
) -> CompiledRules:
    """Compile a rule set; samples of real records make it test what tells most apart first.

    Fields that every sample has are read by one call.

    The samples influence the speed of the result only, never what matches.
    """
    with _collector_paused():
        source = _write_rules(rules, sample_records[:MAX_SAMPLES], sample_lists or {})
        return CompiledRules(source, len(rules), _load(source, "matches"))


def _write_rules(rules: Sequence[Rule], samples: Sequence[Record], lists: Lists) -> str:
    lowered = [(index, lower(rule.condition)) for index, rule in enumerate(rules)]
    possible = [(index, predicate) for index, predicate in lowered if predicate is not NEVER]
    shares = _measure(possible, samples, lists)
    nodes = arrange(possible, lambda test: shares.get(test, guess_share(test)))
    writer = Writer()
    always = frozenset[str](samples[0]).intersection(*samples[1:]) if samples else frozenset[str]()
    body = writer.read_first(dict.fromkeys(_sure_reads(nodes)), always)
    body += ["    hits = []", "    hit = hits.append"]
    _write_nodes(writer, nodes, body, "    ")
    if len(possible) > 1:
        body += ["    if len(hits) > 1:", "        hits.sort()"]
    return writer.finish(["def matches(record, lists):", writer.PROLOGUE, *body, "    return hits"])


@contextmanager
def _collector_paused() -> Generator[None]:
    """Compiling makes many small objects that all stay: looking for cycles doubles its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _write_nodes(writer: Writer, nodes: Iterable[Node], out: list[str], pad: str) -> None:
    for node in nodes:
        if isinstance(node, Switch) and len(node.cases) <= MAX_CHAINED_CASES:
            _write_chained(writer, node, out, pad)
            continue
        if isinstance(node, Switch):
            name, place = writer.write_switch(node.term, [case.value for case in node.cases])
            mark = writer.mark()
            out.append(f"{pad}if ({name} := {place}) is not None:")
            _write_cases(writer, node.cases, (0, name), out, pad + "    ")
        else:
            test, mark = writer.write(AllOf(node.tests))
            out.append(f"{pad}if {test}:")
            _write_hits(writer, node, out, pad + "    ")
        writer.rewind(mark)


def _sure_reads(nodes: Iterable[Node]) -> Iterator[RawField]:
    """What the outermost tests read of every record."""
    for node in nodes:
        if isinstance(node, Switch):
            yield (node.term.field, "None")
        elif node.tests:
            yield from raw_fields(node.tests[0])


def _write_chained(writer: Writer, switch: Switch, out: list[str], pad: str) -> None:
    """Few cases are compared one after another."""
    mark = 0
    for place, case in enumerate(switch.cases):
        test = TextsCompare(Op.EQ, switch.term, TextConst(case.value), wanted=True)
        text, inner = writer.write(test)
        mark = mark or inner
        out.append(f"{pad}{'elif' if place else 'if'} {text}:")
        _write_hits(writer, case, out, pad + "    ")
        writer.rewind(mark)


def _write_hits(writer: Writer, node: Branch | Case, out: list[str], pad: str) -> None:
    out.extend(f"{pad}hit({rule})" for rule in node.hits)
    _write_nodes(writer, node.below, out, pad)


def _write_cases(
    writer: Writer, cases: Sequence[Case], found: tuple[int, str], out: list[str], pad: str
) -> None:
    """Halve the cases until one is left; `found` is the first one's number and the local's name."""
    if len(cases) == 1:
        mark = writer.mark()
        _write_hits(writer, cases[0], out, pad)
        writer.rewind(mark)
        return
    first, name = found
    half = len(cases) // 2
    out.append(f"{pad}if {name} < {first + half}:")
    _write_cases(writer, cases[:half], found, out, pad + "    ")
    out.append(f"{pad}else:")
    _write_cases(writer, cases[half:], (first + half, name), out, pad + "    ")


def _measure(
    lowered: list[tuple[int, Predicate]], samples: Sequence[Record], lists: Lists
) -> dict[Predicate, float]:
    """The share of sample records for which each test of the rules holds."""
    if not samples:
        return {}
    tests: dict[Predicate, None] = {}
    for _, predicate in lowered:
        parts = predicate.parts if isinstance(predicate, AllOf) else (predicate,)
        tests.update(dict.fromkeys(parts))
    writer = Writer()
    body: list[str] = []
    for number, test in enumerate(tests):
        text, mark = writer.write(test)
        body.append(f"    if {text}: counts[{number}] += 1")
        writer.rewind(mark)
    lines = ["def count(record, lists, counts):", writer.PROLOGUE, *body, "    return None"]
    function: Callable[[Record, Lists, list[int]], None] = _load(writer.finish(lines), "count")
    counts = [0] * len(tests)
    for record in samples:
        function(record, lists, counts)
    return {test: count / len(samples) for test, count in zip(tests, counts, strict=True)}


def _load(source: str, name: str) -> Any:
    code = compile(source, f"<sekisho {name}>", "exec")
    namespace: dict[str, Any] = dict(_NAMES)
    exec(code, namespace)  # noqa: S102 — the text is ours: user text enters only through repr
    return namespace[name]


def _number(text: str | None) -> float:
    """A metadata value as a number, NaN standing for none."""
    if text is None:
        return nan
    value = read_number(text)
    return nan if value is None else value


def _finite(value: float) -> float:
    """The value, or NaN when it left the range of numbers."""
    return value if value - value == 0.0 else nan


def _divide(left: float, right: float) -> float:
    """A quotient, NaN when the divisor is zero or has left the range of numbers."""
    return left / right if right and right - right == 0.0 else nan


def _casefold(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _like_text(text: str, pattern: str) -> bool:
    return like(text, tuple(pattern.split("%")))


_NAMES: dict[str, object] = {
    "itemgetter": itemgetter,
    "nan": nan,
    "number": _number,
    "finite": _finite,
    "divide": _divide,
    "casefold": _casefold,
    "upper": _upper,
    "like": like,
    "like_text": _like_text,
    "unknown": _UnknownList(),
}
