"""The default rules against the world, through the real door, counters and compiled rules."""

import json
import re
from collections import Counter

import pytest

from sekisho.events import ReceiveContext, default_catalogue, receive
from sekisho.language import AttributeSpec, Type, check_rule, compile_rules
from sekisho.sandbox import World, default_counters, default_lists, default_rules, events_in_order
from sekisho.velocity import Counters, family_spec, parse_counter

SOFT = "Request 3D Secure"
SEED = 77


@pytest.fixture(scope="module")
def stopped() -> tuple[Counter[str], Counter[str]]:
    """Events of each kind, and those of them that a rule stops, holds or shows to a person."""
    return defended(World(2_000, 16, seed=5, scenario="mallory"))


def defended(world: World) -> tuple[Counter[str], Counter[str]]:
    catalogue = default_catalogue()
    declared = [parse_counter(name, it, catalogue) for name, it in default_counters().items()]
    known = catalogue.extended(AttributeSpec(s.name, Type.NUMERIC, s.name) for s in declared)
    named = sorted(set(re.findall(r":(\w+):", " ".join(default_rules()))))
    families = [spec for spec in map(family_spec, named) if spec is not None]
    counters = Counters([*families, *declared], known, SEED)
    kinds = {alias: kind for alias, (kind, _) in default_lists().items()}
    lists = {alias: frozenset(items) for alias, (_, items) in default_lists().items()}
    rules = [check_rule(text, known, kinds).rule for text in default_rules()]
    compiled = compile_rules([rule for rule in rules if rule is not None])
    hard = [number for number, rule in enumerate(rules) if rule and rule.action.value != SOFT]
    truth = dict(world.truth().select("event", "kind").rows())
    context, pending = ReceiveContext(), dict[str, tuple[int, dict]]()
    happened: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    for payload in events_in_order(world):
        event = receive(json.dumps(payload).encode(), 0, context)
        if event.type == "authorization":
            at_us, before = pending.pop(event.about)
            outcome = "authorized" if payload["approved"] else "declined"
            counters.revise("payment", at_us, before, {**before, "outcome": outcome})
        if event.is_outcome:
            continue
        record = {"event_type": event.type, **event.record}
        values = counters.read(event.type, event.at_us, record)
        matches = set(compiled.matches({**record, **values}, lists))
        counters.apply(event.type, event.at_us, record)
        if event.type == "payment":
            pending[event.id] = event.at_us, record
        happened[truth[event.id]] += 1
        stopped[truth[event.id]] += bool(matches & set(hard))
    return happened, stopped


def test_the_mallory_flood_is_stopped_or_reviewed(
    stopped: tuple[Counter[str], Counter[str]],
) -> None:
    happened, caught = stopped
    assert happened["mallory"] > 300
    assert caught["mallory"] / happened["mallory"] > 0.9


def test_a_good_part_of_all_other_fraud_is_caught(
    stopped: tuple[Counter[str], Counter[str]],
) -> None:
    happened, caught = stopped
    others = set(happened) - {"honest", "mallory"}
    assert sum(caught[kind] for kind in others) / sum(happened[kind] for kind in others) > 0.4


def test_honest_events_pass(stopped: tuple[Counter[str], Counter[str]]) -> None:
    happened, caught = stopped
    assert happened["honest"] > 5_000
    assert caught["honest"] / happened["honest"] < 0.015
