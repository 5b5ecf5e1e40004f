"""Warnings about a rule that is accepted all the same."""

from collections.abc import Iterator

from sekisho.language.cases import Case, Outcome, all_of, cases
from sekisho.language.catalogue import Catalogue
from sekisho.language.class_lints import lint_class
from sekisho.language.constraints import NumberTest, TextTest, can_hold_together
from sekisho.language.diagnostics import Problem, quoted
from sekisho.language.format import format_condition
from sekisho.language.leaf_lints import lint_leaf
from sekisho.language.tree import Action, And, Condition, Not, Op, Or, Rule

COMPARED_PARTS_MAX = 24  # of one `and` or `or`; each is compared with all others
LEAVES_MAX = 200  # beyond it only single comparisons are looked at
HIGHEST_RISK_SCORE = 75.0  # from here on a risk level is `highest` unless thresholds are changed


def lint_rule(rule: Rule, catalogue: Catalogue) -> list[Problem]:
    """Warnings about a rule, in reading order."""
    findings = lint_condition(rule.condition, rule.text, catalogue)
    of_class = [one for leaf in leaves(rule.condition) for one in lint_class(rule, leaf, catalogue)]
    findings = sorted([*findings, *of_class], key=lambda finding: finding.start)
    if rule.action is Action.ALLOW and not _excludes_highest_risk(rule.condition):
        findings.insert(0, _unguarded(rule))
    return findings


def lint_condition(condition: Condition, text: str, catalogue: Catalogue) -> list[Problem]:
    """Warnings about a condition, in reading order."""
    findings = [
        finding for leaf in leaves(condition) for finding in lint_leaf(leaf, text, catalogue)
    ]
    if sum(1 for _ in leaves(condition)) > LEAVES_MAX:
        return findings
    if not cases(condition, Outcome.TRUE):
        findings.append(_contradiction(condition, text))
    elif not cases(condition, Outcome.NOT_TRUE):
        message = "this condition is true for every payment, whatever it looks like"
        findings.append(_problem("always_true", condition, message))
    else:
        findings += _superfluous(condition, text)
    return sorted(findings, key=lambda finding: finding.start)


def leaves(condition: Condition) -> Iterator[Condition]:
    """The comparisons and tests a condition is made of, in reading order."""
    match condition:
        case And() | Or():
            for part in condition.parts:
                yield from leaves(part)
        case Not():
            yield from leaves(condition.operand)
        case _:
            yield condition


def _contradiction(condition: Condition, text: str) -> Problem:
    """Points at the first part that makes it impossible, and names the part it is at odds with."""
    culprit, rival = condition, None
    if isinstance(condition, And):
        culprit, rival = _first_clash(list(condition.parts))
        if rival is None and culprit is not condition and not cases(culprit, Outcome.TRUE):
            return _contradiction(culprit, text)
    message = f"{quoted(_written(culprit, text))} can never be true"
    if rival is not None:
        message += f" together with {quoted(_written(rival, text))}"
    return _problem("contradiction", culprit, f"{message}, so the rule never matches")


def _first_clash(parts: list[Condition]) -> tuple[Condition, Condition | None]:
    """The first part after which nothing is possible, and the one part that already excludes it."""
    known: list[list[Case]] = []
    for index, part in enumerate(parts):
        known.append(cases(part, Outcome.TRUE))
        if all_of(known):
            continue
        rivals = (
            at for at in range(index) if known[index] and not all_of([known[at], known[index]])
        )
        rival = next(rivals, None)
        return part, None if rival is None else parts[rival]
    return parts[-1], None


def _superfluous(condition: Condition, text: str) -> list[Problem]:
    """Parts that can never be true, and parts that change nothing."""
    if not isinstance(condition, And | Or) or len(condition.parts) > COMPARED_PARTS_MAX:
        return []
    match condition:
        case And():
            findings = _implied_parts(condition, text)
        case Or():
            findings = [*_dead_branches(condition, text), *_covered_branches(condition, text)]
    nested = [finding for part in condition.parts for finding in _superfluous(part, text)]
    return findings + nested


def _implied_parts(condition: And, text: str) -> list[Problem]:
    """Parts of an `and` that are true whenever the others are; the later of two equals is named."""
    true = [cases(part, Outcome.TRUE) for part in condition.parts]
    kept = set(range(len(true)))
    findings: list[Problem] = []
    for at in reversed(range(len(true))):
        part = condition.parts[at]
        others = [true[other] for other in kept if other != at]
        if others and not all_of([*others, cases(part, Outcome.NOT_TRUE)]):
            kept.remove(at)
            message = f"{quoted(_written(part, text))} changes nothing: the other parts imply it"
            findings.append(_problem("redundant_condition", part, message))
    return findings


def _dead_branches(condition: Or, text: str) -> Iterator[Problem]:
    for part in condition.parts:
        if not cases(part, Outcome.TRUE):
            message = f"{quoted(_written(part, text))} can never be true, this side of `or` is dead"
            yield _problem("dead_branch", part, message)


def _covered_branches(condition: Or, text: str) -> list[Problem]:
    """Parts of an `or` that are true only when another part is."""
    true = [cases(part, Outcome.TRUE) for part in condition.parts]
    idle = [cases(part, Outcome.NOT_TRUE) for part in condition.parts]
    kept = {at for at in range(len(true)) if true[at]}
    findings: list[Problem] = []
    for at in sorted(kept, reverse=True):
        if any(not all_of([true[at], idle[other]]) for other in kept if other != at):
            kept.remove(at)
            part = condition.parts[at]
            message = f"{quoted(_written(part, text))} changes nothing: another part covers it"
            findings.append(_problem("redundant_condition", part, message))
    return findings


def _excludes_highest_risk(condition: Condition) -> bool:
    """Whether the condition cannot be true at the highest risk level."""
    highest: tuple[Case, ...] = (
        frozenset({TextTest("risk_level", Op.EQ, frozenset({"highest"}), holds=True)}),
        frozenset({NumberTest("risk_score", Op.GE, frozenset({HIGHEST_RISK_SCORE}), holds=True)}),
    )
    allowed = cases(condition, Outcome.TRUE)
    return all(any(not can_hold_together(case | risk) for risk in highest) for case in allowed)


def _unguarded(rule: Rule) -> Problem:
    hint = "and :risk_level: != 'highest'"
    message = "this rule also allows payments of the highest risk level"
    end = rule.span.start + len(rule.action.value)
    return Problem(
        "allow_without_risk_guard", rule.span.start, end, f"{message}, add {quoted(hint)}", hint
    )


def _written(condition: Condition, text: str) -> str:
    return text[condition.span.start : condition.span.end] or format_condition(condition)


def _problem(kind: str, condition: Condition, message: str) -> Problem:
    return Problem(kind, condition.span.start, condition.span.end, message)
