"""The decision itself, on one screen: score → judge → decide. Pure, and the only implementation."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from sekisho.decisions import Decision, Degraded, decide, hits_in_spite_of
from sekisho.events import Record
from sekisho.flow.report import reporter
from sekisho.language import Catalogue
from sekisho.rules import Hit, RuleSet, StoredRule, judge, judge_beside, judge_shadow
from sekisho.scoring import Risk, Scorecard

SCORE_FIELDS = frozenset({"risk_score", "risk_level"})


@dataclass(frozen=True, slots=True)
class Live:
    """What decisions are made with at one moment; replaced as a whole, never changed."""

    catalogue: Catalogue
    ruleset: RuleSet
    scorecard: Scorecard
    counters: str
    """Version of the counters in force."""
    reported: tuple[str, ...]
    """Attributes that an answer lists: all that rules, score and counters have read."""
    report: Callable[[Record], msgspec.Struct] = field(init=False)
    """The reported attributes of a record, ready to be encoded."""

    def __post_init__(self) -> None:
        """Make what lists them."""
        object.__setattr__(self, "report", reporter(self.reported))


class Assessment(msgspec.Struct, frozen=True):
    """A decision with everything needed to explain and to repeat it."""

    decision: Decision
    risk: Risk
    degraded: tuple[Degraded, ...]
    shadow: tuple[Hit, ...] | None = None
    """Rules in shadow that matched; None when the set has none."""
    holdout: "HeldOut | None" = None
    """Of a block that a holdout might have let pass: with what probability, and whether it did."""
    beside: Decision | None = None
    """What the set in shadow would have decided; None when there is none."""

    @property
    def is_on_trial(self) -> bool:
        """There is more to tell than the decision."""
        return self.shadow is not None or self.holdout is not None or self.beside is not None


class HeldOut(msgspec.Struct, frozen=True):
    """What a holdout made of a would-be block.

    Attributes:
        probability: with which it passes; 0 when a cap forbids it.
        passed: it passed.
        rule: the Block rule that would have been credited.
    """

    probability: float
    passed: bool
    rule: str


def assess(
    event_type: str,
    record: Record,
    live: Live,
    lists: Mapping[str, Container[str]],
    missing: Mapping[str, frozenset[str]],
) -> Assessment:
    """Decide on a record whose counters have been read.

    Live decisions, shadow, backtest, replay and `rules test` all come through here.

    Args:
        event_type: the flow, such as `payment`.
        record: every attribute known as of the event; completed here with the risk score and level.
        live: rule set, scorecard and catalogue in force.
        lists: the lists in force.
        missing: dependency → attributes it failed to give; empty when all is well.
    """
    risk = live.scorecard.score(event_type, record)
    record["risk_level"] = risk.level
    if risk.score is not None:
        record["risk_score"] = risk.score
    matched = judge(live.ruleset, record, lists)
    hits, degraded = hits_in_spite_of(missing, live.ruleset, matched, event_type, record)
    shadowing, shadow = live.ruleset.shadowing, None
    if shadowing is not None:
        shadow = tuple(Hit(rule, rule.action) for rule in judge_shadow(shadowing, record, lists))
    beside = _decide_beside(event_type, record, live, (lists, missing), matched)
    return Assessment(decide(hits), risk, tuple(degraded), shadow, beside=beside)


def _decide_beside(
    event_type: str,
    record: Record,
    live: Live,
    around: tuple[Mapping[str, Container[str]], Mapping[str, frozenset[str]]],
    matched: Sequence[StoredRule],
) -> Decision | None:
    """What the set in shadow decides on the same record, lists and failures; no holdout draws."""
    beside = live.ruleset.beside
    if beside is None:
        return None
    lists, missing = around
    found = judge_beside(beside, matched, record, lists)
    hits, _ = hits_in_spite_of(missing, beside.ruleset, found, event_type, record)
    return decide(hits)
