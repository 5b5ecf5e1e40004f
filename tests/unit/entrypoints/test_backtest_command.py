"""`sekisho backtest` on the Mallory world and on published data."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sekisho.events import history_from_frame, load_map
from sekisho.history import Archive
from sekisho.sandbox import World

Run = Callable[..., tuple[int, str, str]]
SHARED = os.environ.get("SEKISHO_SHARED")
GUEST = "and ::CustomerType:: = 'guest' and :total_charges_per_customer_hourly: > 2"
FLAWED = f"Block if :card_funding: = 'prepaid' and :card_funding: = 'mallory' {GUEST}"
REPAIRED = f"Block if :card_funding: = 'prepaid' and :card_brand: = 'mallory' {GUEST}"


@pytest.fixture(scope="module")
def mallory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the history of the Mallory world; its truth lies beside it."""
    place = tmp_path_factory.mktemp("mallory")
    World(400, 30, 7, "mallory").write(place / "world")
    archive = Archive(place / "history")
    for name in ("payment", "outcomes"):
        frame = pl.read_parquet(place / "world" / f"{name}.parquet")
        told = history_from_frame(frame, load_map(place / "world" / f"{name}.map.toml"))
        archive.add(told.records, "import", batch="world")
    return place


def test_the_flawed_rule_matches_nothing_and_says_why(run: Run, mallory: Path) -> None:
    status, out, _ = run("backtest", FLAWED, "--data", mallory, "--json")
    result = json.loads(out)
    assert (status, result["matched"]) == (0, {"count": 0, "amount": 0})
    assert "can never be true together with" in result["no_match_because"][0]
    _, shown, _ = run("backtest", "--rule", FLAWED, "--data", mallory)
    assert "matches nothing: " in shown


def test_the_repaired_rule_catches_the_attack(run: Run, mallory: Path) -> None:
    chart = mallory / "days.svg"
    _, out, _ = run("backtest", REPAIRED, "--data", mallory, "--svg", chart, "--json")
    result = json.loads(out)
    assert result["matched"]["count"] == 172
    assert sum(one["count"] for one in result["by_category"].values()) == 172
    assert result["incremental"]["count"] + result["already_covered_by"][0]["count"] == 172
    assert result["precision"]["low"] < result["precision"]["value"] < result["precision"]["high"]
    assert sum(day["count"] for day in result["by_day"]) == 172
    assert result["counters_computed"].count("total_charges_per_customer_hourly") == 1
    truth = pl.read_parquet(mallory / "world" / "truth.parquet")
    samples = [one["event"] for one in result["samples"]]
    assert truth.filter(pl.col("event").is_in(samples))["is_fraud"].all()
    assert chart.read_text().startswith("<svg")
    _, shown, _ = run("backtest", REPAIRED, "--data", mallory)
    assert "precision 89.3% (82.2% to 93.8%)" in shown


def test_rule_sets_and_sweeps_write_what_people_paste(run: Run, mallory: Path) -> None:
    rules = mallory / "new.rules"
    rules.write_text(REPAIRED)
    page = mallory / "verdict.md"
    asked = ("backtest", "--ruleset", rules, "--data", mallory, "--markdown", page)
    assert run(*asked)[0] == 0
    assert "| allow | block | `candidate_1` |" in page.read_text()
    costs = mallory / "costs.toml"
    costs.write_text("margin = 0\n")
    sweep = ("backtest", "--sweep", "Block if :risk_score: > {20..70..10}", "--data", mallory)
    cheap = json.loads(run(*sweep, "--costs", costs, "--json")[1])
    dear = json.loads(run(*sweep, "--json")[1])
    assert dear["best"]["value"] > cheap["best"]["value"]


def test_a_new_counter_is_counted_over_all_history(run: Run, mallory: Path) -> None:
    file = mallory / "counters.toml"
    file.write_text(
        '[cards_of_ip]\naggregate = "distinct"\nof = "payment"\nby = "ip_address"\n'
        'value = "card_fingerprint"\nwindow = "1d"\n'
    )
    asked = ("backtest", "Review if :cards_of_ip: > 2", "--data", mallory, "--json")
    whole = json.loads(run(*asked, "--counters", file)[1])
    assert whole["matched"]["count"] > 0
    assert "cards_of_ip" in whole["counters_computed"]
    middle = "2025-10-17"
    parts = [
        json.loads(run(*asked, "--counters", file, *limit)[1])["matched"]["count"]
        for limit in (("--to", middle), ("--from", middle))
    ]
    assert sum(parts) == whole["matched"]["count"]
    status, _, err = run(*asked)
    assert status == 2
    assert "cards_of_ip" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give one of a rule"),
        (("Block if :card_fundng: = 'x'",), "did you mean"),
        (("Block if :amount_in_usd: > 1", "--from", "soon"), "no date or time"),
        (("Block if :amount_in_usd: > 1", "--from", "2030-01-01"), "period is empty"),
        (("--sweep", "Block if :amount_in_usd: > 1"), "one place in braces"),
    ],
)
def test_what_cannot_be_asked_ends_with_2_and_a_reason(
    run: Run, mallory: Path, arguments: tuple[str, ...], said: str
) -> None:
    status, _, err = run("backtest", *arguments, "--data", mallory)
    assert status == 2
    assert said in " ".join(err.split())


def test_a_directory_without_history_says_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    status, _, err = run("backtest", "Block if :amount_in_usd: > 1", "--data", tmp_path / "data")
    assert status == 2
    assert "there is no history yet" in err
    status, _, err = run("backtest", "Block if :amount_in_usd: > 1", "--data", tmp_path / "nowhere")
    assert status == 2
    assert "there is no data directory" in err


@pytest.mark.skipif(SHARED is None, reason="set SEKISHO_SHARED to the folder with data/handbook")
def test_amounts_above_220_of_the_published_payments_are_all_fraud(
    run: Run, tmp_path: Path
) -> None:
    folder = Path(str(SHARED)) / "data" / "handbook"
    fraud = pl.when(pl.col("tx_fraud") == 1).then(pl.lit("fraud"))
    frame = pl.read_parquet(folder / "transactions.parquet").select(
        event=pl.col("transaction_id").cast(pl.String),
        type=pl.lit("payment"),
        at_us=pl.col("tx_datetime").dt.epoch("us"),
        about=pl.lit(None, pl.String),
        amount=(pl.col("tx_amount") * 100).round(),
        currency=pl.lit("eur"),
        risk_score=pl.lit(0.0),
        risk_level=pl.lit("normal"),
        label=fraud.otherwise(pl.lit("legitimate")),
    )
    frame = frame.with_columns(label_known_at_us=pl.col("at_us") + 7 * 86_400_000_000)
    Archive(tmp_path / "history").add(frame, "import", batch="handbook")
    asked = ("--data", tmp_path, "--from", "2018-01-01", "--as-of", "2030-01-01")
    rule = "Block if :amount_in_eur: > 220"
    result = json.loads(run("backtest", rule, *asked, "--currency", "eur", "--json")[1])
    above = frame.filter(pl.col("amount") > 22_000)
    assert result["matched"] == {"count": above.height, "amount": int(above["amount"].sum())}
    assert result["precision"]["value"] == 1.0
    assert result["precision"]["of"] == above.height > 100
