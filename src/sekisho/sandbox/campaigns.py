"""Which attacks happen when: every campaign has a start, a length, a size, an evasion and an id."""

from dataclasses import dataclass
from math import ceil, sin

import numpy as np

from sekisho.sandbox.draft import (
    DAY_US,
    HOUR_US,
    Drafts,
    Ints,
    Kind,
    chance,
    joined,
)
from sekisho.sandbox.entities import Entities, Network
from sekisho.sandbox.population import Population
from sekisho.sandbox.seasons import Calendar
from sekisho.sandbox.shopping import Shelf

LARGEST = 1_500  # main events of one campaign; larger worlds get more campaigns, not larger ones
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Tactic:
    """How common one kind of attack is.

    `per_customer_day` counts its main events (tests, victims, sign-ups …), `every_days` is the
    usual gap between campaigns, `least` the smallest worthwhile size, `hours` the shortest and
    longest run, `opens` the part of the world's time after which the kind first appears.
    """

    kind: Kind
    per_customer_day: float
    every_days: float
    least: int
    hours: tuple[int, int]
    opens: float = 0.0


TACTICS: tuple[Tactic, ...] = (
    Tactic(Kind.CARD_TESTING, 0.00095, 6, 25, (1, 60)),
    Tactic(Kind.STOLEN_CARD, 0.00010, 5, 3, (12, 120)),
    Tactic(Kind.WALLET_FRAUD, 0.00030, 4, 3, (6, 72), opens=0.67),
    Tactic(Kind.ACCOUNT_TAKEOVER, 0.00010, 6, 3, (2, 48)),
    Tactic(Kind.FAKE_SIGNUP, 0.00014, 7, 8, (1, 48)),
    Tactic(Kind.FIRST_PARTY, 0.00030, 3, 3, (48, 240)),
    Tactic(Kind.SMS_PUMPING, 0.0030, 6, 40, (1, 30)),
    Tactic(Kind.APP_SCAM, 0.00014, 4, 2, (6, 96)),
    Tactic(Kind.MULE, 0.00040, 8, 8, (24, 120)),
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One attack by one group. Evasion 0 is crude, 1 careful, 2 patient and well equipped."""

    id: int
    kind: Kind
    starts_us: int
    lasts_us: int
    size: int
    evasion: int


@dataclass(frozen=True, slots=True)
class Scene:
    """The world as an attacker finds it, and the campaign's own randomness."""

    entities: Entities
    people: Population
    goods: Shelf
    calendar: Calendar
    rng: np.random.Generator

    def moments(self, campaign: Campaign, rows: int) -> Ints:
        """Attack moments in time order: bursts with pauses, more even when evasive."""
        gaps = self.rng.gamma((0.25, 0.5, 0.9)[campaign.evasion], 1.0, rows + 1)
        part = np.cumsum(gaps)[:-1] / gaps.sum()
        return campaign.starts_us + (part * campaign.lasts_us).astype(np.int64)

    def addresses(self, campaign: Campaign, rows: int, country: Ints) -> Ints:
        """IP rows for so many events: few servers, many exits, or a home connection for each."""
        pool = max(1, (rows // 60, rows // 10, rows // 3)[campaign.evasion])
        home = country[self.rng.integers(0, len(country), pool)]
        if campaign.evasion == 0:
            made = self.entities.add_ips(Network.DATACENTER, self.entities.countries(pool))
        elif campaign.evasion == 1:
            network = (Network.VPN, Network.TOR, Network.MOBILE)[campaign.id % 3]
            made = self.entities.add_ips(network, self.entities.countries(pool))
        else:
            made = self.entities.add_ips(Network.HOME, home)
        return made[_runs(self.rng, rows, pool)]

    def devices(self, campaign: Campaign, rows: int, *, phone: bool = False) -> Ints:
        """Device rows for so many events; an emulator farm when evasive."""
        pool = max(1, (rows // 80, rows // 12, rows // 4)[campaign.evasion])
        kinds = chance(self.rng, pool, 1.0 if phone else 0.45)
        return self.entities.add_devices(pool, phone=kinds)[_runs(self.rng, rows, pool)]

    def accounts(self, campaign: Campaign, rows: int, country: Ints, *, guest: int = 0) -> Ints:
        """Person rows for so many events, under names and addresses of the attackers' making."""
        pool = max(1, (rows // 12, rows // 6, rows // 2)[campaign.evasion])
        thrown_away = (0.5, 0.2, 0.03)[campaign.evasion]
        home = country[self.rng.integers(0, len(country), pool)]
        made = self.entities.add_people(home, guest=guest, disposable=thrown_away)
        return made[_runs(self.rng, rows, pool)]

    def drops(self, rows: int, country: Ints) -> Ints:
        """A few delivery addresses where stolen goods are picked up."""
        pool = max(1, rows // 6)
        if rows == 0:
            return np.zeros(0, np.int64)
        made = self.entities.add_addresses(country[self.rng.integers(0, len(country), pool)])
        return made[self.rng.integers(0, pool, rows)]

    def destinations(self, card: Ints) -> Ints:
        """Where stolen goods go: to pick-up addresses, or to the owner's own, to be redirected."""
        owners = self.entities.cards.column("address")[card]
        country = self.entities.addresses.column("country")[owners]
        redirected = chance(self.rng, len(card), 0.45)
        return np.where(redirected, owners, self.drops(len(card), country))

    def merchants(self, *segments: int) -> Ints:
        """Merchants that sell these segments."""
        return np.flatnonzero(np.isin(self.goods.segment, segments))

    def pick(self, rows: Ints, count: int) -> Ints:
        """So many draws from these rows, with repetition."""
        return rows[self.rng.integers(0, len(rows), count)]


def _runs(rng: np.random.Generator, rows: int, pool: int) -> Ints:
    """Members of a pool in runs: one is used for a while, then the next, with some going back."""
    steady = (np.arange(rows) * pool) // max(1, rows)
    return np.where(
        chance(rng, rows, 0.8), steady, rng.integers(0, pool, rows)
    )  # mostly the current one


def schedule(calendar: Calendar, customers: int, rng: np.random.Generator) -> list[Campaign]:
    """All campaigns of a world, ids counting from 1 in the order of TACTICS."""
    campaigns: list[Campaign] = []
    for tactic in TACTICS:
        campaigns.extend(_of_tactic(tactic, calendar, customers, rng, len(campaigns) + 1))
    return campaigns


def _of_tactic(
    tactic: Tactic, calendar: Calendar, customers: int, rng: np.random.Generator, first: int
) -> list[Campaign]:
    opens = tactic.opens * calendar.days
    span = calendar.days - opens
    total = tactic.per_customer_day * customers * span
    usual = min(ceil(span / tactic.every_days), int(total // tactic.least))
    count = max(1, ceil(total / LARGEST), usual)
    found: list[Campaign] = []
    for number in range(count):
        day = opens + (number + rng.random()) * span / count
        wave = 1.0 + 0.5 * sin(day / MONTH_DAYS * 2.1 + tactic.kind)  # the mix changes by month
        size = max(tactic.least, round(total / count * wave * rng.uniform(0.6, 1.4)))
        hours = int(rng.integers(tactic.hours[0], tactic.hours[1] + 1))
        left = max(HOUR_US, int((calendar.days - day) * DAY_US))
        found.append(
            Campaign(
                id=first + number,
                kind=tactic.kind,
                starts_us=calendar.start_us + int(day * DAY_US),
                lasts_us=min(hours * HOUR_US, left),
                size=size,
                evasion=int(rng.choice(3, p=(0.35, 0.4, 0.25))),
            )
        )
    return found


def marked(campaign: Campaign, kind: Kind, *parts: Drafts) -> Drafts:
    """The parts as events of this kind and campaign."""
    rows = joined(parts)
    rows["kind"] = kind
    rows["campaign"] = campaign.id
    return rows
