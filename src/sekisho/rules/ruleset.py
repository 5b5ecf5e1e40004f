"""From drafted texts to a compiled rule set, and from a record to its hits."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sekisho.events import Record
from sekisho.language import (
    Action,
    Catalogue,
    Checked,
    Diagnostic,
    Rule,
    check_rule,
    compile_rules,
    fields_of,
    format_rule,
    lists_of,
)
from sekisho.rules.applies import NOT_DECIDING, is_taken
from sekisho.rules.builtin import BUILTIN_RULES
from sekisho.rules.failure import FailurePolicy
from sekisho.rules.model import Beside, CompiledGroup, RuleSet, StoredRule
from sekisho.rules.rollout import HoldoutPlan, Mode, Rollout

MAX_RULES = 2_000
"""Rules in one set. The vendor stops at 200; two thousand still judge within 30 microseconds."""


HOLDOUT_FIELDS = frozenset({"amount", "currency"})
"""What a holdout's caps are measured by."""
MAX_CHARACTERS = 2_000_000
"""Characters of all rules of a set: twice what the vendor's largest set can have."""


@dataclass(frozen=True, slots=True)
class DraftRule:
    """A rule as its author sends it. `id` keeps the identity of a rule that is edited."""

    predicate: str
    id: str = ""
    on_failure: FailurePolicy | None = None
    mode: Mode = Mode.LIVE
    rollout: Rollout | None = None


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """What is wrong, or odd, with the n-th rule of a draft (from 0)."""

    index: int
    predicate: str
    diagnostics: tuple[Diagnostic, ...]


