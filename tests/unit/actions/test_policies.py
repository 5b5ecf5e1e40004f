"""Which decisions ask for which actions, and how often."""

from typing import Any

import pytest

from sekisho.actions import (
    ActionPolicy,
    AtMost,
    Conditions,
    Decided,
    Frequency,
    Kinds,
    Policies,
    PoliciesRefused,
    PolicyAction,
    Services,
)
from sekisho.actions.again import AgainAfter
from sekisho.actions.chain import ChainRun
from sekisho.decisions import Outcome
from sekisho.durable import OutboxRow, Since
from sekisho.events import default_catalogue
from sekisho.rules import ListBook

ACTION = PolicyAction(
    "again.after",
    {"delay_s": 0, "kind": "k", "params": {"who": ":email:", "text": "pay :amount: of :event:"}},
)
DECIDED = Decided("dec_1", "p1", "payment", Outcome.BLOCK, "r1", ("r1", "r2"), "rs_1", 1000)
RECORD: dict[str, Any] = {"amount": 50, "email": "a@example.com", "card_country": "US"}


def policies(*given: ActionPolicy, frequency: Frequency | None = None) -> Policies:
    services = Services()
    conditions = Conditions(default_catalogue, ListBook())
    services.offer(Conditions, conditions)
    kinds = Kinds([AgainAfter(services), ChainRun(services)])
    return Policies(given, kinds, conditions, frequency or Frequency())


def asked(made: Policies, decided: Decided = DECIDED) -> tuple[OutboxRow, ...]:
    return made.rows(decided, RECORD, lambda: "")[0]


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 1),
        ({"outcomes": (Outcome.REVIEW, Outcome.BLOCK)}, 1),
        ({"outcomes": (Outcome.REVIEW,)}, 0),
        ({"rules": ("r2",)}, 1),
        ({"rules": ("r9",)}, 0),
        ({"rulesets": ("rs_2",)}, 0),
        ({"when": ":amount: > 10 and :card_country: = 'US'"}, 1),
        ({"when": ":amount: > 100"}, 0),
        ({"when": ":card_bin: = '424242'"}, 0),  # unknown is not true
        ({"enabled": False}, 0),
    ],
)
def test_a_policy_asks_where_all_it_says_holds(more: dict[str, Any], count: int) -> None:
    assert len(asked(policies(ActionPolicy("p", (ACTION,), **more)))) == count


def test_holes_are_filled_from_the_decision() -> None:
    (row,) = asked(policies(ActionPolicy("p", (ACTION,), when=":amount: > 1", subject="email")))
    assert row.payload == (
        b'{"delay_s":0,"kind":"k","params":{"who":"a@example.com","text":"pay 50 of p1"}}'
    )
    assert (row.subject, row.ordering_key, row.origin) == ("a@example.com", "p1", "policy:p")
    assert row.id == "act_1.0.0"
    assert b'"attributes":{' in row.context
    assert b'"card_country"' not in row.context  # what nothing reads is not kept


def test_at_most_so_often_for_one_subject_and_a_refused_decision_gives_back() -> None:
    at_most = AtMost(times=2, per_s=60)
    frequency = Frequency()
    frequency.restore([Since("policy:p", "p1", 500), Since("policy:p", "p1", 500)])
    made = policies(ActionPolicy("p", (ACTION,), at_most=at_most), frequency=frequency)
    rows, give_back = made.rows(DECIDED, RECORD, lambda: "")
    assert len(rows) == 1
    assert asked(made) == ()
    give_back()
    assert len(asked(made)) == 1
    assert asked(made) == ()
    later = Decided("dec_2", "p1", "payment", Outcome.BLOCK, "", (), "rs_1", 61_000_600)
    assert len(asked(made, later)) == 1


def test_traces_are_begun_only_for_decisions_that_ask() -> None:
    begun: list[str] = []

    def trace() -> str:
        begun.append("x")
        return "00-1-2-01"

    made = policies(ActionPolicy("p", (ACTION,), rules=("r1",)))
    (row,) = made.rows(DECIDED, RECORD, trace)[0]
    assert row.traceparent == "00-1-2-01"
    other = Decided("dec_2", "p2", "payment", Outcome.ALLOW, "", (), "rs_1", 1)
    assert made.rows(other, RECORD, trace)[0] == ()
    assert begun == ["x"]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (ActionPolicy("p", ()), "asks for 1 to"),
        (ActionPolicy("", (ACTION,)), "a name has"),
        (ActionPolicy("p", (PolicyAction("no.such"),)), "no action kind `no.such`"),
        (ActionPolicy("p", (PolicyAction("again.after", {}),)), "missing required field"),
        (
            ActionPolicy("p", (PolicyAction("again.after", {"kind": ":email:"}),)),
            "needs the parameter `delay_s`",
        ),
        (
            ActionPolicy("p", (PolicyAction("again.after", {"x": ":email:"}),)),
            "no parameter `x`",
        ),
        (ActionPolicy("p", (ACTION,), when=":amout: > 1"), "amout"),
        (
            ActionPolicy(
                "p",
                (
                    PolicyAction(
                        "chain.run",
                        {"steps": [{"kind": "k", "params": {"a": ":email:"}, "when": "1 +"}]},
                    ),
                ),
            ),
            "column",
        ),
    ],
)
def test_a_wrong_policy_is_refused_with_its_name_and_the_reason(
    policy: ActionPolicy, reason: str
) -> None:
    with pytest.raises(PoliciesRefused, match=f"policy `{policy.name}`.*{reason}"):
        policies(policy)


def test_two_policies_of_one_name_are_refused() -> None:
    with pytest.raises(PoliciesRefused, match="two policies are called `p`"):
        policies(ActionPolicy("p", (ACTION,)), ActionPolicy("p", (ACTION,)))
