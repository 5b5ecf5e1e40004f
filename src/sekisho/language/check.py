"""The front door of the compiler: text in, a checked rule or what is wrong with it out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sekisho.language.actions import Header, read_header
from sekisho.language.catalogue import Catalogue
from sekisho.language.cursor import Cursor
from sekisho.language.diagnostics import Diagnostic, Places, Problem
from sekisho.language.limits import DIAGNOSTICS_MAX, RULE_CHARS_MAX
from sekisho.language.lint import lint_condition, lint_rule
from sekisho.language.parser import Conditions
from sekisho.language.tokens import Scan, scan
from sekisho.language.tree import Condition, Rule, Span

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a rule's text: a rule with warnings, or errors, the reported one first."""

    rule: Rule | None
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class CheckedCondition:
    """The same for a condition without an action, such as the filter of a counter."""

    condition: Condition | None
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]


def check_rule(
    text: str,
    catalogue: Catalogue,
    lists: Mapping[str, str] | None = None,
    *,
    lint: bool = True,
) -> Checked:
    """Read a rule, resolve its names and check its types.

    Args:
        text: one rule, such as `Block if :risk_score: > 75`.
        catalogue: the attributes that exist.
        lists: the item type of each list by alias; None leaves lists unchecked.
        lint: whether to look for warnings, which takes longer than all the rest.
    """
    catalogue = catalogue.for_rules()
    header, condition, problems, warnings = _read(text, catalogue, lists, with_action=True)
    errors = _placed(text, problems)
    if errors or header is None or header.action is None or condition is None:
        return Checked(None, errors, ())
    rule = Rule(header.action, condition, text, Span(header.start, condition.span.end))
    lints = lint_rule(rule, catalogue) if lint else []
    return Checked(rule, (), _placed(text, [*warnings, *lints]))


def check_condition(
    text: str, catalogue: Catalogue, lists: Mapping[str, str] | None = None
) -> CheckedCondition:
    """Read a condition that has no action, such as `:outcome: = 'declined'`."""
    _, condition, problems, warnings = _read(text, catalogue, lists, with_action=False)
    errors = _placed(text, problems)
    if errors or condition is None:
        return CheckedCondition(None, errors, ())
    lints = lint_condition(condition, text, catalogue)
    return CheckedCondition(condition, (), _placed(text, [*warnings, *lints]))


def _read(
    text: str, catalogue: Catalogue, lists: Mapping[str, str] | None, *, with_action: bool
) -> tuple[Header | None, Condition | None, list[Problem], list[Problem]]:
    unreadable = _unreadable(text)
    if unreadable:
        return None, None, [unreadable], []
    found = scan(text)
    if found.problems and not _is_recovered(found):
        return None, None, list(found.problems), []
    cursor = Cursor(text, found.tokens)
    header = read_header(cursor, catalogue) if with_action else None
    condition = None
    if header is None or header.goes_on:
        condition = Conditions(cursor, catalogue, lists).whole()
    problems = [*found.problems, *_beyond_scan(found, cursor.problems)]
    return header, condition, problems, cursor.warnings


def _unreadable(text: str) -> Problem | None:
    """A text that is not looked at any further."""
    if len(text) > RULE_CHARS_MAX:
        message = (
            f"a rule may have {RULE_CHARS_MAX} characters, this one has {len(text)}: use a list"
        )
        return Problem("rule_too_long", RULE_CHARS_MAX, len(text), message)
    found = None if text.isascii() else _SURROGATE.search(text)
    if found is None:
        return None
    message = f"the character U+{ord(found[0]):04X} is half of a pair and no text by itself"
    return Problem("unexpected_token", found.start(), found.end(), message)


def _is_recovered(found: Scan) -> bool:
    """Whether every problem of scanning was read as what it means, so that the rest makes sense."""
    return all(problem.fix and len(problem.fix) > 1 for problem in found.problems) and all(
        problem.kind == "invalid_character" for problem in found.problems
    )


def _beyond_scan(found: Scan, problems: list[Problem]) -> list[Problem]:
    """Without those that the mending of a wrong quote already covers."""
    if not found.problems:
        return problems
    return [problem for problem in problems if problem.kind != "boolean_takes_no_operator"]


def _placed(text: str, problems: list[Problem]) -> tuple[Diagnostic, ...]:
    if not problems:
        return ()
    places = Places(text)
    return tuple(places.diagnostic(problem) for problem in problems[:DIAGNOSTICS_MAX])
