"""The online way: receive → collect → count → score → judge → decide → record."""

from sekisho.flow.answer import encode_decision
from sekisho.flow.assess import Assessment, Live, assess
from sekisho.flow.checkpoint import STAGES, Asking, Checkpoint, Done, Parts, Reply, Watch
from sekisho.flow.fold import Folder, count_decision, count_outcome
from sekisho.flow.holdout import KIND as HOLDOUT_ROWS
from sekisho.flow.holdout import Holdout
from sekisho.flow.past import Past
from sekisho.flow.refusals import (
    EventIdInUse,
    KeyInUse,
    KeyMismatch,
    NotRecorded,
    Overloaded,
    Refusal,
    SubjectUnknown,
    WrongDoor,
)
from sekisho.flow.replay import Replayed, replay
from sekisho.flow.subject import ISSUER_CHECKS, Subject, as_evaluated, inherit, learn

__all__ = [
    "HOLDOUT_ROWS",
    "ISSUER_CHECKS",
    "STAGES",
    "Asking",
    "Assessment",
    "Checkpoint",
    "Done",
    "EventIdInUse",
    "Folder",
    "Holdout",
    "KeyInUse",
    "KeyMismatch",
    "Live",
    "NotRecorded",
    "Overloaded",
    "Parts",
    "Past",
    "Refusal",
    "Replayed",
    "Reply",
    "Subject",
    "SubjectUnknown",
    "Watch",
    "WrongDoor",
    "as_evaluated",
    "assess",
    "count_decision",
    "count_outcome",
    "encode_decision",
    "inherit",
    "learn",
    "replay",
]
