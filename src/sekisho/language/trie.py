"""Shared tests first: arranges the predicates of many rules into nested ifs.

Testing each rule by itself costs time in proportion to the rules. Here rules that share a test are
put under it, together with rules that have a kindred one:

- `x > 5`, `x > 9`, `x > 20` form a ladder: each step is tried only where the one before held;
- `s = 'US'`, `s = 'DE'`, … form a switch: one look-up finds the only case that can hold.

Source: the access predicates of Fabret et al., "Filtering algorithms and implementation for very
fast publish/subscribe systems", SIGMOD 2001.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from sekisho.language.predicates import (
    AllOf,
    FlagSet,
    NumberAmong,
    NumberConst,
    NumbersCompare,
    Predicate,
    Present,
    TextAmong,
    TextConst,
    TextField,
    TextListed,
    TextsCompare,
)
from sekisho.language.tree import Op

MAX_INDENT = 48
"""Indentation beyond which rules are no longer grouped: Python refuses a hundred levels."""

_EQUAL_SHARE, _AMONG_SHARE, _MAX_AMONG_SHARE = 0.1, 0.1, 0.6
_LISTED_SHARE, _FLAG_SHARE, _PRESENT_SHARE, _TEXT_SEARCH_SHARE = 0.1, 0.3, 0.8, 0.1
_ORDERING_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Branch:
    """`if` all the tests hold: these rules match, and the nodes below are tried."""

    tests: tuple[Predicate, ...]
    hits: tuple[int, ...]
    below: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What happens when the text of a switch is this value."""

    value: str
    hits: tuple[int, ...]
    below: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Looks a text up; at most one of the cases holds."""

    term: TextField
    cases: tuple[Case, ...]


Node = Branch | Switch


def guess_share(predicate: Predicate) -> float:  # noqa: C901 — one case a kind of test
    """The share of records for which the predicate is expected to hold, without having seen any."""
    match predicate:
        case NumbersCompare(op=op):
            if op is Op.EQ or op is Op.NE:
                return _EQUAL_SHARE if op is Op.EQ else 1 - _EQUAL_SHARE
            return _ORDERING_SHARE
        case TextsCompare(wanted=wanted):
            share = _TEXT_SEARCH_SHARE
        case NumberAmong(values=values, wanted=wanted) | TextAmong(values=values, wanted=wanted):
            share = min(_AMONG_SHARE * len(values), _MAX_AMONG_SHARE)
        case TextListed(wanted=wanted):
            share = _LISTED_SHARE
        case Present(wanted=wanted):
            share = _PRESENT_SHARE
        case FlagSet(wanted=wanted):
            share = _FLAG_SHARE
        case AllOf():
            share, wanted = 1.0, True
            for part in predicate.parts:
                share *= guess_share(part)
        case _:
            share, wanted = 1.0, False
            for part in predicate.parts:
                share *= 1 - guess_share(part)
    return share if wanted else 1 - share


def arrange(
    predicates: Iterable[tuple[int, Predicate]], share_of: Callable[[Predicate], float]
) -> tuple[Node, ...]:
    """Group rules under the tests they share, the tests that turn most records away outermost.

    Args:
        predicates: the number of each rule and when it matches.
        share_of: the share of records for which a test is expected to hold.
    """
    numbers: dict[Predicate, int] = {}
    rules: list[_Pending] = []
    for rule, predicate in predicates:
        parts = predicate.parts if isinstance(predicate, AllOf) else (predicate,)
        tests = dict.fromkeys([numbers.setdefault(part, len(numbers)) for part in parts])
        rules.append((rule, tuple(tests)))
    return _Arranger([_Test.of(test, share_of(test)) for test in numbers]).nodes(rules, 0)


_Pending = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Test:
    """A test with its kin: tests of one family are ladders (`rank` orders them) or switches."""

    predicate: Predicate
    share: float
    family: Hashable
    rank: tuple[float, bool] | str | None

    @staticmethod
    def of(predicate: Predicate, share: float) -> "_Test":
        family, rank = _kin(predicate)
        return _Test(predicate, share, family, rank)


def _kin(predicate: Predicate) -> tuple[Hashable, tuple[float, bool] | str | None]:
    """The family of a test and its rank there; without kin it is a family of its own."""
    if isinstance(predicate, NumbersCompare) and isinstance(predicate.right, NumberConst):
        op, term, value = predicate.op, predicate.left, predicate.right.value
        if op is Op.GT or op is Op.GE:
            return ("up", term), (value, op is Op.GT)
        if op is Op.LT or op is Op.LE:
            return ("down", term), (-value, op is Op.LT)
    elif isinstance(predicate, TextsCompare) and predicate.op is Op.EQ and predicate.wanted:
        term, constant = predicate.left, predicate.right
        if isinstance(term, TextField) and isinstance(constant, TextConst):
            return ("is", term), constant.value
    return predicate, None


class _Arranger:
    def __init__(self, tests: Sequence[_Test]) -> None:
        families: dict[Hashable, int] = {}
        self._tests = tests
        self._family = [families.setdefault(test.family, len(families)) for test in tests]

    def nodes(self, rules: list[_Pending], indent: int) -> tuple[Node, ...]:
        """Every rule in the group of a family, or as a chain of tests by itself."""
        if len(rules) == 1 or indent >= MAX_INDENT:
            return tuple(self._chain(*rule) for rule in rules)
        groups: dict[int | None, list[_Pending]] = {}
        for rule, family in zip(rules, self._families(rules), strict=True):
            groups.setdefault(family, []).append(rule)
        alone = groups.pop(None, [])
        found = [
            self._group(family, group, indent)
            for family, group in groups.items()
            if family is not None
        ]
        return (*found, *(self._chain(*rule) for rule in alone))

    def _families(self, rules: list[_Pending]) -> list[int | None]:
        """The family of each rule's group: the most telling one of those that are worth a test.

        A group costs each record a test, and then its rules cost those records that pass. The
        family that saves most is opened first. INVARIANT: what a family saves only shrinks while
        others open, so the first in the queue whose figure is fresh saves most.
        """
        owners = self._owners(rules)
        queue = [
            (1.0 - len(shares), family) for family, shares in owners.items() if len(shares) > 1
        ]
        heapify(queue)
        cost = [1.0] * len(rules)
        chosen: list[int | None] = [None] * len(rules)
        while queue:
            family = queue[0][1]
            better = [(at, share) for at, share in owners[family].items() if share < cost[at]]
            saved = sum([cost[at] - share for at, share in better]) - 1.0
            if saved <= 0.0:
                heappop(queue)
                continue
            heapreplace(queue, (-saved, family))
            if queue[0][1] == family:
                heappop(queue)
                for at, share in better:
                    cost[at], chosen[at] = share, family
        return chosen

    def _owners(self, rules: list[_Pending]) -> dict[int, dict[int, float]]:
        """By family: the places of the rules that have it, with the share their tests let pass."""
        owners: dict[int, dict[int, float]] = {}
        for at, (_, tests) in enumerate(rules):
            for test in tests:
                shares = owners.setdefault(self._family[test], {})
                shares[at] = min(self._tests[test].share, shares.get(at, 1.0))
        return owners

    def _group(self, family: int, group: list[_Pending], indent: int) -> Node:
        """The rules of one family by the strongest test they have in it."""
        by_test: dict[int, list[_Pending]] = {}
        for rule, tests in group:
            kin = [test for test in tests if self._family[test] == family]
            strongest = max(kin, key=self._rank)
            ladder = self._is_ladder(strongest)
            done = kin if ladder else [strongest]
            rest = tuple(test for test in tests if test not in done)
            by_test.setdefault(strongest, []).append((rule, rest))
        steps = sorted(by_test, key=self._rank)
        if len(steps) > 1 and not self._is_ladder(steps[0]):
            return self._switch(steps, by_test, indent)
        return self._ladder(steps, by_test, indent)

    def _rank(self, test: int) -> tuple[float, bool] | str:
        return self._tests[test].rank or ""

    def _is_ladder(self, test: int) -> bool:
        return isinstance(self._tests[test].rank, tuple)

    def _ladder(self, steps: list[int], by_test: dict[int, list[_Pending]], indent: int) -> Node:
        """Each step inside the one it implies; too deep a rest is tried rule by rule."""
        first, *rest = steps
        hits, below = self._inside(by_test[first], indent + 1)
        if rest and indent < MAX_INDENT:
            below += (self._ladder(rest, by_test, indent + 1),)
        else:
            for step in rest:
                below += tuple(self._chain(r, (step, *tests)) for r, tests in by_test[step])
        test = self._tests[first].predicate
        if not hits and len(below) == 1 and isinstance(below[0], Branch):
            return Branch((test, *below[0].tests), below[0].hits, below[0].below)
        return Branch((test,), hits, below)

    def _switch(self, steps: list[int], by_test: dict[int, list[_Pending]], indent: int) -> Node:
        inside = indent + 1 + len(steps).bit_length()
        cases = [
            Case(str(self._rank(step)), *self._inside(by_test[step], inside)) for step in steps
        ]
        predicate = self._tests[steps[0]].predicate
        assert isinstance(predicate, TextsCompare)
        assert isinstance(predicate.left, TextField)
        return Switch(predicate.left, tuple(cases))

    def _inside(
        self, group: list[_Pending], indent: int
    ) -> tuple[tuple[int, ...], tuple[Node, ...]]:
        hits = tuple(rule for rule, tests in group if not tests)
        return hits, self.nodes([(rule, tests) for rule, tests in group if tests], indent)

    def _chain(self, rule: int, tests: tuple[int, ...]) -> Node:
        ordered = sorted(tests, key=lambda test: (self._tests[test].share, test))
        return Branch(tuple(self._tests[test].predicate for test in ordered), (rule,), ())
