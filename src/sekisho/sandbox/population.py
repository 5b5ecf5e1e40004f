"""The honest customers: what they own, where they are, when things change in their lives."""

from dataclasses import dataclass

import numpy as np

from sekisho.sandbox.draft import DAY_US, Floats, Hard, Ints, chance, generator
from sekisho.sandbox.entities import Entities, Network
from sekisho.sandbox.places import COUNTRIES, WALLETS
from sekisho.sandbox.seasons import PAYMENTS_PER_DAY, Calendar

GUESTS = 0.25
HOUSEHOLDS = 0.25
OFFICE_WORKERS = 0.3
PEOPLE_PER_OFFICE = 200
PEOPLE_PER_MOBILE_GATEWAY = 60
VPN_USERS = 0.04
SECOND_CARD = 0.35
FAMILY_CARDS = 0.3
ON_THE_MOVE, ON_THE_PHONE, AT_WORK = 0.3, 0.55, 0.15  # parts of all sessions
NEVER_US = np.iinfo(np.int64).max // 2
ALWAYS_US = -NEVER_US


@dataclass(frozen=True, slots=True)
class Population:
    """One row a customer in every array; customer n is person n. -1 means: has none."""

    home: Ints  # country row
    offset_h: Ints
    is_guest: Ints
    joined_us: Ints
    rate: Floats  # payments a day
    card: Ints
    second_card: Ints
    next_card: Ints
    next_card_us: Ints
    family_card: Ints  # in somebody else's name
    address: Ints
    home_ip: Ints
    mobile_ip: Ints
    office_ip: Ints
    vpn_ip: Ints
    trip_ip: Ints
    trip_from_us: Ints
    trip_to_us: Ints
    telephone: Ints  # device rows from here
    next_telephone: Ints
    next_telephone_us: Ints
    computer: Ints
    shares_home: Ints
    wallet: Ints
    payee: Ints
    second_payee: Ints

    def __len__(self) -> int:
        return len(self.home)


@dataclass(frozen=True, slots=True)
class Where:
    """From where a customer acted, and why that may look odd."""

    ip: Ints
    device: Ints
    hard: Ints


def settle(entities: Entities, calendar: Calendar, customers: int, seed: int) -> Population:
    """Make the customers and everything they own."""
    rng = generator(seed, 1)
    odd = np.arange(customers) % 2 == 1
    neighbour = np.where(odd & chance(rng, customers, HOUSEHOLDS), 1, 0)
    home = _shared(entities.countries(customers), neighbour)
    guest = chance(rng, customers, GUESTS)
    people = entities.add_people(home, guest=guest, disposable=0.004)
    address = _shared(entities.add_addresses(home), neighbour)
    card, other_card = entities.add_cards(people, address), entities.add_cards(people, address)
    trip_from, trip_to, trip_ip = _trips(entities, calendar, rng, home)
    return Population(
        home=home,
        offset_h=np.array([country.utc_offset_h for country in COUNTRIES])[home],
        is_guest=guest.astype(np.int64),
        joined_us=_joined(calendar, rng, guest.astype(np.int64)),
        rate=rng.gamma(1.3, PAYMENTS_PER_DAY / 1.3, customers) * np.where(guest, 0.6, 1.15),
        card=card,
        second_card=np.where(chance(rng, customers, SECOND_CARD), other_card, card),
        next_card=entities.add_cards(people, address),
        next_card_us=_turning(calendar, rng, customers, years=3.0),
        family_card=np.where(chance(rng, customers, FAMILY_CARDS), _relative(card), card),
        address=address,
        home_ip=_shared(entities.add_ips(Network.HOME, home), neighbour),
        mobile_ip=_pooled(entities, rng, home, Network.MOBILE, PEOPLE_PER_MOBILE_GATEWAY),
        office_ip=_some(
            rng, OFFICE_WORKERS, _pooled(entities, rng, home, Network.OFFICE, PEOPLE_PER_OFFICE)
        ),
        vpn_ip=_some(rng, VPN_USERS, _pooled(entities, rng, home, Network.VPN, 2_000)),
        trip_ip=trip_ip,
        trip_from_us=trip_from,
        trip_to_us=trip_to,
        telephone=entities.add_devices(customers, phone=True),
        next_telephone=entities.add_devices(customers, phone=True),
        next_telephone_us=_turning(calendar, rng, customers, years=2.0),
        computer=_shared(entities.add_devices(customers, phone=False), neighbour),
        shares_home=neighbour,
        wallet=np.where(chance(rng, customers, 0.3), rng.integers(1, len(WALLETS), customers), 0),
        payee=entities.add_payees(home),
        second_payee=entities.add_payees(home),
    )


