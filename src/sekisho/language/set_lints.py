"""Warnings about rules that stand in each other's way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sekisho.language.cases import Case, Outcome, cases
from sekisho.language.constraints import can_hold_together
from sekisho.language.tree import Action, Condition, Rule

SET_RULES_MAX = 400  # every pair is compared; more than the contract's 200 + 100 rules


class SetDiagnosticDict(TypedDict):
    """A finding over a set of rules as JSON has it."""

    kind: str
    rule: str
    other: str
    message: str


@dataclass(frozen=True, slots=True)
class SetDiagnostic:
    """A finding about one rule that another rule of the set causes.

    Kinds: `duplicate_rule` (the same condition and action), `redundant_rule` (another rule of the
    action matches whenever this one does), `unreachable_rule` (a Block rule matches whenever this
    Review rule does), `shadowed_by_allow` (an Allow rule does).
    """

    kind: str
    rule: str
    other: str
    message: str

    def as_dict(self) -> SetDiagnosticDict:
        """As JSON has it."""
        return {"kind": self.kind, "rule": self.rule, "other": self.other, "message": self.message}


@dataclass(frozen=True, slots=True)
class _Member:
    id: str
    action: Action
    matching: list[Case]  # cases in which it matches
    idle: list[Case]  # cases in which it does not


def lint_set(rules: Sequence[tuple[str, Rule]]) -> list[SetDiagnostic]:
    """Findings over a set of rules, given as (id, rule); at most one a rule, the gravest.

    Sound, not complete: what is reported is certain, and some overlaps go unnoticed.

    Raises:
        ValueError: more rules than can be compared pair by pair.
    """
    if len(rules) > SET_RULES_MAX:
        raise ValueError(f"at most {SET_RULES_MAX} rules can be compared, got {len(rules)}")
    members = [_member(rule_id, rule) for rule_id, rule in rules]
    findings: list[SetDiagnostic] = []
    for index, member in enumerate(members):
        finding = _finding(index, member, members)
        if finding:
            findings.append(finding)
    return findings


def implies(narrow: Condition, wide: Condition) -> bool:
    """Whether `wide` is certainly true whenever `narrow` is; False also means "cannot say"."""
    return _covers(cases(wide, Outcome.NOT_TRUE), cases(narrow, Outcome.TRUE))


def _member(rule_id: str, rule: Rule) -> _Member:
    return _Member(
        rule_id,
        rule.action,
        cases(rule.condition, Outcome.TRUE),
        cases(rule.condition, Outcome.NOT_TRUE),
    )


def _finding(index: int, member: _Member, members: list[_Member]) -> SetDiagnostic | None:
    if not member.matching:
        return None  # never matches at all, which the lints of the rule itself say
    found: list[tuple[int, SetDiagnostic]] = []
    for at, other in enumerate(members):
        kind = _kind_of_conflict(member.action, other.action)
        if at == index or kind is None or not _covers(other.idle, member.matching):
            continue
        if kind == "redundant_rule" and _covers(member.idle, other.matching):
            if at > index:
                continue  # of two equal rules the later one is named
            kind = "duplicate_rule"
        found.append((_GRAVITY.index(kind), _diagnostic(kind, member, other)))
    return min(found, key=lambda item: item[0])[1] if found else None


_GRAVITY = ("shadowed_by_allow", "duplicate_rule", "redundant_rule", "unreachable_rule")
_REASONS = {
    "shadowed_by_allow": "whenever this rule matches, {other} allows the payment first",
    "duplicate_rule": "this rule says the same as {other}",
    "redundant_rule": "whenever this rule matches, {other} matches too and asks for the same",
    "unreachable_rule": "whenever this rule matches, {other} blocks the payment first",
}


def _kind_of_conflict(action: Action, other: Action) -> str | None:
    """What it means that `other` matches whenever a rule with `action` does."""
    if action is other:
        return "redundant_rule"
    if other is Action.ALLOW and action in (Action.BLOCK, Action.REVIEW):
        return "shadowed_by_allow"
    if other is Action.BLOCK and action is Action.REVIEW:
        return "unreachable_rule"
    return None


def _diagnostic(kind: str, member: _Member, other: _Member) -> SetDiagnostic:
    message = _REASONS[kind].format(other=f"`{other.id}`")
    return SetDiagnostic(kind, member.id, other.id, message)


def _covers(idle: list[Case], matching: list[Case]) -> bool:
    """Whether no case of the narrower condition leaves the wider one idle."""
    return not any(can_hold_together(case | rest) for rest in idle for case in matching)
