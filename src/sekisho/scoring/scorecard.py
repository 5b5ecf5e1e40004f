"""The scorecard: points for what fraud often looks like, until a trained model takes the slot."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.events import Record
from sekisho.language import Catalogue, check_rule, compile_rules, fields_of
from sekisho.scoring.levels import DEFAULT_THRESHOLDS, Level, Risk, Thresholds

BASE: Final = 5
"""Points of an event with nothing remarkable about it."""
MAX_SCORE: Final = 99
MAX_KNOWN: Final = 10_000
"""Combinations of factors whose risk is kept; a busy day sees some hundreds."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One line of the scorecard: a condition in the rule language and its points."""

    code: str
    points: int
    condition: str
    meaning: str


FACTORS: Final[tuple[Factor, ...]] = (
    Factor(
        "anonymous_network", 22, ":is_anonymous_ip:", "the address is a known proxy or Tor exit"
    ),
    Factor(
        "disposable_email", 18, ":is_disposable_email:", "the mailbox is of the throw-away kind"
    ),
    Factor(
        "country_mismatch",
        14,
        ":card_country: != :ip_country:",
        "the card was issued elsewhere than where the buyer is",
    ),
    Factor(
        "billing_mismatch",
        8,
        ":billing_address_country: != :card_country:",
        "the billing country is not the card's",
    ),
    Factor("prepaid_card", 9, ":card_funding: = 'prepaid'", "prepaid cards are hard to trace"),
    Factor("large_amount", 8, ":amount_in_usd: > 1000", "the amount is worth an attacker's while"),
    Factor(
        "card_burst",
        20,
        ":total_charges_per_card_number_hourly: >= 5",
        "many attempts on one card within the hour",
    ),
    Factor(
        "customer_burst",
        14,
        ":total_charges_per_customer_hourly: >= 5",
        "many attempts by one customer within the hour",
    ),
    Factor(
        "ip_burst",
        16,
        ":total_charges_per_ip_address_hourly: >= 10",
        "many attempts from one address within the hour",
    ),
    Factor(
        "declines_on_card",
        22,
        ":declined_charges_per_card_number_daily: >= 3",
        "the issuer keeps declining this card",
    ),
    Factor(
        "declines_on_ip",
        16,
        ":declined_charges_per_ip_address_hourly: >= 5",
        "the issuers keep declining this address",
    ),
    Factor(
        "cards_per_customer",
        18,
        ":card_count_for_customer_daily: >= 4",
        "one customer tries many cards",
    ),
    Factor(
        "cards_per_ip",
        20,
        ":card_count_for_ip_address_daily: >= 6",
        "one address tries many cards",
    ),
    Factor(
        "fraud_disputes_on_card",
        40,
        ":dispute_count_on_card_number_all_time: > 0",
        "the card was disputed as fraud before",
    ),
    Factor(
        "fraud_warnings_on_card",
        40,
        ":efw_count_on_card_all_time: > 0",
        "the card was reported as fraud before",
    ),
    Factor(
        "proven_card",
        -6,
        ":authorized_charges_per_card_number_all_time: >= 5",
        "the card has paid without trouble before",
    ),
)
"""In the order of reading; points add up. A missing value never adds points."""

SCORED_TYPES: Final = frozenset({"payment", "card_authorization"})
"""Events the scorecard speaks about; the others are `not_assessed`."""


class Scorecard:
    """Adds up the points of every factor that holds, within 0 and 99."""

    def __init__(
        self,
        catalogue: Catalogue,
        factors: Sequence[Factor] = FACTORS,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
    ) -> None:
        self._reasons = [(one.code, one.points) for one in factors]
        self.thresholds = thresholds
        checked = [check_rule(f"Review if {one.condition}", catalogue, None) for one in factors]
        rules = [one.rule for one in checked if one.rule is not None]
        if len(rules) != len(factors):
            wrong = next(one for one in checked if one.errors)
            raise ValueError(f"scorecard: {wrong.errors[0].message}")
        self._compiled = compile_rules(rules)
        self._known: dict[tuple[int, ...], Risk] = {}
        self.fields = frozenset[str]().union(*(fields_of(rule.condition) for rule in rules))
        self.version = _version(tuple(factors), thresholds)

    def score(self, event_type: str, record: Record) -> Risk:
        """The risk of an event; what the caller gave as `risk_score` or `risk_level` wins."""
        given, level = record.get("risk_score"), record.get("risk_level")
        if given is not None and not isinstance(given, str):
            band = level if isinstance(level, str) else self.thresholds.level(given)
            return Risk(given, str(band))
        if event_type not in SCORED_TYPES:
            return Risk(None, str(level or Level.NOT_ASSESSED))
        matched = tuple(self._compiled.matches(record, _NO_LISTS))
        risk = self._known.get(matched) or self._learn(matched)
        return Risk(risk.score, str(level), risk.reasons) if level else risk

    def _learn(self, matched: tuple[int, ...]) -> Risk:
        """The risk when exactly these factors hold; the same few come again and again."""
        reasons = [self._reasons[at] for at in matched]
        points = BASE
        for reason in reasons:
            points += reason[1]
        points = min(MAX_SCORE, max(0, points))
        if len(reasons) > 1:
            reasons.sort(key=_strongest_first)
        risk = Risk(points, str(self.thresholds.level(points)), tuple(reasons))
        if len(self._known) < MAX_KNOWN:
            self._known[matched] = risk
        return risk


_NO_LISTS: Mapping[str, frozenset[str]] = {}


def _strongest_first(reason: tuple[str, int]) -> tuple[int, str]:
    return -reason[1], reason[0]


def _version(factors: Sequence[Factor], thresholds: Thresholds) -> str:
    digest = hashlib.sha256(repr((factors, thresholds)).encode()).hexdigest()
    return f"scorecard_{digest[:8]}"
