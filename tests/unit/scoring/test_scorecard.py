"""The scorecard that fills the risk slot: points, bands, reasons, and what is given."""

import pytest

from sekisho.events import default_catalogue
from sekisho.scoring import FACTORS, Factor, Level, Scorecard, Thresholds

CARD = Scorecard(default_catalogue())


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0, "normal"),
        (64.9, "normal"),
        (65, "elevated"),
        (74.9, "elevated"),
        (75, "highest"),
        (100, "highest"),
    ],
)
def test_given_score_falls_into_the_default_bands(score: float, level: str) -> None:
    risk = CARD.score("payment", {"risk_score": score})
    assert (risk.score, risk.level, risk.reasons) == (score, level, ())


def test_given_level_wins_over_the_band() -> None:
    assert CARD.score("payment", {"risk_score": 90.0, "risk_level": "normal"}).level == "normal"
    assert CARD.score("payment", {"risk_level": "highest"}).level == "highest"


def test_plain_payment_has_the_base_score_and_no_reason() -> None:
    risk = CARD.score("payment", {})
    assert (risk.score, risk.level, risk.reasons) == (5, Level.NORMAL, ())


def test_points_add_up_and_reasons_are_told_strongest_first() -> None:
    record = {"is_anonymous_ip": True, "card_funding": "prepaid", "is_disposable_email": True}
    risk = CARD.score("payment", record)
    assert risk.score == 5 + 22 + 18 + 9
    assert [code for code, _ in risk.reasons] == [
        "anonymous_network",
        "disposable_email",
        "prepaid_card",
    ]


def test_score_stays_within_0_and_99() -> None:
    catalogue = default_catalogue()
    heavy = [Factor(f"f{n}", 60, ":amount_in_usd: > 0", "x") for n in range(3)]
    assert Scorecard(catalogue, heavy).score("payment", {"amount_in_usd": 1.0}).score == 99
    light = [Factor("f", -60, ":amount_in_usd: > 0", "x")]
    assert Scorecard(catalogue, light).score("payment", {"amount_in_usd": 1.0}).score == 0


def test_missing_values_never_add_points() -> None:
    for factor in FACTORS:
        assert Scorecard(default_catalogue(), [factor]).score("payment", {}).reasons == ()


@pytest.mark.parametrize("event_type", ["login", "signup", "outbound_transfer"])
def test_other_events_are_not_assessed(event_type: str) -> None:
    risk = CARD.score(event_type, {"is_anonymous_ip": True})
    assert (risk.score, risk.level) == (None, Level.NOT_ASSESSED)


def test_version_follows_factors_and_thresholds() -> None:
    catalogue = default_catalogue()
    versions = {
        Scorecard(catalogue).version,
        Scorecard(catalogue, FACTORS[:-1]).version,
        Scorecard(catalogue, FACTORS, Thresholds(60, 70)).version,
    }
    assert len(versions) == 3
    assert Scorecard(catalogue).version == CARD.version


def test_factor_that_is_no_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="scorecard"):
        Scorecard(default_catalogue(), [Factor("f", 1, ":no_such: > 1", "x")])
