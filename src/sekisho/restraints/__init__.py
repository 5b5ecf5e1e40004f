"""What is held back: features of accounts, and transfers, with reason and expiry."""

from sekisho.restraints.model import RELEASE, Of, Restraint
from sekisho.restraints.sqlite import (
    COMPONENT,
    MIGRATIONS,
    drop_lapsed,
    lift,
    restrain,
    restraints,
)

__all__ = [
    "COMPONENT",
    "MIGRATIONS",
    "RELEASE",
    "Of",
    "Restraint",
    "drop_lapsed",
    "lift",
    "restrain",
    "restraints",
]
