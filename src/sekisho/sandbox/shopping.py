"""Honest payments: what customers buy, how often issuers refuse, bursts that mean no harm."""

from dataclasses import dataclass

import numpy as np

from sekisho.sandbox.draft import (
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    Drafts,
    Floats,
    Hard,
    Ints,
    Stream,
    chance,
    drafts,
    joined,
    taken,
)
from sekisho.sandbox.entities import Entities
from sekisho.sandbox.places import SEGMENT_ROW, SEGMENTS
from sekisho.sandbox.population import Population, whereabouts
from sekisho.sandbox.seasons import Calendar, Shard

HONEST_DECLINE = 0.055
HONEST_REASONS = np.array([0.0, 0.45, 0.25, 0.14, 0.06, 0.02, 0.02, 0.06])
RETRIES = 0.45
BULK_GIFTS = 0.0012  # of all payments open a round of gift cards for colleagues
FLASH_SALES_PER_DAY = 0.15
GIFT_SEASON_SWITCH = 0.12
_CHOICES = 8192


@dataclass(frozen=True, slots=True)
class Shelf:
    """The merchants as look-up tables: a uniform draw picks a merchant, a normal draw a price."""

    pick: Ints
    gifts: Ints
    log_median: Floats
    spread: Floats
    segment: Ints

    def price(self, merchant: Ints, rng: np.random.Generator) -> Floats:
        """Prices in USD, of which many end in 99 cents."""
        draw = rng.standard_normal(len(merchant), np.float32)
        usd = np.exp(self.log_median[merchant] + self.spread[merchant] * draw)
        rounded = np.where(chance(rng, len(merchant), 0.5), np.ceil(usd) - 0.01, usd)  # half
        gift = self.segment[merchant] == SEGMENT_ROW["gift_cards"]
        return np.where(
            gift, np.maximum(10.0, np.round(usd / 10.0) * 10.0), np.maximum(rounded, 0.5)
        )


def shelf(entities: Entities) -> Shelf:
    """Arrange the merchants: popularity falls off inside each segment."""
    segment = entities.merchants.column("segment")
    shares = np.array([s.share for s in SEGMENTS])[segment]
    first = np.searchsorted(segment, segment)
    popularity = shares / (1.0 + np.arange(len(segment)) - first)
    totals = np.bincount(segment, popularity)[segment]
    edges = np.cumsum(popularity / totals * shares)
    tilt = entities.merchants.column("tilt") / 100.0
    return Shelf(
        pick=np.searchsorted(edges / edges[-1], (np.arange(_CHOICES) + 0.5) / _CHOICES),
        gifts=np.flatnonzero(segment == SEGMENT_ROW["gift_cards"]),
        log_median=np.log(np.array([s.median_usd for s in SEGMENTS]))[segment] + tilt,
        spread=np.array([s.spread for s in SEGMENTS])[segment],
        segment=segment,
    )


def shop(
    people: Population, goods: Shelf, calendar: Calendar, shard: Shard, rng: np.random.Generator
) -> Drafts:
    """All honest payments of a shard, in no order."""
    busy = float(calendar.weights(shard.first_day, shard.days).sum())
    who = np.repeat(np.arange(len(people)), rng.poisson(people.rate * busy))
    at = calendar.moments(shard, rng, people.offset_h[who])
    alive = at > people.joined_us[who] + 2 * MINUTE_US
    who, at = who[alive], at[alive]
    ordinary = _purchases(people, goods, calendar, who, at, rng)
    bulk = _bulk_gifts(ordinary, goods, shard, rng)
    sale = _flash_sale(people, goods, calendar, shard, rng)
    retried = _retries(ordinary, people, shard, rng)
    return joined([ordinary, bulk, sale, retried])


