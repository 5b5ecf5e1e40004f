"""Attacks with cards: testing and cashing out, stolen cards, wallets, false disputes."""

import numpy as np

from sekisho.sandbox.campaigns import Campaign, Scene, marked
from sekisho.sandbox.draft import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    Drafts,
    Ints,
    Kind,
    Stream,
    chance,
    drafts,
    joined,
)
from sekisho.sandbox.entities import Network
from sekisho.sandbox.places import MALLORY, SEGMENT_ROW, WALLETS
from sekisho.sandbox.shopping import refusals

TESTED_AT = (SEGMENT_ROW["games"], SEGMENT_ROW["stationery"], SEGMENT_ROW["subscription"])
RESOLD = (SEGMENT_ROW["electronics"], SEGMENT_ROW["gift_cards"], SEGMENT_ROW["fashion"])
GIFT_CARDS = SEGMENT_ROW["gift_cards"]
WALLET = WALLETS.index("apple_pay")


def card_testing(campaign: Campaign, scene: Scene) -> Drafts:
    """Small payments tell which of a heap of card numbers still work; those buy goods later."""
    rng, rows = scene.rng, campaign.size
    heap = max(3, int(rows * 0.7))
    country = scene.entities.countries(1 + campaign.evasion).repeat(heap)[:heap]
    holders = scene.entities.add_people(country)
    homes = scene.entities.add_addresses(country)
    cards = scene.entities.add_cards(holders, homes, bins=1 + 2 * campaign.evasion)
    card = scene.pick(cards, rows)
    place = scene.pick(scene.pick(scene.merchants(*TESTED_AT), 2), rows)
    small = (np.ones(rows), rng.uniform(0.5, 6.0, rows), scene.goods.price(place, rng) * 0.6)
    tests = drafts(
        Stream.PAYMENT,
        scene.moments(campaign, rows),
        person=scene.accounts(campaign, rows, country, guest=int(chance(rng, 1, 0.6)[0])),
        instrument=card,
        ip=scene.addresses(campaign, rows, country),
        device=scene.devices(campaign, rows),
        place=place,
        address=scene.destinations(card),
        amount_usd=np.round(small[campaign.evasion], 2),
        decline=refusals(rng, rows, (0.78, 0.66, 0.5)[campaign.evasion]),
    )
    works = np.unique(tests["instrument"][tests["decline"] == 0]).astype(np.int64)
    known = int(tests["at_us"][-1])
    return joined(
        [
            marked(campaign, Kind.CARD_TESTING, tests),
            marked(campaign, Kind.CASH_OUT, _cash_out(campaign, scene, works, known)),
        ]
    )


def _cash_out(campaign: Campaign, scene: Scene, works: Ints, known_us: int) -> Drafts:
    """Working cards buy what can be sold again, within three days."""
    rng = scene.rng
    card = np.repeat(works, rng.integers(1, 4, len(works)))
    rows = len(card)
    if rows == 0:
        return joined([])
    delay = 2 * HOUR_US + (rng.gamma(2.0, 9.0, rows) * HOUR_US).astype(np.int64)
    return _spree(campaign, scene, card, np.sort(known_us + delay), 0.28)


def _spree(
    campaign: Campaign, scene: Scene, card: Ints, at: Ints, refused: float, *, wallet: bool = False
) -> Drafts:
    """Purchases of resaleable goods with these cards, sent to pick-up addresses."""
    rng, rows = scene.rng, len(card)
    holder = scene.entities.cards.column("holder")[card]
    country = scene.entities.people.column("country")[holder]
    place = scene.pick(scene.merchants(*RESOLD), rows)
    return drafts(
        Stream.PAYMENT,
        at,
        person=scene.accounts(campaign, rows, country, guest=int(chance(rng, 1, 0.6)[0])),
        instrument=card,
        ip=scene.addresses(campaign, rows, country),
        device=scene.devices(campaign, rows, phone=wallet),
        place=place,
        address=scene.destinations(card),
        amount_usd=scene.goods.price(place, rng) * rng.uniform(0.8, 1.9, rows),
        decline=refusals(rng, rows, refused),
        detail=WALLET if wallet else 0,
    )


def stolen_cards(campaign: Campaign, scene: Scene) -> Drafts:
    """Cards of our own customers, skimmed elsewhere, used by strangers for a day or two."""
    return _with_victims(campaign, scene, refused=0.22)


