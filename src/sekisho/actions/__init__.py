"""ACT: the Async Action Executor: any producer, any action, once in effect."""

from sekisho.actions.attempt import Attempts
from sekisho.actions.cloud_events import Request, read_request
from sekisho.actions.conditions import ConditionRefused, Conditions
from sekisho.actions.desk import ActionDesk, ActionRefused, Shown
from sekisho.actions.executor import Executor, ExecutorOptions, Watch
from sekisho.actions.frequency import AtMost, Frequency
from sekisho.actions.intake import take_in
from sekisho.actions.kinds import (
    GROUP,
    ActionContext,
    ActionError,
    ActionKind,
    GiveUp,
    Kinds,
    KindUnknown,
    ParamsRefused,
    Result,
    Services,
    Todo,
    TryAgain,
    Unknown,
    Verdict,
    installed_kinds,
)
from sekisho.actions.policies import (
    ActionPolicy,
    Decided,
    Policies,
    PoliciesRefused,
    PolicyAction,
)
from sekisho.actions.publish import Bus
from sekisho.actions.remote import Handing, RemoteAttempts, Worker
from sekisho.actions.rows import POLICY, Asked, cause_of, derived_id, row_of
from sekisho.actions.traffic import Limits, Traffic

__all__ = [
    "GROUP",
    "POLICY",
    "ActionContext",
    "ActionDesk",
    "ActionError",
    "ActionKind",
    "ActionPolicy",
    "ActionRefused",
    "Asked",
    "AtMost",
    "Attempts",
    "Bus",
    "ConditionRefused",
    "Conditions",
    "Decided",
    "Executor",
    "ExecutorOptions",
    "Frequency",
    "GiveUp",
    "Handing",
    "KindUnknown",
    "Kinds",
    "Limits",
    "ParamsRefused",
    "Policies",
    "PoliciesRefused",
    "PolicyAction",
    "RemoteAttempts",
    "Request",
    "Result",
    "Services",
    "Shown",
    "Todo",
    "Traffic",
    "TryAgain",
    "Unknown",
    "Verdict",
    "Watch",
    "Worker",
    "cause_of",
    "derived_id",
    "installed_kinds",
    "read_request",
    "row_of",
    "take_in",
]
