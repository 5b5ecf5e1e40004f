"""JUDGE: rule sets and lists; which rules match an event."""

from sekisho.rules.applies import fields_of_classes, is_taken
from sekisho.rules.builtin import BUILTIN_RULES
from sekisho.rules.desk import Change, Filling, ListDesk, ListRefused, found_list
from sekisho.rules.failure import FailurePolicy, default_policy
from sekisho.rules.lists import (
    DEFAULT_LISTS,
    ITEM_TYPES,
    MAX_ITEMS,
    ItemRefused,
    ListBook,
    ListChange,
    Prepared,
    normalise_item,
    prepare,
)
from sekisho.rules.model import Hit, RuleSet, StoredRule
from sekisho.rules.rollout import HoldoutPlan, Mode, Rollout, is_rolled_out
from sekisho.rules.ruleset import (
    MAX_RULES,
    DraftRule,
    RuleProblem,
    RulesRefused,
    assemble,
    build_ruleset,
    builtin_rules,
    check_size,
    draft_rules,
    judge,
    judge_dispute,
    judge_shadow,
    restore,
)

__all__ = [
    "BUILTIN_RULES",
    "DEFAULT_LISTS",
    "ITEM_TYPES",
    "MAX_ITEMS",
    "MAX_RULES",
    "Change",
    "DraftRule",
    "FailurePolicy",
    "Filling",
    "Hit",
    "HoldoutPlan",
    "ItemRefused",
    "ListBook",
    "ListChange",
    "ListDesk",
    "ListRefused",
    "Mode",
    "Prepared",
    "Rollout",
    "RuleProblem",
    "RuleSet",
    "RulesRefused",
    "StoredRule",
    "assemble",
    "build_ruleset",
    "builtin_rules",
    "check_size",
    "default_policy",
    "draft_rules",
    "fields_of_classes",
    "found_list",
    "is_rolled_out",
    "is_taken",
    "judge",
    "judge_dispute",
    "judge_shadow",
    "normalise_item",
    "prepare",
    "restore",
]