def wallet_fraud(campaign: Campaign, scene: Scene) -> Drafts:
    """Stolen cards loaded into telephone wallets: no wrong security code, a few busy telephones."""
    return _with_victims(campaign, scene, refused=0.12, wallet=True)


def _with_victims(
    campaign: Campaign, scene: Scene, refused: float, *, wallet: bool = False
) -> Drafts:
    rng = scene.rng
    victims = rng.integers(0, len(scene.people), campaign.size)
    begins = scene.moments(campaign, campaign.size)
    uses = rng.integers(2, 7, campaign.size)
    order = np.repeat(np.arange(campaign.size), uses)
    at = begins[order] + (rng.exponential(0.5, len(order)) * 9 * HOUR_US).astype(np.int64)
    by_time = np.argsort(at, kind="stable")
    card = scene.people.card[victims[order]][by_time]
    return marked(
        campaign, campaign.kind, _spree(campaign, scene, card, at[by_time], refused, wallet=wallet)
    )


def first_party(campaign: Campaign, scene: Scene) -> Drafts:
    """Customers who buy as always and later say it was not they: nothing odd in the payment."""
    rng, people = scene.rng, scene.people
    abusers = rng.integers(0, len(people), max(1, campaign.size // 4))
    who = scene.pick(abusers, campaign.size)
    at = campaign.starts_us + (rng.random(campaign.size) * campaign.lasts_us).astype(np.int64)
    place = scene.pick(np.arange(len(scene.goods.segment)), campaign.size)
    return marked(
        campaign,
        Kind.FIRST_PARTY,
        drafts(
            Stream.PAYMENT,
            at,
            person=who,
            instrument=people.card[who],
            ip=people.home_ip[who],
            device=people.telephone[who],
            place=place,
            address=people.address[who],
            amount_usd=scene.goods.price(place, rng) * 1.4,
            decline=refusals(rng, campaign.size, 0.04),
            detail=np.where(chance(rng, campaign.size, 0.5), people.wallet[who], 0),
        ),
    )


def mallory(campaign: Campaign, scene: Scene) -> Drafts:
    """Prepaid cards of the brand `mallory` buy gift cards as guests: day by day more, many an hour.

    A guest empties one or two cards in three to ten payments within the hour, from a home
    connection, with a browser that is made anew every other time: only the guest's own pace and
    the mix of brand, funding and goods give it away. Honest guests with such a card pay once.
    """
    rng = scene.rng
    guests = max(4, campaign.size // 6)
    ramp = rng.beta(2.2, 1.3, guests)
    begins = np.sort(campaign.starts_us + (ramp * campaign.lasts_us).astype(np.int64))
    turn = np.repeat(np.arange(guests), rng.integers(3, 11, guests))
    rows = len(turn)
    country = scene.pick(scene.entities.countries(5), guests)
    people = scene.entities.add_people(country, guest=1, disposable=0.1)
    homes = scene.entities.add_addresses(country)
    purse = np.stack(
        [
            scene.entities.add_cards(people, homes, brand=MALLORY, prepaid=1.0, bins=6)
            for _ in range(2)
        ]
    )
    payments = drafts(
        Stream.PAYMENT,
        begins[turn] + rng.integers(0, 55 * MINUTE_US, rows),
        person=people[turn],
        instrument=purse[rng.integers(0, 2, rows), turn],
        ip=scene.entities.add_ips(Network.HOME, country)[turn],
        device=scene.pick(scene.entities.add_devices(rows // 2, phone=True), rows),
        place=scene.pick(scene.merchants(GIFT_CARDS), rows),
        address=homes[turn],
        amount_usd=25.0 * rng.integers(1, 5, rows),
        decline=refusals(rng, rows, 0.35),
    )
    return marked(campaign, Kind.MALLORY, payments)


def mallory_campaign(calendar_start_us: int, days: int, customers: int, number: int) -> Campaign:
    """When and how large the flood is: from two fifths of the world on, for at most eight days."""
    lasts = min(8 * DAY_US, int(days * 0.45 * DAY_US))
    size = max(60, round(customers * 0.11 * lasts / DAY_US))
    return Campaign(
        number, Kind.MALLORY, calendar_start_us + int(days * 0.4 * DAY_US), lasts, size, evasion=2
    )
