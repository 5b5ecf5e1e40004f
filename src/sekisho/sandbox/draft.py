"""An event before it is written out: one row of numbers that point into the world's tables."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Drafts = NDArray[np.void]
"""Rows of `DRAFT`."""

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


class Stream(IntEnum):
    """The decided event types that the world produces, in the order of a customer's life."""

    SIGNUP = 0
    LOGIN = 1
    SENSITIVE_CHANGE = 2
    OTP_REQUEST = 3
    PAYMENT = 4
    INBOUND_TRANSFER = 5
    OUTBOUND_TRANSFER = 6


class Kind(IntEnum):
    """What an event truly is; 0 is honest."""

    HONEST = 0
    CARD_TESTING = 1
    CASH_OUT = 2
    STOLEN_CARD = 3
    WALLET_FRAUD = 4
    CREDENTIAL_STUFFING = 5
    ACCOUNT_TAKEOVER = 6
    FAKE_SIGNUP = 7
    PROMO_ABUSE = 8
    FIRST_PARTY = 9
    SMS_PUMPING = 10
    APP_SCAM = 11
    MULE = 12
    MALLORY = 13


class Hard(IntEnum):
    """Why an honest event may look like fraud; 0 when it does not."""

    NONE = 0
    TRAVEL = 1
    NEW_DEVICE = 2
    SHARED_DEVICE = 3
    OFFICE_NETWORK = 4
    VPN_USER = 5
    GIFT_SEASON = 6
    BULK_GIFTS = 7
    FLASH_SALE = 8
    RETRY = 9
    OTP_STORM = 10
    NEWCOMER = 11


DRAFT = np.dtype(
    [
        ("at_us", np.int64),
        ("amount_usd", np.float64),
        ("person", np.int32),
        (
            "instrument",
            np.int32,
        ),  # card, telephone or bank account, by stream
        ("ip", np.int32),
        ("device", np.int32),
        ("place", np.int32),  # merchant of a payment
        ("address", np.int32),  # where a payment's goods go
        ("campaign", np.int32),  # 0 outside campaigns
        ("stream", np.uint8),
        ("detail", np.uint8),  # wallet, result, change or channel, by stream
        ("decline", np.uint8),  # issuer's reason, 0 = approved
        ("promo", np.uint8),
        ("kind", np.uint8),
        ("hard", np.uint8),
        ("padding", np.uint8, 6),  # a record is a whole number of words, see `taken`
    ]
)


def drafts(stream: Stream, at_us: Ints, **fields: Any) -> Drafts:
    """Rows of one stream at these moments; a field not given is 0."""
    rows = np.zeros(len(at_us), DRAFT)
    rows["at_us"] = at_us
    rows["stream"] = stream
    for name, value in fields.items():
        rows[name] = value
    return rows


def joined(parts: Sequence[Drafts]) -> Drafts:
    """The parts one after the other."""
    return _rows(np.concatenate([_words(np.zeros(0, DRAFT)), *(_words(part) for part in parts)]))


def taken(rows: Drafts, chosen: Ints | Flags) -> Drafts:
    """Some of the rows, by number or by a flag for each."""
    index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    return _rows(_words(rows).take(index, axis=0))


def in_order(rows: Drafts) -> Drafts:
    """The rows in time order; those of the same instant keep their order."""
    return taken(rows, np.argsort(rows["at_us"], kind="stable"))


def _words(rows: Drafts) -> Ints:
    """The same memory as whole words: numpy copies records field by field, words at once."""
    return np.ascontiguousarray(rows).view(np.int64).reshape(-1, DRAFT.itemsize // 8)


def _rows(words: Ints) -> Drafts:
    return np.ascontiguousarray(words).view(DRAFT).reshape(-1)


def chance(rng: np.random.Generator, rows: int, part: float | Floats) -> Flags:
    """A draw for each row, true for this part of them."""
    return rng.random(rows, np.float32) < part


def generator(seed: int, *key: int) -> np.random.Generator:
    """Independent randomness for one part of the world, the same whatever else is generated.

    >>> int(generator(1, 2).integers(1000)) == int(generator(1, 2).integers(1000))
    True
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
