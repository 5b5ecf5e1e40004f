"""What the ledger refuses, and what its owner does about it."""

from typing import ClassVar

from sekisho.durable import StoreError


class LedgerError(StoreError):
    """Base of the ledger's own refusals."""


class LedgerConflict(LedgerError):
    """An event or idempotency key is already recorded: answer with the recorded decision."""


class LedgerPoisoned(LedgerError):
    """Decided on state that was never recorded: take back its effects, then send it again."""

    retryable: ClassVar[bool] = True


class NotDrained(LedgerError):
    """Entries are still on their way to be refused: wait for `on_batch`, then resume."""

    retryable: ClassVar[bool] = True
