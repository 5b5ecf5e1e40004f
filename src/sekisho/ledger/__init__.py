"""RECORD: an append-only, hash-chained log of events and decisions, and the keys to find them."""

from sekisho.durable import OutboxRow
from sekisho.ledger.checkpoints import Checkpoint, read_checkpoints, sign_checkpoints
from sekisho.ledger.entry import Entry, IdempotencyKey, Kind, Recorded
from sekisho.ledger.errors import LedgerConflict, LedgerError, LedgerPoisoned, NotDrained
from sekisho.ledger.idempotency import Claim, InFlight, Replay, claim
from sekisho.ledger.ledger import Defer, Ledger, LedgerOptions
from sekisho.ledger.reading import LogReader
from sekisho.ledger.recorder import OnBatch
from sekisho.ledger.snapshots import Snapshot, Snapshots
from sekisho.ledger.verify import VerifyReport, verify

__all__ = [
    "Checkpoint",
    "Claim",
    "Defer",
    "Entry",
    "IdempotencyKey",
    "InFlight",
    "Kind",
    "Ledger",
    "LedgerConflict",
    "LedgerError",
    "LedgerOptions",
    "LedgerPoisoned",
    "LogReader",
    "NotDrained",
    "OnBatch",
    "OutboxRow",
    "Recorded",
    "Replay",
    "Snapshot",
    "Snapshots",
    "VerifyReport",
    "claim",
    "read_checkpoints",
    "sign_checkpoints",
    "verify",
]
