"""Policies: which decisions ask for which actions, for whom, and at most how often."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from sekisho.actions.conditions import ConditionRefused, Conditions, looks_into, reads
from sekisho.actions.frequency import AtMost, Frequency
from sekisho.actions.kinds import Kinds, KindUnknown, ParamsRefused, Todo
from sekisho.actions.rows import POLICY, Asked, row_of
from sekisho.actions.templates import conditions, fill, holes
from sekisho.decisions import Outcome
from sekisho.durable import OutboxRow
from sekisho.events import Record
from sekisho.language import compile_condition

POLICIES_MAX: Final = 200
ACTIONS_MAX: Final = 20
NAME_MAX: Final = 100
DELAY_S_MAX: Final = 366 * 86_400
FACTS: Final = frozenset({"decision", "event", "event_type", "outcome", "rule"})
"""What templates may name besides attributes."""

Undo = Callable[[], None]
_ENCODER: Final = msgspec.json.Encoder()
_log = structlog.get_logger("sekisho.actions")


class PolicyAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One action that a policy asks for.

    Attributes:
        kind: name of its kind.
        params: what it reads; `:attribute:` in a text stands for a value of the decision.
        delay_s: not before so many seconds after the decision.
        ordering_key: a template; actions of one key run one after another. Default: the event.
        deadline_s: seconds after which it is no longer worth starting; 0 = never too late.
        dry_run: only say what would be done.
    """

    kind: str
    params: dict[str, Any] = {}
    delay_s: float = 0
    ordering_key: str = ":event:"
    deadline_s: float = 0
    dry_run: bool = False


class ActionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which decisions ask for which actions.

    Attributes:
        name: for people, and in the origin of the actions.
        actions: in the order in which they are recorded.
        outcomes: decisions with one of these; empty = with any.
        rules: decisions that one of these rules matched; empty = whatever matched.
        rulesets: while one of these versions is in force; empty = always.
        when: condition in the rule language over the decision's attributes; empty = always.
        subject: attribute that says about whom it is; empty = the event.
        at_most: how often for one subject; None = every time.
        enabled: False keeps it without effect.
    """

    name: str
    actions: tuple[PolicyAction, ...]
    outcomes: tuple[Outcome, ...] = ()
    rules: tuple[str, ...] = ()
    rulesets: tuple[str, ...] = ()
    when: str = ""
    subject: str = ""
    at_most: AtMost | None = None
    enabled: bool = True


class Decided(msgspec.Struct, frozen=True, gc=False):
    """What a policy looks at."""

    decision_id: str
    event_id: str
    event_type: str
    outcome: Outcome
    rule: str
    """The rule credited; empty when there is none."""
    hits: tuple[str, ...]
    ruleset: str
    now_us: int


class PoliciesRefused(ValueError):
    """A set of policies cannot be put in force; the message says which policy, and why."""


class _Compiled(msgspec.Struct, frozen=True):
    policy: ActionPolicy
    holds: Callable[..., bool] | None
    outcomes: frozenset[Outcome]
    rules: frozenset[str]


class Policies:
    """The policies in force, compiled; replaced as a whole.

    Args:
        policies: to be put in force.
        kinds: what they may ask for.
        reader: reads their conditions.
        frequency: how often they have asked already; outlives a replacement.
        is_kept: they were in force before this process. What they name may be gone by now: that
            stops no start. Their actions end as dead, where somebody sees it; a policy whose
            condition cannot be read any more rests.

    Raises:
        PoliciesRefused: one of them is wrong.
    """

    def __init__(
        self,
        policies: Sequence[ActionPolicy],
        kinds: Kinds,
        reader: Conditions,
        frequency: Frequency,
        *,
        is_kept: bool = False,
    ) -> None:
        self.told = tuple(policies)
        self._kinds = kinds
        self._conditions = reader
        self._frequency = frequency
        if len(policies) > POLICIES_MAX:
            raise PoliciesRefused(f"there are at most {POLICIES_MAX} policies")
        names = [one.name for one in policies]
        for name in names:
            if names.count(name) > 1:
                raise PoliciesRefused(f"two policies are called `{name}`: rename one")
        compile_one = self._compile_kept if is_kept else self._compile
        self._compiled = [
            compiled for one in policies if one.enabled and (compiled := compile_one(one))
        ]
        self.fields, self.lists = self._uses()
        """Attributes and lists that the policies in force read."""

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def rows(
        self,
        decided: Decided,
        record: Record,
        traceparent: Callable[[], str],
    ) -> tuple[tuple[OutboxRow, ...], Undo]:
        """The actions that a decision asks for, and what gives back their counts if it is refused.

        Args:
            decided: the decision.
            record: its attributes.
            traceparent: starts the decision's trace; asked only when there are actions.
        """
        rows: list[OutboxRow] = []
        counted: list[tuple[str, str]] = []
        for place, one in enumerate(self._compiled):
            if not self._matches(one, decided, record):
                continue
            subject = self._subject(one.policy, decided, record)
            name = one.policy.name
            if self._frequency.take(name, subject, one.policy.at_most, decided.now_us):
                counted.append((name, subject))
                asked = self._asked(one.policy, subject, decided, record)
                rows += self._rows(place, asked, decided, record)
        if rows and (trace := traceparent()):
            rows = [msgspec.structs.replace(row, traceparent=trace) for row in rows]

        def give_back() -> None:
            for name, subject in counted:
                self._frequency.give_back(name, subject)

        return tuple(rows), give_back

    def _matches(self, one: _Compiled, decided: Decided, record: Record) -> bool:
        if one.outcomes and decided.outcome not in one.outcomes:
            return False
        if one.rules and one.rules.isdisjoint(decided.hits):
            return False
        if one.policy.rulesets and decided.ruleset not in one.policy.rulesets:
            return False
        return one.holds is None or one.holds(record, self._conditions.lists)

    def _asked(self, policy: ActionPolicy, subject: str, decided: Decided, record: Record) -> Asked:
        context = {
            "decision": decided.decision_id,
            "event": decided.event_id,
            "type": decided.event_type,
            "outcome": decided.outcome.value,
            "rule": decided.rule or None,
            "attributes": {name: record[name] for name in self.fields if name in record},
        }
        origin = POLICY + policy.name
        return Asked(origin, decided.now_us, subject, _ENCODER.encode(context))

    def _rows(self, place: int, asked: Asked, decided: Decided, record: Record) -> list[OutboxRow]:
        values = {**record, **facts_of(decided)}
        stem = f"act_{decided.decision_id.removeprefix('dec_')}.{place}"
        return [
            row_of(self._kinds, f"{stem}.{number}", _todo(action, values), asked)
            for number, action in enumerate(self._compiled[place].policy.actions)
        ]

    def _subject(self, policy: ActionPolicy, decided: Decided, record: Record) -> str:
        if not policy.subject:
            return decided.event_id
        return str(record.get(policy.subject, ""))

    def _uses(self) -> tuple[frozenset[str], frozenset[str]]:
        fields: set[str] = set()
        lists: set[str] = set()
        for one in self._compiled:
            fields |= {one.policy.subject} - {""}
            for action in one.policy.actions:
                fields |= holes([action.params, action.ordering_key]) - FACTS
                lists |= self._kinds.lists_named(action.kind, _settled(action))
            for text in _conditions_in(one.policy):
                condition = self._conditions.read(text)
                fields |= reads(condition)
                lists |= looks_into(condition)
        return frozenset(fields), frozenset(lists)

    def _compile(self, policy: ActionPolicy) -> _Compiled:
        try:
            self._check(policy)
            return self._read(policy)
        except (ConditionRefused, KindUnknown, ParamsRefused, PoliciesRefused) as error:
            raise PoliciesRefused(f"policy `{policy.name}`: {error.args[0]}") from error

    def _compile_kept(self, policy: ActionPolicy) -> _Compiled | None:
        try:
            for text in _conditions_in(policy):
                self._conditions.read(text)
            return self._read(policy)
        except ConditionRefused as error:
            _log.error("actions.policy_rests", policy=policy.name, error=str(error))
            return None

    def _read(self, policy: ActionPolicy) -> _Compiled:
        condition = self._conditions.read(policy.when) if policy.when else None
        return _Compiled(
            policy,
            None if condition is None else compile_condition(condition),
            frozenset(policy.outcomes),
            frozenset(policy.rules),
        )

    def _check(self, policy: ActionPolicy) -> None:
        if not 0 < len(policy.name) <= NAME_MAX:
            raise PoliciesRefused(f"a name has 1 to {NAME_MAX} characters")
        if not 0 < len(policy.actions) <= ACTIONS_MAX:
            raise PoliciesRefused(f"a policy asks for 1 to {ACTIONS_MAX} actions")
        for action in policy.actions:
            if not 0 <= action.delay_s <= DELAY_S_MAX or action.deadline_s < 0:
                raise PoliciesRefused(f"a delay is 0 to {DELAY_S_MAX} seconds")
            kind = self._kinds.find(action.kind)
            for text in conditions(action.params):
                self._conditions.read(text)
            if holes(action.params):  # only a decision can fill them
                _check_names(action, kind.params)
                self._kinds.check_named(action.kind, _settled(action))
            else:
                self._kinds.check(action.kind, _ENCODER.encode(action.params))


def _settled(action: PolicyAction) -> dict[str, Any]:
    """The parameters that no decision has to fill."""
    return {name: value for name, value in action.params.items() if not holes([value])}


def facts_of(decided: Decided) -> dict[str, Any]:
    """What templates may name of a decision besides attributes."""
    return {
        "decision": decided.decision_id,
        "event": decided.event_id,
        "event_type": decided.event_type,
        "outcome": decided.outcome.value,
        "rule": decided.rule,
    }


def _todo(action: PolicyAction, values: Record) -> Todo:
    return Todo(
        kind=action.kind,
        params=fill(action.params, values),
        delay_s=action.delay_s,
        ordering_key=str(fill(action.ordering_key, values) or ""),
        deadline_s=action.deadline_s,
        dry_run=action.dry_run,
    )


def _check_names(action: PolicyAction, params: type[msgspec.Struct]) -> None:
    """Refuse parameters that the kind does not have, and miss those that it needs."""
    fields = {one.encode_name: one for one in msgspec.structs.fields(params)}
    unknown = sorted(action.params.keys() - fields.keys())
    if unknown:
        known = ", ".join(sorted(fields))
        raise PoliciesRefused(f"`{action.kind}` has no parameter `{unknown[0]}`; it has {known}")
    needed = {name for name, one in fields.items() if one.required}
    missing = sorted(needed - action.params.keys())
    if missing:
        raise PoliciesRefused(f"`{action.kind}` needs the parameter `{missing[0]}`")


def _conditions_in(policy: ActionPolicy) -> list[str]:
    """Every condition of a policy, those of chains too."""
    found = [policy.when] if policy.when else []
    return found + [text for action in policy.actions for text in conditions(action.params)]
