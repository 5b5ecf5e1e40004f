"""A small history that every test of backtests may vary."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sekisho.events import default_catalogue, indicative_rates
from sekisho.history import Archive
from sekisho.learning import Past
from sekisho.rules import DraftRule, assemble
from sekisho.scoring import Scorecard

DAY = 86_400_000_000
SCHEMA = {
    "event": pl.String, "type": pl.String, "at_us": pl.Int64, "about": pl.String,
    "amount": pl.Float64, "currency": pl.String, "outcome": pl.String, "decided": pl.String,
    "rule": pl.String, "card_brand": pl.String, "risk_score": pl.Float64, "risk_level": pl.String,
    "is_fraudulent": pl.Boolean, "refund_reason": pl.String, "verdict": pl.String,
    "label": pl.String, "label_known_at_us": pl.Int64, "event_type": pl.String,
    "transaction_type": pl.String, "payment_method_type": pl.String,
}  # fmt: skip


def paid(number: int, **given: Any) -> dict[str, Any]:
    plain = {
        "event": f"p{number}",
        "type": "payment",
        "at_us": number * DAY,
        "amount": 1000.0,
        "currency": "usd",
        "card_brand": "visa",
        "risk_score": 10.0,
        "risk_level": "normal",
        "event_type": "payment",
    }
    return {**plain, **given}


def told(kind: str, about: int, after_days: int = 1, **given: Any) -> dict[str, Any]:
    at_us = (about + after_days) * DAY
    return {"event": f"{kind}{about}", "type": kind, "at_us": at_us, "about": f"p{about}", **given}


@pytest.fixture
def past_with(tmp_path: Path) -> Callable[..., Past]:
    """A past of these rows, with these rules in force."""

    def make(rows: list[dict[str, Any]], live: tuple[str, ...] = ()) -> Past:
        archive = Archive(tmp_path / "history")
        frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        archive.add(frame.sort("at_us", maintain_order=True), "import", batch="one")
        catalogue, numbers = default_catalogue(), iter(range(1, 100))
        rules = assemble(
            [DraftRule(text) for text in live], catalogue, {}, lambda: f"live_{next(numbers)}"
        )
        scorecard = Scorecard(catalogue)
        return Past(archive, rules, {}, catalogue, scorecard, rates=indicative_rates())

    return make
