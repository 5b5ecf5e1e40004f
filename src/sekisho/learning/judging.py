"""A rule set over columns: what matches, what decides, and who is credited."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sekisho.decisions import PRECEDENCE, Outcome, credit_order
from sekisho.language import Action, CodedRules
from sekisho.learning.past import Past
from sekisho.rules import NOT_DECIDING, NOT_REVIEWED, StoredRule

_RANKS = {action: rank for rank, (action, _) in enumerate(PRECEDENCE)}
_OUTCOMES = dict(PRECEDENCE)
TAKES = ("event_type", "transaction_type", "payment_method_type")
"""What says whether an event takes a rule of some action."""


def in_order(rules: Sequence[StoredRule]) -> tuple[StoredRule, ...]:
    """The rules that decide, the one that wins over others first.

    The first of them that matches is credited, and its action is the outcome: this is what
    `decisions.decide` comes to when all hits are known.
    """
    deciding = [rule for rule in rules if rule.action not in NOT_DECIDING]
    return tuple(sorted(deciding, key=lambda rule: (_RANKS[rule.action], *credit_order(rule))))


def at_position(rules: Sequence[StoredRule], position: int | None) -> StoredRule | None:
    """The rule at a position of `Judge.credited`."""
    return None if position is None else rules[position]


def outcome_of(rule: StoredRule | None) -> Outcome:
    """The outcome when this rule is credited."""
    return Outcome.ALLOW if rule is None else _OUTCOMES[rule.action]


def outranks(rule: StoredRule, other: StoredRule) -> bool:
    """Whether the class of the first decides where both match."""
    return _RANKS[rule.action] < _RANKS[other.action]


def takes_columns(action: Action, columns: Sequence[str]) -> pl.Expr:
    """Where events take rules of an action, as `rules.is_taken` says event by event."""

    def text(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String) if name in columns else pl.lit(None, pl.String)

    if action is Action.REQUEST_3DS:
        is_payment = text("event_type").fill_null("payment") == "payment"
        return is_payment & (text("transaction_type").ne_missing(pl.lit("charge")))
    if action is Action.REVIEW:
        is_debit = text("payment_method_type").is_in(sorted(NOT_REVIEWED)).fill_null(value=False)
        return text("transaction_type").ne_missing(pl.lit("setup_intent")) & ~is_debit
    return pl.lit(action not in NOT_DECIDING)


@dataclass(frozen=True, slots=True)
class Judge:
    """Several rule sets judged together, every rule once.

    Attributes:
        past: lists and more.
        sets: the rule sets, each in the order of `in_order`.
        rules: all of their rules, each condition and action once.
    """

    past: Past
    sets: tuple[tuple[StoredRule, ...], ...]
    rules: list[StoredRule] = field(init=False)
    _places: list[list[int]] = field(init=False)
    _engine: CodedRules = field(init=False)

    def __post_init__(self) -> None:
        """Number the rules; those that say the same share a column."""
        numbers: dict[object, int] = {}
        rules: list[StoredRule] = []
        places: list[list[int]] = []
        for one in self.sets:
            row: list[int] = []
            for rule in one:
                key = (rule.action, rule.rule.condition)
                if key not in numbers:
                    numbers[key] = len(rules)
                    rules.append(rule)
                row.append(numbers[key])
            places.append(row)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "_places", places)
        engine = CodedRules([one.rule for one in rules], self.past.lists)
        object.__setattr__(self, "_engine", engine)

    def matching(
        self, frame: pl.DataFrame, counts: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], pl.DataFrame]:
        """Of the rows that count, those that a rule matches and is taken for; and their `hits`."""
        matches = self._engine.match(frame)
        rows = matches.any() & counts
        hits = self._taken(frame, rows, matches.columns(rows))
        still = hits.select(pl.any_horizontal(pl.all())).to_series() if hits.width else None
        if still is None or still.all():
            return rows, hits
        rows[np.flatnonzero(rows)[~still.to_numpy()]] = False
        return rows, hits.filter(still)

    def hits(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A boolean column for each of `rules`, named by its position: it matches and is taken."""
        rows = np.ones(frame.height, np.bool_)
        return self._taken(frame, rows, self._engine.match(frame).columns(rows))

    def _taken(
        self, frame: pl.DataFrame, rows: NDArray[np.bool_], found: pl.DataFrame
    ) -> pl.DataFrame:
        """What rules match in some rows of a frame, without those that events there do not take."""
        limited = [
            (str(at), rule.action)
            for at, rule in enumerate(self.rules)
            if rule.action in (Action.REQUEST_3DS, Action.REVIEW)
        ]
        if not limited:
            return found
        actions = sorted({action for _, action in limited})
        read = [name for name in TAKES if name in frame.columns] or frame.columns[:1]
        there = frame.select(read).filter(pl.Series(rows))
        taken = there.select(takes_columns(one, there.columns).alias(one.name) for one in actions)
        return found.with_columns(
            (found[name] & taken[action.name]).alias(name) for name, action in limited
        )

    def column_of(self, which: int, position: int) -> str:
        """The column of a rule, by the set and its position in it."""
        return str(self._places[which][position])

    def credited(self, which: int, prefix: str = "") -> pl.Expr:
        """Position in a set of the rule that is credited; null where none matches."""
        first = [
            pl.when(pl.col(f"{prefix}{column}")).then(pl.lit(position, pl.UInt16))
            for position, column in enumerate(self._places[which])
        ]
        return pl.coalesce(first) if first else pl.lit(None, pl.UInt16)
