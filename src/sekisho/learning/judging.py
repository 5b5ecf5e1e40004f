"""A rule set over columns: what matches, what decides, and who is credited."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from sekisho.decisions import PRECEDENCE, Outcome, credit_order
from sekisho.language import Action, match_columns
from sekisho.learning.past import Past
from sekisho.rules import NOT_DECIDING, NOT_REVIEWED, StoredRule

_RANKS = {action: rank for rank, (action, _) in enumerate(PRECEDENCE)}
_OUTCOMES = dict(PRECEDENCE)


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

    def hits(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A boolean column for each of `rules`, named by its position: it matches and is taken."""
        if frame.is_empty():
            return pl.DataFrame(schema={str(at): pl.Boolean for at in range(len(self.rules))})
        found = match_columns([one.rule for one in self.rules], frame, self.past.lists).collect()
        if found.height != frame.height:  # constants alone
            found = found.select(pl.all().first().repeat_by(frame.height).explode())
        limited = [
            (str(at), rule.action)
            for at, rule in enumerate(self.rules)
            if rule.action in (Action.REQUEST_3DS, Action.REVIEW)
        ]
        if not limited:
            return found
        actions = sorted({action for _, action in limited})
        taken = frame.select(takes_columns(one, frame.columns).alias(one.name) for one in actions)
        by_action = {one: taken[one.name] for one in actions}
        return found.with_columns(
            (found[name] & by_action[one]).alias(name) for name, one in limited
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
