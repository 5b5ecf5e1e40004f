"""Honest life besides shopping: sign-ups, logins, changed details, one-time codes, transfers."""

import numpy as np

from sekisho.sandbox.draft import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    Drafts,
    Hard,
    Ints,
    Stream,
    chance,
    drafts,
    joined,
    taken,
)
from sekisho.sandbox.entities import Entities
from sekisho.sandbox.places import CHANGES, LOGIN_RESULTS
from sekisho.sandbox.population import Population, whereabouts
from sekisho.sandbox.seasons import Calendar, Shard

LOGINS_PER_DAY = 0.25
CHANGES_PER_DAY = 0.006
SENT_PER_DAY = 0.04
RECEIVED_PER_DAY = 0.03
CODES_FOR_LOGINS = 0.12
WRONG_PASSWORD = 0.08
NEW_PAYEE = 0.04
OUTAGES_PER_DAY = 0.06


def live(
    people: Population,
    entities: Entities,
    calendar: Calendar,
    shard: Shard,
    rng: np.random.Generator,
) -> Drafts:
    """All honest events of a shard that are not payments, in no order."""
    signups = _signups(people, shard, rng)
    logins = _logins(people, calendar, shard, rng)
    changes = _changes(people, calendar, shard, rng)
    phones = entities.people.column("phone")
    codes = _codes(signups, logins, phones, shard, rng)
    storm = _otp_storm(codes, shard, rng)
    sent = _transfers(people, calendar, shard, rng, Stream.OUTBOUND_TRANSFER)
    received = _transfers(people, calendar, shard, rng, Stream.INBOUND_TRANSFER)
    return joined([signups, logins, changes, codes, storm, sent, received])


def _signups(people: Population, shard: Shard, rng: np.random.Generator) -> Drafts:
    who = np.flatnonzero((people.joined_us >= shard.from_us) & (people.joined_us < shard.to_us))
    at = people.joined_us[who]
    where = whereabouts(people, who, at, rng)
    return drafts(Stream.SIGNUP, at, person=who, ip=where.ip, device=where.device, hard=where.hard)


def _some_of(
    people: Population, calendar: Calendar, shard: Shard, rng: np.random.Generator, per_day: float
) -> tuple[Ints, Ints]:
    """Who does something and when, at so many times a day and member."""
    members = np.flatnonzero(people.is_guest == 0)
    who = members[rng.integers(0, len(members), rng.poisson(per_day * len(members) * shard.days))]
    at = calendar.moments(shard, rng, people.offset_h[who])
    alive = at > people.joined_us[who]
    return who[alive], at[alive]


def _logins(
    people: Population, calendar: Calendar, shard: Shard, rng: np.random.Generator
) -> Drafts:
    who, at = _some_of(people, calendar, shard, rng, LOGINS_PER_DAY)
    where = whereabouts(people, who, at, rng)
    wrong = chance(rng, len(who), WRONG_PASSWORD)
    rows = drafts(
        Stream.LOGIN,
        at,
        person=who,
        ip=where.ip,
        device=where.device,
        detail=np.where(wrong, LOGIN_RESULTS.index("wrong_password"), 0),
        hard=where.hard,
    )
    again = taken(rows, wrong)
    again["at_us"] += rng.integers(5 * SECOND_US, MINUTE_US, len(again))
    again["detail"] = np.where(
        chance(rng, len(again), 0.8), 0, again["detail"]
    )  # most get it right
    again["hard"] = Hard.RETRY
    return joined([rows, taken(again, again["at_us"] < shard.to_us)])


def _changes(
    people: Population, calendar: Calendar, shard: Shard, rng: np.random.Generator
) -> Drafts:
    who, at = _some_of(people, calendar, shard, rng, CHANGES_PER_DAY)
    where = whereabouts(people, who, at, rng)
    kind = rng.integers(0, len(CHANGES), len(who))
    return drafts(
        Stream.SENSITIVE_CHANGE,
        at,
        person=who,
        ip=where.ip,
        device=where.device,
        detail=kind,
        hard=where.hard,
    )


def _codes(
    signups: Drafts, logins: Drafts, phones: Ints, shard: Shard, rng: np.random.Generator
) -> Drafts:
    """One-time codes: nearly every sign-up, logins from new devices, and some others."""
    fresh = np.isin(logins["hard"], (Hard.NEW_DEVICE, Hard.TRAVEL))
    chosen = chance(rng, len(logins), np.where(fresh, 0.6, CODES_FOR_LOGINS))
    with_phone = chance(rng, len(signups), 0.95)  # the rest confirm by e-mail
    rows = joined([taken(signups, with_phone), taken(logins, chosen)])
    rows["stream"] = Stream.OTP_REQUEST
    rows["at_us"] += rng.integers(2 * SECOND_US, 20 * SECOND_US, len(rows))
    rows["instrument"] = phones[rows["person"]]
    rows["detail"] = rng.choice(3, len(rows), p=(0.7, 0.2, 0.1))
    resent = taken(rows, chance(rng, len(rows), 0.08))  # the message was slow to come
    resent["at_us"] += rng.integers(30 * SECOND_US, 2 * MINUTE_US, len(resent))
    resent["hard"] = Hard.RETRY
    codes = joined([rows, resent])
    return taken(codes, codes["at_us"] < shard.to_us)


def _otp_storm(codes: Drafts, shard: Shard, rng: np.random.Generator) -> Drafts:
    """A carrier fails for an hour; everybody who asked then asks again and again."""
    parts: list[Drafts] = []
    for _ in range(int(rng.poisson(OUTAGES_PER_DAY * shard.days))):
        begin = shard.from_us + int(rng.integers(0, shard.days * DAY_US))
        hit = codes[(codes["at_us"] >= begin) & (codes["at_us"] < begin + HOUR_US)]
        rows = np.repeat(hit, rng.integers(2, 6, len(hit)))
        rows["at_us"] += rng.integers(20 * SECOND_US, 15 * MINUTE_US, len(rows))
        rows["hard"] = Hard.OTP_STORM
        parts.append(rows[rows["at_us"] < shard.to_us])
    return joined(parts)


def _transfers(
    people: Population,
    calendar: Calendar,
    shard: Shard,
    rng: np.random.Generator,
    stream: Stream,
) -> Drafts:
    """Money to known payees and, now and then, to somebody new."""
    sent = stream is Stream.OUTBOUND_TRANSFER
    per_day = SENT_PER_DAY if sent else RECEIVED_PER_DAY
    who, at = _some_of(people, calendar, shard, rng, per_day)
    where = whereabouts(people, who, at, rng)
    rows = len(who)
    payee = np.where(
        chance(rng, rows, 0.3), people.second_payee[who], people.payee[who]
    )  # the rent is paid more often
    stranger = people.payee[rng.integers(0, len(people), rows)]
    return drafts(
        stream,
        at,
        person=who,
        instrument=np.where(chance(rng, rows, NEW_PAYEE), stranger, payee),
        ip=where.ip,
        device=where.device,
        amount_usd=np.round(np.exp(rng.normal(4.6, 1.1, rows)), 2),
        hard=where.hard,
    )
