"""Events as a shop and its enemies send them: shared keys, repeats, late ones, outcomes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sekisho.kit.clock import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

DECISIONS, EVENTS = "/v1/decisions", "/v1/events"
SECOND_US = 1_000_000
LATE_US = 600 * SECOND_US
RULES = (
    "Block if :total_charges_per_customer_hourly: > 12",
    "Block if :declined_charges_per_card_number_daily: > 3",
    "Review if :email_count_for_card_daily: > 2 or :authorized_charges_per_email_hourly: > 4",
    "Review if :average_usd_amount_successful_on_card_all_time: > 500",
    "Review if :total_customers_with_prior_fraud_activity_for_card_weekly: > 1",
)
COUNTERS: dict[str, dict[str, Any]] = {
    "declined_usd": {
        "aggregate": "sum", "of": "payment", "by": ["card_fingerprint"],
        "where": ":outcome: = 'declined'", "window": "36h", "value": "amount_in_usd",
    },
    "fraud_ratio": {
        "aggregate": "ratio", "of": ["payment", "card_authorization"], "by": ["ip_address"],
        "value": ":label: = 'fraud'", "window": "7d",
    },
    "cards_of_mail": {
        "aggregate": "distinct", "of": "payment", "by": ["email"], "value": "card_fingerprint",
        "window": "all", "cap": 3,
    },
    "greatest_lately": {
        "aggregate": "max", "of": "payment", "by": ["customer", "ip_address"],
        "value": "amount_in_usd", "window": "10m", "lag": "30s",
    },
    "since_login": {"aggregate": "time_since_last", "of": "login", "by": ["customer"],
                    "window": "1d"},
    "refunds_too": {"aggregate": "count", "of": ["refund", "dispute", "payment"],
                    "by": ["customer"], "window": "2h", "include_current": True},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the API: what a client would send again, unchanged."""

    path: str
    body: bytes
    key: str = ""

    @property
    def event_id(self) -> str:
        event_id: str = json.loads(self.body)["id"]
        return event_id


class Stream:
    """An endless, seeded stream of requests around a moment that moves on."""

    def __init__(self, seed: object, at_us: int, population: int = 12) -> None:
        self.rng = random.Random(f"stream {seed}")
        self._stem = str(seed)
        self._at_us = at_us
        self._population = population
        self._number = 0
        self._sent: list[Request] = []
        self._decided: list[str] = []

    def __iter__(self) -> Iterator[Request]:
        while True:
            yield self.next()

    def next(self) -> Request:
        """A new decision or outcome, or one sent before."""
        chance = self.rng.random()
        if chance < 0.12 and self._sent:
            return self.rng.choice(self._sent[-60:])
        if chance < 0.4 and self._decided:
            return self._keep(EVENTS, self._outcome())
        event = self._event()
        self._decided.append(event["id"])
        return self._keep(DECISIONS, event)

    def take(self, count: int) -> list[Request]:
        """So many of them."""
        return [self.next() for _ in range(count)]

    def _keep(self, path: str, event: dict[str, Any]) -> Request:
        key = f"key_{event['id']}" if self.rng.random() < 0.5 else ""
        request = Request(path, json.dumps(event).encode(), key)
        self._sent.append(request)
        return request

    def _base(self, prefix: str) -> dict[str, Any]:
        self._number += 1
        self._at_us += self.rng.choice((0, 1, 200_000, 2 * SECOND_US, 20 * SECOND_US))
        late = self.rng.randrange(LATE_US) if self.rng.random() < 0.25 else 0
        return {"id": f"{prefix}_{self._stem}_{self._number}",
                "occurred_at": iso(self._at_us - late)}  # fmt: skip

    def _event(self) -> dict[str, Any]:
        rng = self.rng
        kind = rng.choices(("payment", "card_authorization", "login", "signup"), (8, 2, 2, 1))[0]
        event = {
            **self._base("evt"), "type": kind, "customer": f"cus_{self._stem}_{self._who()}",
            "ip_address": f"198.51.{self._who() // 256 % 256}.{self._who() % 256}",
            "email": f"a{self._who()}@{self._stem}.example",
        }  # fmt: skip
        if kind in ("payment", "card_authorization"):
            amount = rng.choice((100, 2_500, 99_999, rng.randrange(1, 5_000_000)))
            card = {"fingerprint": f"fp_{self._stem}_{self._who()}"}
            event |= {"amount": amount, "currency": rng.choice(("usd", "eur", "jpy")), "card": card}
        return event

    def _who(self) -> int:
        """Somebody of those around now: newcomers come, others stay away."""
        return self._number // 60 + self.rng.randrange(self._population)

    def _outcome(self) -> dict[str, Any]:
        kind = self.rng.choices(
            ("authorization", "label", "dispute", "refund", "early_fraud_warning"), (8, 3, 2, 2, 1)
        )[0]
        about = self.rng.choice(self._decided[-40:])
        more: dict[str, Any] = {
            "authorization": {"approved": self.rng.random() < 0.6},
            "label": {"label": self.rng.choice(("fraud", "legitimate"))},
            "dispute": {"reason": "fraudulent"},
        }.get(kind, {})
        return {**self._base("out"), "type": kind, "about": about, **more}
