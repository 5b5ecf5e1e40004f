"""The simulated world: honest customers, attackers, and what became known afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from sekisho.sandbox import account_attacks, card_attacks
from sekisho.sandbox.campaigns import Campaign, Scene, schedule
from sekisho.sandbox.draft import Drafts, Kind, Stream, generator, in_order, joined, taken
from sekisho.sandbox.entities import Entities
from sekisho.sandbox.everyday import live
from sekisho.sandbox.files import Progress, write_world
from sekisho.sandbox.outcomes import SCHEMA, reported
from sekisho.sandbox.population import Population, settle
from sekisho.sandbox.render import SHARD_IDS, Pages, moments, truth, words, written
from sekisho.sandbox.seasons import Calendar, Shard
from sekisho.sandbox.shopping import Shelf, shelf, shop
from sekisho.sandbox.slices import Slice

DEFAULT_START_US = 1_759_276_800_000_000  # 2025-10-01T00:00:00Z, so that 90 days hold Christmas
SCENARIOS = ("mallory",)
LEAST_CUSTOMERS, MOST_CUSTOMERS = 20, 20_000_000
MOST_DAYS = 1_095

ATTACKS: dict[Kind, Callable[[Campaign, Scene], Drafts]] = {
    Kind.CARD_TESTING: card_attacks.card_testing,
    Kind.STOLEN_CARD: card_attacks.stolen_cards,
    Kind.WALLET_FRAUD: card_attacks.wallet_fraud,
    Kind.FIRST_PARTY: card_attacks.first_party,
    Kind.MALLORY: card_attacks.mallory,
    Kind.ACCOUNT_TAKEOVER: account_attacks.account_takeover,
    Kind.FAKE_SIGNUP: account_attacks.fake_signups,
    Kind.SMS_PUMPING: account_attacks.sms_pumping,
    Kind.APP_SCAM: account_attacks.app_scam,
    Kind.MULE: account_attacks.mule_ring,
}


class WorldError(ValueError):
    """The world cannot be made as asked; the text says what to change."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """What stays the same through all shards."""

    people: Population
    entities: Entities
    goods: Shelf
    pages: Pages
    attacks: Drafts


class World:
    """So many customers for so many days; the same seed makes the same world, byte for byte.

    Each shard of days is made on its own, so a world of any size fits in memory. Outcomes reach
    beyond the last day: a dispute comes weeks after its payment.

    >>> world = World(customers=50, days=2, seed=1)
    >>> sorted(world.streams())[:3]
    ['inbound_transfer', 'login', 'otp_request']

    Raises:
        WorldError: a size or the scenario is out of range.
    """

    def __init__(
        self,
        customers: int,
        days: int,
        seed: int,
        scenario: str | None = None,
        start_us: int = DEFAULT_START_US,
    ) -> None:
        _check(customers, days, seed, scenario)
        self.customers = customers
        self.days = days
        self.seed = seed
        self.scenario = scenario
        self.calendar = Calendar(start_us, days)

    def shards(self) -> list[Shard]:
        """The runs of days in which this world is made."""
        return self.calendar.shards(self.customers)

    def slices(self) -> Iterator[Slice]:
        """The world shard by shard, in time order; outcomes are held back until their time."""
        waiting = pl.DataFrame(schema=SCHEMA)
        shards = self.shards()
        for shard in shards:
            streams, known, facts = self._made(shard)
            waiting = pl.concat([waiting, known]).sort("occurred_at", maintain_order=True)
            last = shard is shards[-1]
            until = waiting.height if last else _before(waiting, shard.to_us)
            yield Slice(shard, streams, waiting[:until], facts)
            waiting = waiting[until:]

    def streams(self) -> dict[str, pl.DataFrame]:
        """All decided events by type, each in time order."""
        names = [stream.name.lower() for stream in Stream]
        return {n: pl.concat([part.streams[n] for part in self._whole]) for n in sorted(names)}

    def outcomes(self) -> pl.DataFrame:
        """All outcomes, in the order in which they become known."""
        return pl.concat([part.outcomes for part in self._whole])

    def truth(self) -> pl.DataFrame:
        """What each event really is; no defence may read it."""
        return pl.concat([part.truth for part in self._whole])

    def campaigns(self) -> pl.DataFrame:
        """The attacks as planned, for reports on what was caught."""
        plan = self._campaigns
        starts = np.array([campaign.starts_us for campaign in plan], np.int64)
        return pl.DataFrame(
            {
                "campaign": [campaign.id for campaign in plan],
                "kind": [campaign.kind.name.lower() for campaign in plan],
                "starts_at": moments(starts),
                "hours": [round(campaign.lasts_us / 3.6e9, 2) for campaign in plan],
                "size": [campaign.size for campaign in plan],
                "evasion": [campaign.evasion for campaign in plan],
            }
        )

    def write(self, directory: Path, progress: Progress | None = None) -> list[Path]:
        """Write streams, outcomes, truth, campaigns and maps; see `write_world`.

        Raises:
            OSError: the directory cannot be written.
        """
        return write_world(self, directory, progress)

    @cached_property
    def _whole(self) -> list[Slice]:
        return list(self.slices())

    @cached_property
    def _campaigns(self) -> list[Campaign]:
        plan = schedule(self.calendar, self.customers, generator(self.seed, 2))
        if self.scenario == "mallory":
            start, days = self.calendar.start_us, self.days
            plan.append(card_attacks.mallory_campaign(start, days, self.customers, len(plan) + 1))
        return plan

    @cached_property
    def _setting(self) -> _Setting:
        entities = Entities(generator(self.seed, 0))
        entities.add_merchants()
        people = settle(entities, self.calendar, self.customers, self.seed)
        goods = shelf(entities)
        parts: list[Drafts] = []
        for campaign in self._campaigns:
            rng = generator(self.seed, 3, campaign.id)
            scene = Scene(entities, people, goods, self.calendar, rng)
            parts.append(ATTACKS[campaign.kind](campaign, scene))
        attacks = in_order(joined(parts))
        within = (attacks["at_us"] >= self.calendar.start_us) & (
            attacks["at_us"] < self.calendar.end_us
        )
        return _Setting(people, entities, goods, written(entities), taken(attacks, within))

    def _made(self, shard: Shard) -> tuple[dict[str, pl.DataFrame], pl.DataFrame, pl.DataFrame]:
        drafted = self._drafted(shard)
        streams: dict[str, pl.DataFrame] = {}
        known: list[pl.DataFrame] = []
        facts: list[pl.DataFrame] = []
        for stream in Stream:
            rows = drafted[stream]
            events = self._setting.pages.frame(rows, stream, shard.number)
            rng = generator(self.seed, 5, shard.number, stream)
            reports = reported(rows, events, stream, rng)
            known.extend(reports.parts)
            facts.append(truth(rows, stream, events["id"]))
            streams[stream.name.lower()] = _with_hindsight(events, rows, stream, reports.verdicts())
        return streams, _outcomes(known, shard), pl.concat(facts)

    def _drafted(self, shard: Shard) -> dict[Stream, Drafts]:
        """Honest and fraudulent rows of each stream, in time order."""
        world = self._setting
        rng = generator(self.seed, 4, shard.number)
        bought = shop(world.people, world.goods, self.calendar, shard, rng)
        lived = live(world.people, world.entities, self.calendar, shard, rng)
        begin, end = np.searchsorted(world.attacks["at_us"], (shard.from_us, shard.to_us))
        attacks = world.attacks[begin:end]
        drafted: dict[Stream, Drafts] = {}
        for stream in Stream:
            honest = bought if stream is Stream.PAYMENT else _of(lived, stream)
            drafted[stream] = in_order(joined([honest, _of(attacks, stream)]))
        return drafted


def _check(customers: int, days: int, seed: int, scenario: str | None) -> None:
    if not LEAST_CUSTOMERS <= customers <= MOST_CUSTOMERS:
        raise WorldError(f"`{customers}` customers: give {LEAST_CUSTOMERS} to {MOST_CUSTOMERS}")
    if not 1 <= days <= MOST_DAYS:
        raise WorldError(f"`{days}` days: give 1 to {MOST_DAYS}")
    if seed < 0:
        raise WorldError(f"`{seed}` as seed: give a whole number from 0 on")
    if scenario is not None and scenario not in SCENARIOS:
        raise WorldError(f"unknown scenario `{scenario}`: there is {', '.join(SCENARIOS)}")


def _of(drafts: Drafts, stream: Stream) -> Drafts:
    return taken(drafts, drafts["stream"] == stream)


def _before(outcomes: pl.DataFrame, at_us: int) -> int:
    """How many outcomes happen before a moment; they are in time order."""
    return int(np.searchsorted(outcomes["occurred_at"].to_physical().to_numpy(), at_us))


def _with_hindsight(
    events: pl.DataFrame, rows: Drafts, stream: Stream, verdicts: pl.DataFrame
) -> pl.DataFrame:
    parts = [events, verdicts]
    if stream is Stream.PAYMENT:
        answer = words((rows["decline"] > 0).astype(np.int64), ("authorized", "declined"))
        parts.insert(1, pl.DataFrame({"outcome": answer}))
    return pl.concat(parts, how="horizontal")


def _outcomes(parts: list[pl.DataFrame], shard: Shard) -> pl.DataFrame:
    """The outcomes of a shard's events in time order, with ids and all columns."""
    whole = pl.concat(parts, how="diagonal").sort("occurred_at", maintain_order=True)
    first = 10**10 + shard.number * SHARD_IDS
    number = pl.int_range(first, first + whole.height).cast(pl.String)
    whole = whole.with_columns(id=pl.concat_str(pl.lit("oc_"), number))
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in whole]
    return whole.with_columns(absent).select(
        pl.col(name).cast(kind) for name, kind in SCHEMA.items()
    )