def _purchases(
    people: Population,
    goods: Shelf,
    calendar: Calendar,
    who: Ints,
    at: Ints,
    rng: np.random.Generator,
) -> Drafts:
    where = whereabouts(people, who, at, rng)
    rows = len(who)
    merchant = goods.pick[rng.integers(0, _CHOICES, rows, np.int32)]
    season = (calendar.is_gift_season(at) == 1) & (chance(rng, rows, GIFT_SEASON_SWITCH))
    merchant = np.where(season, goods.gifts[rng.integers(0, len(goods.gifts), rows)], merchant)
    card = np.where(
        chance(rng, rows, 0.25), people.second_card[who], people.card[who]
    )  # a quarter on the second card
    card = np.where(at >= people.next_card_us[who], people.next_card[who], card)
    card = np.where(chance(rng, rows, 0.2), people.family_card[who], card)
    friend = rng.integers(0, len(people), rows)
    elsewhere = chance(rng, rows, np.where(season, 0.3, 0.14))
    newcomer = at < people.joined_us[who] + 24 * HOUR_US
    hard = np.where(season, Hard.GIFT_SEASON, where.hard)
    return drafts(
        Stream.PAYMENT,
        at,
        person=who,
        instrument=card,
        ip=where.ip,
        device=where.device,
        place=merchant,
        address=people.address[np.where(elsewhere, friend, who)],
        amount_usd=goods.price(merchant, rng) * calendar.price_drift(at),
        detail=np.where(chance(rng, rows, 0.6), people.wallet[who], 0),  # of those with a wallet
        decline=refusals(rng, rows, HONEST_DECLINE),
        promo=np.where(
            newcomer & chance(rng, rows, 0.5), 1, np.where(chance(rng, rows, 0.05), 2, 0)
        ),
        hard=np.where(newcomer, Hard.NEWCOMER, hard),
    )


def refusals(rng: np.random.Generator, rows: int, part: float | Floats) -> Ints:
    """The issuer's answers: 0 approved, else the row of a reason."""
    reasons = np.cumsum(HONEST_REASONS)
    reason = np.searchsorted(reasons / reasons[-1], rng.random(rows, np.float32))
    return np.where(chance(rng, rows, part), np.maximum(reason, 1), 0)


def _retries(
    ordinary: Drafts, people: Population, shard: Shard, rng: np.random.Generator
) -> Drafts:
    """Refused customers try again within minutes, some with their other card."""
    refused = taken(ordinary, ordinary["decline"] > 0)
    again = taken(refused, chance(rng, len(refused), RETRIES))
    again["at_us"] += rng.integers(15 * SECOND_US, 4 * MINUTE_US, len(again))
    other = chance(rng, len(again), 0.4)  # of those who have one
    again["instrument"] = np.where(other, people.second_card[again["person"]], again["instrument"])
    again["decline"] = refusals(rng, len(again), 0.3)
    again["hard"] = Hard.RETRY
    return taken(again, again["at_us"] < shard.to_us)


def _bulk_gifts(ordinary: Drafts, goods: Shelf, shard: Shard, rng: np.random.Generator) -> Drafts:
    """Somebody buys gift cards for the whole team: several within the hour, honestly."""
    opens = taken(ordinary, chance(rng, len(ordinary), BULK_GIFTS))
    rows = np.repeat(opens, rng.integers(3, 9, len(opens)))
    rows["at_us"] += rng.integers(20 * SECOND_US, HOUR_US, len(rows))
    rows["place"] = goods.gifts[rng.integers(0, len(goods.gifts), len(rows))]
    rows["amount_usd"] = 10.0 * rng.integers(2, 11, len(rows))
    rows["decline"] = refusals(rng, len(rows), HONEST_DECLINE)
    rows["hard"] = Hard.BULK_GIFTS
    return rows[rows["at_us"] < shard.to_us]


def _flash_sale(
    people: Population, goods: Shelf, calendar: Calendar, shard: Shard, rng: np.random.Generator
) -> Drafts:
    """Two hours in which one merchant is stormed."""
    sales = int(rng.poisson(FLASH_SALES_PER_DAY * shard.days))
    crowd = max(3, int(people.rate.sum() * 0.06))
    parts: list[Drafts] = []
    for _ in range(sales):
        begin = shard.from_us + int(rng.integers(0, shard.days * 24 - 2)) * HOUR_US
        at = begin + (rng.beta(1.0, 3.0, crowd) * 2 * HOUR_US).astype(np.int64)
        who = rng.integers(0, len(people), crowd)
        here = at > people.joined_us[who]
        rows = _purchases(people, goods, calendar, who[here], at[here], rng)
        rows["place"] = int(rng.integers(0, len(goods.segment)))
        rows["amount_usd"] = goods.price(rows["place"].astype(np.int64), rng) * 0.7
        rows["hard"] = Hard.FLASH_SALE
        parts.append(rows)
    return joined(parts)
