"""What a backtest looks at: a history, a period, a state of knowledge, and what is in force."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sekisho.events import CURRENCIES, ExchangeRates
from sekisho.history import Archive
from sekisho.language import Catalogue
from sekisho.learning.known import Versions
from sekisho.learning.maturity import DAY_US
from sekisho.rules import StoredRule
from sekisho.scoring import Scorecard
from sekisho.velocity import CounterSpec, family_spec

PERIOD_DAYS: Final = 183
"""Length of a backtest when no beginning is given: six months, as the vendor has it."""


class BacktestRefused(ValueError):
    """The question cannot be answered; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Past:
    """Where backtests read.

    Attributes:
        archive: the history.
        live: the rules in force, built-in ones included.
        lists: alias → folded items, as rules read them now.
        catalogue: the attributes rules may read, declared counters among them.
        scorecard: what gives the risk score where none is stored.
        declared: declared counters by name.
        known: profiles and parameters that rules may read, every version.
        rates: what amounts are converted with.
        currency: of reported amounts.
        from_us: events from this moment on; `settled` fills in what is not given.
        to_us: events before this moment.
        as_of_us: outcomes and labels known by this moment.
    """

    archive: Archive
    live: Sequence[StoredRule]
    lists: Mapping[str, Collection[str]]
    catalogue: Catalogue
    scorecard: Scorecard
    declared: Mapping[str, CounterSpec] = field(default_factory=dict[str, CounterSpec])
    known: Sequence[Versions] = ()
    rates: ExchangeRates = field(kw_only=True)
    currency: str = "usd"
    from_us: int | None = None
    to_us: int | None = None
    as_of_us: int | None = None

    def settled(self) -> "Settled":
        """The moments that count: all known at the end of history, over the last six months of it.

        Raises:
            BacktestRefused: there is no history, or nothing can lie within these moments.
        """
        if self.currency not in CURRENCIES or self.currency not in self.rates.usd_per_unit:
            raise BacktestRefused(f"amounts cannot be reported in `{self.currency}`: use usd")
        segments = self.archive.segments
        if not segments:
            raise BacktestRefused("there is no history yet: decide events, or run sekisho import")
        as_of_us = max(one.last_us for one in segments) if self.as_of_us is None else self.as_of_us
        to_us = as_of_us + 1 if self.to_us is None else min(self.to_us, as_of_us + 1)
        first_us = min(one.first_us for one in segments)
        from_us = self.from_us
        if from_us is None:
            from_us = max(first_us, to_us - PERIOD_DAYS * DAY_US)
        if from_us >= to_us:
            raise BacktestRefused(
                "the period is empty: it must begin before its end and before what is known"
                " (--from before --to and --as-of)"
            )
        return Settled(replace(self, from_us=from_us), from_us, to_us, as_of_us)

    def spec(self, name: str) -> CounterSpec | None:
        """The counter of that name."""
        return self.declared.get(name) or family_spec(name)


@dataclass(frozen=True, slots=True)
class Settled:
    """A past with its moments."""

    past: Past
    from_us: int
    to_us: int
    as_of_us: int
