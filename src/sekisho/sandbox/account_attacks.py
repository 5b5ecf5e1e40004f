"""Attacks on accounts and transfers: takeover, false sign-ups, SMS pumping, scams, mules."""

import numpy as np

from sekisho.sandbox.campaigns import Campaign, Scene, marked
from sekisho.sandbox.card_attacks import RESOLD
from sekisho.sandbox.draft import (
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    Drafts,
    Ints,
    Kind,
    Stream,
    chance,
    drafts,
    joined,
)
from sekisho.sandbox.entities import Network, country_rows
from sekisho.sandbox.places import CHANGES, LOGIN_RESULTS, PUMPED
from sekisho.sandbox.shopping import refusals

STUFFED_PER_VICTIM = 14
LOCKS_OWNER_OUT = np.array(
    [CHANGES.index("password"), CHANGES.index("email"), CHANGES.index("phone")]
)
FAILED_LOGIN = np.array([LOGIN_RESULTS.index(r) for r in ("wrong_password", "unknown_account")])


def account_takeover(campaign: Campaign, scene: Scene) -> Drafts:
    """Leaked passwords are tried on many accounts; those that open are emptied."""
    members = np.flatnonzero(scene.people.is_guest == 0)
    victims = scene.pick(members, campaign.size)
    stuffed = _stuffing(campaign, scene, members)
    at = scene.moments(campaign, campaign.size) + HOUR_US
    country = scene.people.home[victims]
    ip = scene.addresses(campaign, campaign.size, country)
    device = scene.devices(campaign, campaign.size)
    entry = drafts(Stream.LOGIN, at, person=victims, ip=ip, device=device)
    change = entry[chance(scene.rng, len(entry), 0.6)].copy()  # the others leave no trace
    change["stream"] = Stream.SENSITIVE_CHANGE
    change["at_us"] += scene.rng.integers(MINUTE_US, 20 * MINUTE_US, len(change))
    change["detail"] = scene.pick(LOCKS_OWNER_OUT, len(change))
    spends = chance(scene.rng, len(entry), 0.6)  # goods; the rest transfer money away
    return joined(
        [
            marked(campaign, Kind.CREDENTIAL_STUFFING, stuffed),
            marked(
                campaign,
                Kind.ACCOUNT_TAKEOVER,
                entry,
                change,
                _spent(entry[spends], scene),
                _sent_away(entry[~spends], scene),
            ),
        ]
    )


def _stuffing(campaign: Campaign, scene: Scene, members: Ints) -> Drafts:
    rows = campaign.size * STUFFED_PER_VICTIM
    targets = scene.pick(members, rows)
    country = scene.people.home[targets]
    failed = scene.pick(FAILED_LOGIN, rows)
    return drafts(
        Stream.LOGIN,
        scene.moments(campaign, rows),
        person=targets,
        ip=scene.addresses(campaign, rows, country),
        device=scene.devices(campaign, rows),
        detail=np.where(chance(scene.rng, rows, 0.25), 0, failed),
    )


def _spent(entry: Drafts, scene: Scene) -> Drafts:
    """The owner's stored card buys things for somebody else's address."""
    rows = np.repeat(entry, scene.rng.integers(1, 4, len(entry)))
    rows["stream"] = Stream.PAYMENT
    rows["at_us"] += scene.rng.integers(20 * MINUTE_US, 5 * HOUR_US, len(rows))
    who = rows["person"].astype(np.int64)
    rows["instrument"] = scene.people.card[who]
    rows["place"] = scene.pick(scene.merchants(*RESOLD), len(rows))
    rows["address"] = scene.destinations(scene.people.card[who])
    price = scene.goods.price(rows["place"].astype(np.int64), scene.rng)
    rows["amount_usd"] = price * scene.rng.uniform(1.0, 2.0, len(rows))
    rows["decline"] = refusals(scene.rng, len(rows), 0.15)
    return rows


