"""From drafts to a compiled set: identities, problems, built-in rules."""

from itertools import count
from typing import Any

import pytest

from sekisho.events import default_catalogue
from sekisho.rules import (
    BUILTIN_RULES,
    DEFAULT_LISTS,
    MAX_RULES,
    DraftRule,
    RulesRefused,
    assemble,
    build_ruleset,
    builtin_rules,
    check_size,
    draft_rules,
    judge,
)
from sekisho.rules.ruleset import MAX_CHARACTERS

CATALOGUE = default_catalogue()
TYPES = {alias: item_type for alias, (item_type, _) in DEFAULT_LISTS.items()}
NUMBERS = count(1)
NO_ITEMS: dict[str, dict[str, int]] = {alias: {} for alias in TYPES}


def assembled(*drafts: DraftRule, before: Any = (), now_us: int = 0) -> Any:
    return assemble(
        drafts, CATALOGUE, TYPES, lambda: f"new_{next(NUMBERS)}", before=before, now_us=now_us
    )


def test_every_wrong_rule_is_named_by_its_place() -> None:
    texts = ["Block if :email: =", "Review if :amount_in_usd: > 1", "Block"]
    with pytest.raises(RulesRefused) as refused:
        draft_rules([DraftRule(text) for text in texts], CATALOGUE, TYPES)
    found = [(one.index, one.diagnostics[0].kind) for one in refused.value.problems]
    assert found == [(0, "unexpected_end"), (2, "missing_if")]


def test_set_is_bounded() -> None:
    rule = DraftRule("Block if :amount_in_usd: > 1")
    with pytest.raises(ValueError, match=str(MAX_RULES)):
        draft_rules([rule] * (MAX_RULES + 1), CATALOGUE, TYPES)


def test_characters_of_a_set_are_bounded() -> None:
    rule = DraftRule(f"Block if :email: = '{'x' * 4_000}'")
    with pytest.raises(ValueError, match=f"{MAX_CHARACTERS:,}"):
        check_size([rule] * (MAX_CHARACTERS // 4_000))
    check_size([rule] * (MAX_CHARACTERS // 4_000 - 4))


def test_unchanged_rule_keeps_id_and_age_and_an_edited_one_what_it_names() -> None:
    first = assembled(
        DraftRule("Block if :amount_in_usd: > 1"),
        DraftRule("Block if :amount_in_usd: > 2"),
        now_us=5,
    )
    second = assembled(
        DraftRule("block if  :amount_in_usd: > 2"),
        DraftRule("Block if :amount_in_usd: > 9", id=first[0].id),
        DraftRule("Block if :amount_in_usd: > 3"),
        before=first,
        now_us=8,
    )
    assert [(one.id, one.created_us) for one in second[:2]] == [
        (first[1].id, 5),
        (first[0].id, 5),
    ]
    assert second[2].created_us == 8


def test_two_equal_rules_get_two_ids() -> None:
    rule = DraftRule("Block if :amount_in_usd: > 1")
    first = assembled(rule)
    second = assembled(rule, rule, before=first)
    assert second[0].id == first[0].id
    assert second[1].id != first[0].id


def test_rule_notes_what_it_reads() -> None:
    text = "Block if :email: in @email_blocklist and :cvc_check: = 'fail' and ::Age:: < 18"
    (rule,) = assembled(DraftRule(text))
    assert {"email", "cvc_check"} <= rule.fields
    assert rule.lists == {"email_blocklist"}
    assert rule.post_authorization is True


def test_built_in_rules_have_readable_ids_and_check() -> None:
    built_in = builtin_rules(CATALOGUE, TYPES)
    assert [one.id for one in built_in] == list(BUILTIN_RULES)
    assert all(one.builtin for one in built_in)


def test_written_twin_takes_the_place_of_a_built_in_rule() -> None:
    built_in = builtin_rules(CATALOGUE, TYPES)
    (written,) = assembled(DraftRule("block if :risk_level:='highest'"))
    ruleset = build_ruleset("v", [written], built_in)
    ids = [one.id for one in ruleset.rules]
    assert "block_if_high_risk__enabled" not in ids
    assert written.id in ids
    assert len(ids) == len(BUILTIN_RULES)


def test_every_class_is_evaluated() -> None:
    texts = ["Allow", "Block", "Review", "Request 3DS", "Challenge", "Hold"]
    drafts = [DraftRule(f"{action} if :amount_in_usd: > 1") for action in texts]
    ruleset = build_ruleset("v", assembled(*drafts))
    assert len(judge(ruleset, {"amount_in_usd": 5.0}, NO_ITEMS)) == len(texts)
    assert judge(ruleset, {}, NO_ITEMS) == []


@pytest.mark.parametrize(
    ("level", "listed", "hits"),
    [
        ("normal", {}, []),
        ("highest", {}, ["block_if_high_risk__enabled"]),
        ("normal", {"email_blocklist": {"a@b.example": 0}}, ["block_if_in_blocklist"]),
        (
            "highest",
            {"email_allowlist": {"a@b.example": 0}},
            ["allow_if_in_allowlist", "block_if_high_risk__enabled"],
        ),
    ],
)
def test_built_in_rules_match_lists_and_level(
    level: str, listed: dict[str, dict[str, int]], hits: list[str]
) -> None:
    ruleset = build_ruleset("v", [], builtin_rules(CATALOGUE, TYPES))
    record = {"email": "a@b.example", "risk_level": level}
    matched = judge(ruleset, record, {**NO_ITEMS, **listed})
    assert sorted(one.id for one in matched) == hits
