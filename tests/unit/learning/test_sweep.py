from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from sekisho.learning import (
    BacktestRefused,
    Costs,
    Past,
    ask,
    backtest_rule,
    backtest_sweep,
    costs_of,
    curve_svg,
    days_svg,
    parse_costs,
    variants,
)

from .conftest import paid, told

Make = Callable[..., Past]


def test_the_point_that_saves_most_is_marked(past_with: Make) -> None:
    rows = [paid(at, risk_score=float(at)) for at in range(1, 11)]
    rows += [told("dispute", at, is_fraudulent=True) for at in (8, 9, 10)]
    past = past_with(rows)
    costs = Costs(margin=1, share_of_blocked_good_lost=1)
    result = backtest_sweep(past, "Block if :risk_score: > {0..10..1}", {}, costs)
    assert [one["matched"]["count"] for one in result["points"]] == list(range(10, -1, -1))
    assert (result["best"]["value"], result["best"]["saved"]) == (7, 3 * 2500)
    assert result["worth_it"]
    drawn = ET.fromstring(curve_svg(result))  # noqa: S314 — our own text
    assert "best: 7, saves 75.00 USD" in "".join(drawn.itertext())


def test_a_sweep_says_the_same_as_its_rules_one_by_one(past_with: Make) -> None:
    rows = [paid(at, risk_score=float(at * 7 % 10)) for at in range(1, 30)]
    rows += [told("dispute", at, is_fraudulent=True) for at in (3, 9, 20)]
    past = past_with(rows, ("Block if :risk_score: > 8",))
    result = backtest_sweep(past, "Block if :risk_score: > {2, 5}", {}, Costs())
    for point in result["points"]:
        alone = backtest_rule(past, ask(past, point["rule"], {}), Costs())
        assert point["matched"] == alone["matched"]
        assert point["incremental"]["count"] == alone["incremental"]["count"]
        assert (point["precision"], point["recall"]) == (alone["precision"], alone["recall"])
        assert point["saved"] == alone["money"]["saved"]
    assert len(days_svg(alone)) > 500


@pytest.mark.parametrize(
    "text",
    [
        "Block if :a: > 5",
        "{1..2} {3..4}",
        "x {}",
        "x {5..1..1}",
        "x {1..999}",
        "x {a, b}",
        "x {1..2..0}",
    ],
)
def test_a_sweep_that_cannot_be_read_says_how_to_write_one(text: str) -> None:
    with pytest.raises(BacktestRefused, match=r"\{"):
        variants(text)


def test_values_of_a_sweep_are_exact_and_braces_in_texts_are_texts() -> None:
    assert [value for value, _ in variants("x > {0.1..0.4..0.1}")] == ["0.1", "0.2", "0.3", "0.4"]
    assert variants("::a:: = '{1..2}' and x > {7}") == [("7", "::a:: = '{1..2}' and x > 7")]


def test_costs_are_read_strictly() -> None:
    assert parse_costs("[costs]\nmargin = 0.5").margin == 0.5
    assert parse_costs("dispute_fee = 2000") == Costs(dispute_fee=2000)
    for given in ({"nope": 1}, {"margin": 1.5}, {"dispute_fee": -1}, {"margin": True}):
        with pytest.raises(BacktestRefused):
            costs_of(given)