def _shared(rows: Ints, neighbour: Ints) -> Ints:
    """What belongs to a household: the second member takes the first one's."""
    return np.where(neighbour == 1, np.roll(rows, 1), rows)


def _relative(cards: Ints) -> Ints:
    """The card of the next person in the row: a parent, a partner, the firm."""
    return np.roll(cards, 1)


def _some(rng: np.random.Generator, part: float, rows: Ints) -> Ints:
    return np.where(chance(rng, len(rows), part), rows, -1)


def _pooled(
    entities: Entities, rng: np.random.Generator, home: Ints, network: Network, people: int
) -> Ints:
    """Addresses shared by many people of one country, such as a mobile operator's gateways."""
    needed = np.maximum(1, np.bincount(home, minlength=len(COUNTRIES)) // people)
    rows = entities.add_ips(network, np.repeat(np.arange(len(COUNTRIES)), needed))
    first = rows[0] + np.cumsum(needed) - needed
    return first[home] + (rng.random(len(home)) * needed[home]).astype(np.int64)


def _turning(calendar: Calendar, rng: np.random.Generator, rows: int, *, years: float) -> Ints:
    """When a thing that lasts for years is replaced; mostly not within this world."""
    return calendar.start_us + (rng.random(rows) * years * 365 * DAY_US).astype(np.int64)


def _joined(calendar: Calendar, rng: np.random.Generator, guest: Ints) -> Ints:
    """When each customer signed up; those from before the world, and guests, are always there."""
    new = chance(rng, len(guest), min(0.3, 0.002 * calendar.days)) & (guest == 0)
    span = calendar.days * DAY_US
    return np.where(
        new, calendar.start_us + (rng.random(len(guest)) * span).astype(np.int64), ALWAYS_US
    )


def _trips(
    entities: Entities, calendar: Calendar, rng: np.random.Generator, home: Ints
) -> tuple[Ints, Ints, Ints]:
    """At most one journey each: from, until, and the address used on the way."""
    rows = len(home)
    abroad = (home + rng.integers(1, len(COUNTRIES), rows)) % len(COUNTRIES)
    goes = chance(rng, rows, min(0.5, 0.06 * calendar.days / 30))
    leaves = calendar.start_us + (rng.random(rows) * calendar.days * DAY_US).astype(np.int64)
    back = leaves + (rng.integers(3, 15, rows) * DAY_US)
    ip = _pooled(entities, rng, abroad, Network.ROAMING, 40)
    return np.where(goes, leaves, NEVER_US), np.where(goes, back, NEVER_US), ip


def whereabouts(people: Population, who: Ints, at_us: Ints, rng: np.random.Generator) -> Where:
    """The address and device of honest customers at these moments."""
    draw = rng.random(len(who), np.float32)
    mobile = draw < ON_THE_MOVE
    office = people.office_ip[who]
    at_work = (draw > 1 - AT_WORK) & (office >= 0)
    ip = np.where(mobile, people.mobile_ip[who], np.where(at_work, office, people.home_ip[who]))
    hard = np.where(at_work, Hard.OFFICE_NETWORK, Hard.NONE)
    on_phone = mobile | (draw < ON_THE_PHONE)
    new = at_us >= people.next_telephone_us[who]
    phone = np.where(new, people.next_telephone[who], people.telephone[who])
    device = np.where(on_phone, phone, people.computer[who])
    fresh = on_phone & new & (at_us < people.next_telephone_us[who] + 14 * DAY_US)
    hard = np.where(fresh, Hard.NEW_DEVICE, hard)
    hard = np.where(~on_phone & (people.shares_home[who] == 1), Hard.SHARED_DEVICE, hard)
    vpn = people.vpn_ip[who]
    hidden = (vpn >= 0) & ~mobile
    away = (at_us >= people.trip_from_us[who]) & (at_us < people.trip_to_us[who])
    ip = np.where(hidden, vpn, np.where(away, people.trip_ip[who], ip))
    hard = np.where(hidden, Hard.VPN_USER, np.where(away, Hard.TRAVEL, hard))
    return Where(ip, device, hard.astype(np.int64))
