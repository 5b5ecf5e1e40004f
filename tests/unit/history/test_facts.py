import polars as pl

from sekisho.history import decided, fates


def outcomes(*rows: dict[str, object]) -> pl.LazyFrame:
    schema = {
        "event": pl.String, "type": pl.String, "at_us": pl.Int64, "about": pl.String,
        "is_fraudulent": pl.Boolean, "refund_reason": pl.String, "verdict": pl.String,
        "label": pl.String, "outcome": pl.String,
    }  # fmt: skip
    return pl.LazyFrame(list(rows), schema=schema, orient="row")


def fate_of(*rows: dict[str, object], as_of_us: int = 100) -> dict[str, object]:
    found = fates(outcomes(*rows), as_of_us).collect()
    return found.row(0, named=True) if found.height else {}


def test_each_fact_has_the_time_at_which_it_was_first_known() -> None:
    told = fate_of(
        {"type": "dispute", "at_us": 30, "about": "p", "is_fraudulent": True},
        {"type": "dispute", "at_us": 20, "about": "p", "is_fraudulent": False},
        {"type": "early_fraud_warning", "at_us": 10, "about": "p"},
        {"type": "refund", "at_us": 40, "about": "p", "refund_reason": "fraudulent"},
        {"type": "authorization", "at_us": 1, "about": "p", "outcome": "authorized"},
    )
    assert (told["disputed_us"], told["fraud_disputed_us"], told["warned_us"]) == (20, 30, 10)
    assert (told["refunded_us"], told["fraud_refunded_us"]) == (40, 40)
    assert (told["answered_us"], told["approved"]) == (1, True)


def test_what_came_later_is_not_known_yet() -> None:
    late = {"type": "dispute", "at_us": 30, "about": "p", "is_fraudulent": True}
    assert fate_of(late, as_of_us=29) == {}
    assert fate_of(late, as_of_us=30)["fraud_disputed_us"] == 30


def test_the_newest_label_states_the_truth() -> None:
    told = fate_of(
        {"type": "label", "at_us": 5, "about": "p", "label": "fraud"},
        {"type": "label", "at_us": 9, "about": "p", "label": "legitimate"},
    )
    assert told["truth"] == "legitimate"


def test_a_reviewers_refund_is_a_refund() -> None:
    told = fate_of(
        {"type": "review_verdict", "at_us": 5, "about": "p", "verdict": "refunded_as_fraud"}
    )
    assert (told["refunded_us"], told["fraud_refunded_us"]) == (5, 5)


def test_only_decided_events_are_decided_and_each_once() -> None:
    rows = outcomes(
        {"event": "p", "type": "payment", "at_us": 1},
        {"event": "p", "type": "payment", "at_us": 1},
        {"event": "d", "type": "dispute", "at_us": 2, "about": "p"},
    )
    assert decided(rows).collect()["event"].to_list() == ["p"]