def _sent_away(entry: Drafts, scene: Scene) -> Drafts:
    """Balances go to a few mule accounts."""
    rows = np.repeat(entry, scene.rng.integers(1, 4, len(entry)))
    mules = scene.entities.add_payees(scene.entities.countries(1 + len(rows) // 5))
    rows["stream"] = Stream.OUTBOUND_TRANSFER
    rows["at_us"] += scene.rng.integers(10 * MINUTE_US, 3 * HOUR_US, len(rows))
    rows["instrument"] = scene.pick(mules, len(rows))
    rows["amount_usd"] = np.round(np.exp(scene.rng.normal(5.6, 0.8, len(rows))), 2)
    return rows


def fake_signups(campaign: Campaign, scene: Scene) -> Drafts:
    """Accounts that exist only to collect the welcome offer, paid with a handful of cards."""
    rng, rows = scene.rng, campaign.size
    country = scene.entities.countries(2).repeat(rows)[:rows]
    thrown_away = (0.5, 0.2, 0.05)[campaign.evasion]
    people = scene.entities.add_people(country, disposable=thrown_away)
    signups = drafts(
        Stream.SIGNUP,
        scene.moments(campaign, rows),
        person=people,
        ip=scene.addresses(campaign, rows, country),
        device=scene.devices(campaign, rows),
    )
    codes = signups[chance(rng, rows, 0.9)].copy()  # rented numbers
    codes["stream"] = Stream.OTP_REQUEST
    codes["at_us"] += rng.integers(2 * SECOND_US, 20 * SECOND_US, len(codes))
    codes["instrument"] = scene.entities.people.column("phone")[codes["person"]]
    first = max(1, rows // 5)
    homes = scene.entities.add_addresses(country[:first])
    cards = scene.entities.add_cards(people[:first], homes)
    orders = signups.copy()
    orders["stream"] = Stream.PAYMENT
    orders["at_us"] += rng.integers(2 * MINUTE_US, 4 * HOUR_US, rows)
    orders["instrument"] = scene.pick(cards, rows)
    orders["place"] = scene.pick(np.arange(len(scene.goods.segment)), rows)
    orders["address"] = scene.pick(homes, rows)
    orders["amount_usd"] = scene.goods.price(orders["place"].astype(np.int64), rng) * 0.8
    orders["decline"] = refusals(rng, rows, 0.15)
    orders["promo"] = chance(rng, rows, 0.9)  # nearly all use the offer
    return joined(
        [
            marked(campaign, Kind.FAKE_SIGNUP, signups, codes),
            marked(campaign, Kind.PROMO_ABUSE, orders),
        ]
    )


def sms_pumping(campaign: Campaign, scene: Scene) -> Drafts:
    """Codes to numbers whose owner is paid per message, in one of two shapes.

    Odd campaigns use few addresses for many countries, even ones rotating addresses for
    neighbouring numbers of one range.

    Source: the two shapes of Authgear's fraud-protection specification.
    """
    rng, rows = scene.rng, campaign.size
    abroad = scene.entities.countries(rows)
    if campaign.id % 2:
        country = np.where(
            chance(rng, rows, 0.5), scene.pick(country_rows(PUMPED), rows), abroad
        )  # half
        numbers = scene.entities.add_phones(country)
        pool = 1 + rows // 120
        ip = scene.pick(scene.entities.add_ips(Network.VPN, scene.entities.countries(pool)), rows)
    else:
        country = np.full(rows, scene.pick(country_rows(PUMPED), 1)[0])
        numbers = scene.entities.add_phones(country, int(rng.integers(10**6)) + np.arange(rows))
        ip = scene.entities.add_ips(Network.HOME, np.where(chance(rng, rows, 0.6), country, abroad))
    return marked(
        campaign,
        Kind.SMS_PUMPING,
        drafts(
            Stream.OTP_REQUEST,
            scene.moments(campaign, rows),
            person=scene.accounts(campaign, rows, country),
            instrument=numbers,
            ip=ip,
            device=scene.devices(campaign, rows),
            detail=rng.choice(2, rows, p=(0.92, 0.08)),
        ),
    )


def app_scam(campaign: Campaign, scene: Scene) -> Drafts:
    """A caller talks the owner into paying: right person, right device, wrong payee."""
    rng = scene.rng
    members = np.flatnonzero(scene.people.is_guest == 0)
    victims = np.repeat(scene.pick(members, campaign.size), rng.integers(1, 4, campaign.size))
    rows = len(victims)
    mules = scene.entities.add_payees(scene.entities.countries(1 + rows // 8))
    begins = campaign.starts_us + (rng.random(campaign.size) * campaign.lasts_us).astype(np.int64)
    at = np.sort(scene.pick(begins, rows)) + rng.integers(0, HOUR_US, rows)
    return marked(
        campaign,
        Kind.APP_SCAM,
        drafts(
            Stream.OUTBOUND_TRANSFER,
            at,
            person=victims,
            instrument=scene.pick(mules, rows),
            ip=scene.people.home_ip[victims],
            device=scene.people.telephone[victims],
            amount_usd=np.round(np.exp(rng.normal(6.1, 0.9, rows)), 2),
        ),
    )


def mule_ring(campaign: Campaign, scene: Scene) -> Drafts:
    """Many small sums come in from everywhere and leave at once for one or two collectors."""
    rng, rows = scene.rng, campaign.size
    count = max(1, rows // 8)
    country = scene.entities.countries(1).repeat(count)
    mules = scene.entities.add_people(country)
    turn = rng.integers(0, count, rows)
    sources = scene.entities.add_payees(scene.entities.countries(rows))
    ip, device = scene.entities.add_ips(Network.HOME, country), scene.devices(campaign, count)
    fan_in = drafts(
        Stream.INBOUND_TRANSFER,
        scene.moments(campaign, rows),
        person=mules[turn],
        instrument=sources,
        ip=ip[turn],
        device=device[turn],
        amount_usd=np.round(np.exp(rng.normal(5.0, 0.7, rows)), 2),
    )
    onward = fan_in[chance(rng, rows, 0.6)].copy()  # several receipts leave in one go
    onward["stream"] = Stream.OUTBOUND_TRANSFER
    onward["at_us"] += rng.integers(5 * MINUTE_US, 8 * HOUR_US, len(onward))
    onward["instrument"] = scene.pick(
        scene.entities.add_payees(scene.entities.countries(2)), len(onward)
    )
    onward["amount_usd"] = np.round(onward["amount_usd"] * rng.uniform(0.9, 1.7, len(onward)), 2)
    return marked(campaign, Kind.MULE, fan_in, onward)