class RulesRefused(ValueError):
    """The draft cannot be published until its errors are mended."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        first = problems[0]
        super().__init__(f"rule {first.index + 1}: {first.diagnostics[0].message}")
        self.problems = tuple(problems)


def draft_rules(
    drafts: Sequence[DraftRule],
    catalogue: Catalogue,
    lists: Mapping[str, str],
    *,
    lint: bool = True,
) -> tuple[list[Rule], list[RuleProblem]]:
    """Check a draft as a whole and return its rules and the warnings, if those are asked for.

    Raises:
        RulesRefused: one or more rules have errors.
        ValueError: two rules name one id, one has a built-in rule's id, or they are too many.
    """
    check_size(drafts)
    _check_ids([draft.id for draft in drafts if draft.id])
    checked: list[Checked] = [
        check_rule(draft.predicate, catalogue, lists, lint=lint) for draft in drafts
    ]
    errors = [
        RuleProblem(i, drafts[i].predicate, one.errors)
        for i, one in enumerate(checked)
        if one.errors
    ]
    if errors:
        raise RulesRefused(errors)
    _check_trials(drafts, checked, catalogue)
    warnings = [
        RuleProblem(i, drafts[i].predicate, one.warnings)
        for i, one in enumerate(checked)
        if one.warnings
    ]
    return [one.rule for one in checked if one.rule is not None], warnings


def check_size(drafts: Sequence[DraftRule]) -> None:
    """Refuse what would take too long to check.

    Raises:
        ValueError: too many rules, or too many characters in all.
    """
    if len(drafts) > MAX_RULES:
        raise ValueError(f"a rule set has at most {MAX_RULES} rules, this one has {len(drafts)}")
    characters = sum(len(draft.predicate) for draft in drafts)
    if characters > MAX_CHARACTERS:
        raise ValueError(
            f"the rules of a set have at most {MAX_CHARACTERS:,} characters together,"
            f" these have {characters:,}: use lists instead of long rules"
        )


def _check_ids(ids: Sequence[str]) -> None:
    if len(set(ids)) < len(ids):
        raise ValueError("two rules of the draft name the same id: give each its own, or none")
    for rule_id in BUILTIN_RULES.keys() & set(ids):
        raise ValueError(f"`{rule_id}` is the id of a built-in rule: give yours another, or none")


def _check_trials(
    drafts: Sequence[DraftRule], checked: Sequence[Checked], catalogue: Catalogue
) -> None:
    """Refuse what cannot be tried.

    Raises:
        ValueError: a percentage or key that is none, or a rule without a say in decisions.
    """
    for number, (draft, one) in enumerate(zip(drafts, checked, strict=True), 1):
        rollout, rule = draft.rollout, one.rule
        if rollout is not None:
            known = rollout.by in catalogue or rollout.by.startswith("::")
            wrong = "" if known else f"`by`: no attribute `{rollout.by}`"
            wrong = rollout.problem() or wrong
            if wrong:
                raise ValueError(f"rule {number}: {wrong}")
        tried = rollout is not None or draft.mode is Mode.SHADOW
        if tried and rule is not None and rule.action in NOT_DECIDING:
            raise ValueError(f"rule {number}: only rules that decide events can be tried")


def store_rule(rule: Rule, catalogue: Catalogue, rule_id: str, created_us: int) -> StoredRule:
    """Give a checked rule its identity and note what it reads."""
    fields = fields_of(rule.condition)
    return StoredRule(
        id=rule_id,
        rule=rule,
        created_us=created_us,
        post_authorization=any(
            "post_authorization" in spec.flags
            for name in fields
            if (spec := catalogue.get(name)) is not None
        ),
        fields=fields,
        lists=lists_of(rule.condition),
    )


def assemble(
    drafts: Sequence[DraftRule],
    catalogue: Catalogue,
    lists: Mapping[str, str],
    new_id: Callable[[], str],
    *,
    before: Iterable[StoredRule] = (),
    now_us: int = 0,
) -> list[StoredRule]:
    """Checked rules with identities.

    A rule that is unchanged, or that names the id of one in `before`, keeps that id and its age;
    another gets
    the id it names, or a new one, and the age `now_us`.

    Raises:
        RulesRefused: one or more rules have errors.
        ValueError: as `draft_rules`.
    """
    rules, _ = draft_rules(drafts, catalogue, lists, lint=False)
    known = {old.id: old for old in before if not old.builtin}
    by_text = {format_rule(old.rule): old for old in known.values()}
    taken = {draft.id for draft in drafts if draft.id}
    stored: list[StoredRule] = []
    for draft, rule in zip(drafts, rules, strict=True):
        twin = known.get(draft.id) if draft.id else by_text.get(format_rule(rule))
        if twin is not None and not draft.id and twin.id in taken:
            twin = None
        rule_id = twin.id if twin else draft.id or new_id()
        taken.add(rule_id)
        fresh = store_rule(rule, catalogue, rule_id, twin.created_us if twin else now_us)
        stored.append(_with_settings(fresh, draft))
    return stored


def _with_settings(rule: StoredRule, draft: DraftRule) -> StoredRule:
    """A stored rule with what its author said beside its text."""
    by = {draft.rollout.by} if draft.rollout else frozenset[str]()
    return replace(
        rule,
        on_failure=draft.on_failure,
        mode=draft.mode,
        rollout=draft.rollout,
        fields=rule.fields | by,
    )


def restore(
    rules: Iterable[tuple[DraftRule, int]], catalogue: Catalogue, lists: Mapping[str, str]
) -> list[StoredRule]:
    """Rules of a published version, as (rule, creation time)."""
    kept = list(rules)
    checked, _ = draft_rules([draft for draft, _ in kept], catalogue, lists, lint=False)
    return [
        _with_settings(store_rule(rule, catalogue, draft.id, created_us), draft)
        for (draft, created_us), rule in zip(kept, checked, strict=True)
    ]


def builtin_rules(catalogue: Catalogue, lists: Mapping[str, str]) -> list[StoredRule]:
    """The built-in rules, checked like any other."""
    stored: list[StoredRule] = []
    for rule_id, text in BUILTIN_RULES.items():
        rule = check_rule(text, catalogue, lists, lint=False).rule
        assert rule is not None, f"built-in rule {rule_id} does not parse"
        stored.append(replace(store_rule(rule, catalogue, rule_id, 0), builtin=True))
    return stored


def with_builtin(
    rules: Sequence[StoredRule], builtin: Sequence[StoredRule]
) -> tuple[StoredRule, ...]:
    """Built-in rules, those left out that are written among the others, and then those."""
    written = {format_rule(one.rule) for one in rules if one.mode is Mode.LIVE}
    return (*(one for one in builtin if format_rule(one.rule) not in written), *rules)


def build_ruleset(
    version: str,
    rules: Sequence[StoredRule],
    builtin: Sequence[StoredRule] = (),
    holdout: HoldoutPlan | None = None,
) -> RuleSet:
    """Compile a set. A written rule takes the place of a built-in one with the same text."""
    everything = with_builtin(rules, builtin)
    deciding = [one for one in everything if one.action not in NOT_DECIDING]
    shadowing = [one for one in deciding if one.mode is Mode.SHADOW]
    capped = HOLDOUT_FIELDS if holdout else frozenset[str]()
    return RuleSet(
        version=version,
        rules=everything,
        deciding=_group(one for one in deciding if one.mode is Mode.LIVE),
        resolving=_group(one for one in everything if one.action is Action.RESOLVE_DISPUTE),
        fields=capped.union(*(one.fields for one in everything)),
        lists=frozenset[str]().union(*(one.lists for one in everything)),
        shadowing=_group(shadowing) if shadowing else None,
        holdout=holdout,
    )


def with_beside(live: RuleSet, candidate: RuleSet | None) -> RuleSet:
    """The live set with a candidate beside it, or with none.

    What both sets have is judged once. Rules that the candidate itself has in shadow have no say.
    """
    if candidate is None:
        return live
    known = {_verdict_of(one): one.id for one in live.deciding.rules}
    shared: dict[str, StoredRule] = {}
    own: list[StoredRule] = []
    for rule in candidate.deciding.rules:
        twin = known.pop(_verdict_of(rule), None)
        if twin is None:
            own.append(rule)
        else:
            shared[twin] = rule
    return replace(
        live,
        fields=live.fields | candidate.fields,
        lists=live.lists | candidate.lists,
        beside=Beside(candidate, _group(own), shared),
    )


def _verdict_of(rule: StoredRule) -> tuple[object, ...]:
    """Equal for rules that match the same events: a roll-out's draw depends on the rule's id."""
    drawn = (rule.rollout, rule.id) if rule.rollout else None
    return format_rule(rule.rule), drawn


def judge_beside(
    beside: Beside,
    matched: Iterable[StoredRule],
    record: Record,
    lists: Mapping[str, Container[str]],
) -> list[StoredRule]:
    """Every rule of a set in shadow that matches, given those of the live set that do."""
    same = [beside.shared[one.id] for one in matched if one.id in beside.shared]
    own = _matching(beside.own, record, lists)
    return [*same, *(one for one in own if is_taken(one, record))]


def judge(
    ruleset: RuleSet, record: Record, lists: Mapping[str, Container[str]]
) -> list[StoredRule]:
    """Every rule of the deciding classes that the event takes and that matches.

    Who decides is settled later.
    """
    matched = _matching(ruleset.deciding, record, lists)
    return [rule for rule in matched if is_taken(rule, record)] if matched else matched


def judge_shadow(
    shadowing: CompiledGroup, record: Record, lists: Mapping[str, Container[str]]
) -> list[StoredRule]:
    """Every rule in shadow that the event takes and that matches."""
    return [one for one in _matching(shadowing, record, lists) if is_taken(one, record)]


def judge_dispute(
    ruleset: RuleSet, record: Record, lists: Mapping[str, Container[str]]
) -> list[StoredRule]:
    """The `Resolve dispute` rules that match a reported dispute."""
    return _matching(ruleset.resolving, record, lists)


def _matching(
    group: CompiledGroup, record: Record, lists: Mapping[str, Container[str]]
) -> list[StoredRule]:
    rules = group.rules
    return [rules[index] for index in group.compiled.matches(record, lists)]


def _group(rules: Iterable[StoredRule]) -> CompiledGroup:
    chosen = tuple(rules)
    return CompiledGroup(chosen, compile_rules([one.rule for one in chosen]))
