"""A set in shadow decides what it would decide alone, however much it shares with the live set."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sekisho.decisions import decide
from sekisho.events import Record, default_catalogue
from sekisho.rules import (
    DraftRule,
    Hit,
    Mode,
    Rollout,
    RuleSet,
    StoredRule,
    assemble,
    build_ruleset,
    builtin_rules,
    judge,
    judge_beside,
    with_beside,
)
from sekisho.rules.lists import DEFAULT_LISTS

CATALOGUE = default_catalogue()
LISTS = {alias: item_type for alias, (item_type, _) in DEFAULT_LISTS.items()}
BUILTIN = builtin_rules(CATALOGUE, LISTS)
POOL = (
    DraftRule("Block if :amount_in_usd: > 100"),
    DraftRule("Block  if  :amount_in_usd: > 100"),
    DraftRule("Review if :amount_in_usd: > 100"),
    DraftRule("Allow if :email: in @email_allowlist", "listed"),
    DraftRule("Request 3DS if :amount_in_usd: > 20"),
    DraftRule("Block if :amount_in_usd: > 20", "drawn", rollout=Rollout(50, "customer")),
    DraftRule("Block if :amount_in_usd: > 20", "other", rollout=Rollout(50, "customer")),
    DraftRule("Block if :amount_in_usd: > 20", "drawn", rollout=Rollout(80, "customer")),
    DraftRule("Block if :amount_in_usd: > 5", mode=Mode.SHADOW),
)


def compiled(prefix: str, drafts: list[DraftRule]) -> RuleSet:
    named = {one.id: one for one in drafts if one.id}
    once = [*(one for one in drafts if not one.id), *named.values()]
    ids = (f"{prefix}{n}" for n in range(99))
    stored = assemble(once, CATALOGUE, LISTS, ids.__next__, now_us=1)
    return build_ruleset(prefix, stored, BUILTIN)


SETS = st.lists(st.sampled_from(POOL), max_size=6)
EVENTS = st.fixed_dictionaries(
    {
        "event_type": st.just("payment"),
        "amount_in_usd": st.sampled_from([1, 10, 50, 200]),
        "customer": st.sampled_from(["a", "b", "c", "d"]),
        "email": st.sampled_from(["good@x.test", "bad@x.test"]),
        "transaction_type": st.sampled_from(["charge", "payment_intent", "setup_intent"]),
    }
)


def decided(matched: list[StoredRule]) -> object:
    decision = decide([Hit(one, one.action) for one in matched])
    credited = decision.credited.rule.id if decision.credited else None
    return decision.outcome, credited, sorted(one.id for one in matched)


@given(SETS, SETS, st.lists(EVENTS, min_size=1, max_size=8))
def test_beside_decides_as_it_would_alone(
    live: list[DraftRule], candidate: list[DraftRule], events: list[Record]
) -> None:
    alone = compiled("c", candidate)
    both = with_beside(compiled("l", live), alone)
    assert both.beside is not None
    lists = {**dict.fromkeys(LISTS, frozenset[str]()), "email_allowlist": {"good@x.test"}}
    for record in events:
        matched = judge(both, record, lists)
        assert matched == judge(replace(both, beside=None), record, lists)
        assert decided(judge_beside(both.beside, matched, record, lists)) == decided(
            judge(alone, record, lists)
        )


def test_what_both_sets_have_is_judged_once() -> None:
    live = compiled("l", [POOL[0], POOL[4]])
    both = with_beside(live, compiled("c", [POOL[0], POOL[2]]))
    assert both.beside is not None
    assert [one.rule.text for one in both.beside.own.rules] == [POOL[2].predicate]
    assert both.fields == live.fields
