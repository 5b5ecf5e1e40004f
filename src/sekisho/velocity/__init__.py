"""COUNT: declared counters over event time; live and offline they give the same values."""

from sekisho.velocity.counters import Counters
from sekisho.velocity.declare import parse_counter, parse_counters
from sekisho.velocity.families import family_names, family_spec
from sekisho.velocity.offline import compute_counters
from sekisho.velocity.spec import Aggregate, CounterRefused, CounterSpec
from sekisho.windows import warm

__all__ = [
    "Aggregate",
    "CounterRefused",
    "CounterSpec",
    "Counters",
    "compute_counters",
    "family_names",
    "family_spec",
    "parse_counter",
    "parse_counters",
    "warm",
]
