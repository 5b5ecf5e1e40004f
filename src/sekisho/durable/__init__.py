"""A durable file with group commit: the log's disk, its lock, its outbox and its crash seams."""

from sekisho.durable.batch import Appender
from sekisho.durable.connection import StoreOptions, open_reader
from sekisho.durable.errors import (
    DirectoryTaken,
    SchemaTooNew,
    StoreClosed,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreUnavailable,
    as_store_error,
)
from sekisho.durable.files import TEMPORARY, sync_directory, write_atomic
from sekisho.durable.lock import DirectoryLock
from sekisho.durable.migrations import Migration
from sekisho.durable.outbox import OUTBOX_STEPS, OutboxRow, Retry, insert_outbox, outbox_of
from sekisho.durable.queries import load_queries
from sekisho.durable.queue import (
    UNFINISHED,
    AuditLine,
    Claimed,
    Claiming,
    Depths,
    Ending,
    Held,
    Job,
    Move,
    Pause,
    PauseOf,
    Queue,
    Since,
    State,
    Submitted,
    Wanted,
)
from sekisho.durable.rows import insert_rows
from sekisho.durable.seams import ACTION_SEAMS, SEAMS, Seam, seam
from sekisho.durable.store import Store

__all__ = [
    "ACTION_SEAMS",
    "OUTBOX_STEPS",
    "SEAMS",
    "TEMPORARY",
    "UNFINISHED",
    "Appender",
    "AuditLine",
    "Claimed",
    "Claiming",
    "Depths",
    "DirectoryLock",
    "DirectoryTaken",
    "Ending",
    "Held",
    "Job",
    "Migration",
    "Move",
    "OutboxRow",
    "Pause",
    "PauseOf",
    "Queue",
    "Retry",
    "SchemaTooNew",
    "Seam",
    "Since",
    "State",
    "Store",
    "StoreClosed",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreOptions",
    "StoreUnavailable",
    "Submitted",
    "Wanted",
    "as_store_error",
    "insert_outbox",
    "insert_rows",
    "load_queries",
    "open_reader",
    "outbox_of",
    "seam",
    "sync_directory",
    "write_atomic",
]
