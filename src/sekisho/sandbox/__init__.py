"""The simulated world: customers, attackers, issuers, what becomes known later; by seed."""

from sekisho.sandbox.defence import default_counters, default_lists, default_rules
from sekisho.sandbox.draft import Hard, Kind, Stream
from sekisho.sandbox.files import map_text
from sekisho.sandbox.payloads import Payload, events_in_order, payloads
from sekisho.sandbox.slices import HINDSIGHT, Slice
from sekisho.sandbox.world import (
    DEFAULT_START_US,
    SCENARIOS,
    World,
    WorldError,
)

__all__ = [
    "DEFAULT_START_US",
    "HINDSIGHT",
    "SCENARIOS",
    "Hard",
    "Kind",
    "Payload",
    "Slice",
    "Stream",
    "World",
    "WorldError",
    "default_counters",
    "default_lists",
    "default_rules",
    "events_in_order",
    "map_text",
    "payloads",
]
