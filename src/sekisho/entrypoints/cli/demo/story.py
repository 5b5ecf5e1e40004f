"""The world as the demo tells it: as if its last day were today, and the truth kept back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sekisho.kit.clock import iso, to_us
from sekisho.sandbox import DEFAULT_START_US, Payload, World, events_in_order

DAYS: Final = 30
"""Long enough for the first disputes to come back."""
DAY_US: Final = 86_400_000_000
PER_CUSTOMER_DAY: Final = 1.05
"""Events of a customer and day, outcomes included, as the world makes them."""
LEAST_CUSTOMERS: Final = 60
MOST_EVENTS: Final = 1_000_000
"""Longest story: a world of this size is made in a few seconds."""
DEFAULT_S: Final = 120
"""How long the story is told when nobody says how long."""


@dataclass(frozen=True, slots=True)
class Story:
    """A world, the kind of each fraudulent event in it, and how far its dates are moved."""

    world: World
    frauds: Mapping[str, str]
    events: int
    decided: int
    moved_us: int

    def tell(self, tag: str) -> Iterator[Payload]:
        """Events and outcomes until the world's last moment, dated now; `tag` ends each id."""
        for payload in events_in_order(self.world):
            at_us = to_us(datetime.fromisoformat(str(payload["occurred_at"])))
            if at_us >= self.world.calendar.end_us:
                return  # what the world learns later, nobody knows today
            payload["occurred_at"] = iso(at_us + self.moved_us)
            if tag:
                payload["id"] = f"{payload['id']}{tag}"
                if "about" in payload:
                    payload["about"] = f"{payload['about']}{tag}"
            yield payload


def make_story(events: int, seed: int, scenario: str | None, now_us: int) -> Story:
    """A story of about so many events; the same seed tells the same one, whatever the date.

    Raises:
        WorldError: no such scenario, or a seed below zero.
    """
    customers = round(min(events, MOST_EVENTS) / DAYS / PER_CUSTOMER_DAY)
    world = World(max(LEAST_CUSTOMERS, customers), DAYS, seed, scenario, DEFAULT_START_US)
    end_us = world.calendar.end_us
    truth = world.truth()
    frauds = dict(truth.filter(truth["is_fraud"]).select("event", "kind").rows())
    known = int((world.outcomes()["occurred_at"].to_physical() < end_us).sum())
    # whole days, so that night stays night
    moved_us = (now_us - end_us) // DAY_US * DAY_US
    return Story(world, frauds, truth.height + known, truth.height, moved_us)
