"""Rules as drafted, judged and decided without a server."""

from collections.abc import Callable, Mapping

import pytest

from sekisho.decisions import Decision, decide
from sekisho.events import Record, default_catalogue
from sekisho.rules import DraftRule, Hit, RuleSet, assemble, build_ruleset, judge

Decider = Callable[..., Decision]


def ruleset_of(texts: list[str], ids: list[str], created: list[int]) -> RuleSet:
    stored = [
        assemble([DraftRule(text, rule_id)], default_catalogue(), {}, str, now_us=at)[0]
        for text, rule_id, at in zip(texts, ids, created, strict=True)
    ]
    return build_ruleset("test", stored)


@pytest.fixture(scope="session")
def new_ruleset() -> Callable[..., RuleSet]:
    def make(
        *texts: str, ids: list[str] | None = None, created: list[int] | None = None
    ) -> RuleSet:
        numbers = range(1, len(texts) + 1)
        names = ids or [f"r{number}" for number in numbers]
        return ruleset_of(list(texts), names, created or list(numbers))

    return make


@pytest.fixture(scope="session")
def decided() -> Decider:
    def run(
        ruleset: RuleSet, record: Record, lists: Mapping[str, set[str]] | None = None
    ) -> Decision:
        return decide([Hit(rule, rule.action) for rule in judge(ruleset, record, lists or {})])

    return run
