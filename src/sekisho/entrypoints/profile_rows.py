"""Rows of the log that bring profiles and parameters: what they say, and taking them in again."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from sekisho.collect import Profiles
from sekisho.events import Scalar
from sekisho.ledger import Recorded

PROFILES: Final = "profiles"
"""Type of such rows; a row is of when its profiles were known (`at_us`)."""
PROFILES_A_ROW: Final = 1_000
"""Profiles in one row: more take several, each whole."""


class ToldProfile(NamedTuple):
    """One version.

    Attributes:
        id: the entity, as events name it; empty for the default of a parameter.
        before: the row with the version before it; 0 for the first.
        attributes: all that is known; None when the profile is gone.
    """

    id: str
    before: int
    attributes: Mapping[str, Scalar] | None


class ToldProfiles(msgspec.Struct, frozen=True):
    """The body of a row."""

    table: str
    profiles: list[ToldProfile]


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(ToldProfiles)


def body_of(table: str, profiles: list[ToldProfile]) -> bytes:
    """The body of a row."""
    return _ENCODER.encode(ToldProfiles(table, profiles))


def told_in(row: Recorded) -> ToldProfiles:
    """What a row brings."""
    return _DECODER.decode(row.body)


def take_again(profiles: Profiles, row: Recorded) -> None:
    """Let a row of the log come into force once more."""
    told = told_in(row)
    for one in told.profiles:
        profiles.put(told.table, one.id, one.attributes, known_us=row.at_us, seq=row.seq)


class PastVersion(NamedTuple):
    """A version as history tells it; `attributes` is None when the profile was removed."""

    known_us: int
    attributes: Mapping[str, Scalar] | None


def versions_before(row: Recorded | None, entity_id: str) -> tuple[PastVersion | None, int]:
    """An entity's version in a row, and the row with the one before; 0 when there is none."""
    if row is None:
        return None, 0
    for one in told_in(row).profiles:
        if one.id == entity_id:
            return PastVersion(row.at_us, one.attributes), one.before
    return None, 0


def portions(changes: list[ToldProfile]) -> Iterator[list[ToldProfile]]:
    """Changes in portions that fit a row."""
    for start in range(0, len(changes), PROFILES_A_ROW):
        yield changes[start : start + PROFILES_A_ROW]
