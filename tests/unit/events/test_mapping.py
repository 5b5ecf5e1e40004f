"""MAP.toml: what it may say, and how mistakes in it are told."""

import tomllib
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from sekisho.events import (
    MapError,
    history_from_frame,
    labels_from_frame,
    load_map,
    parse_map,
    payloads_from_frame,
    records_from_frame,
)

MAP = """
type = "payment"
id = "transaction_id"
occurred_at = "tx_datetime"          # naive = UTC
customer = "customer_id"
merchant = "terminal_id"
amount = { column = "tx_amount", unit = "major", currency = "eur" }
label = { column = "tx_fraud", known_after = "7d" }
"""
DAY_US = 86_400_000_000


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "transaction_id": [0, 1, 2],
            "tx_datetime": [datetime(2018, 4, 1, 0, 0, 31), datetime(2018, 4, 1), None],  # noqa: DTZ001 — histories have naive times
            "customer_id": [7, 8, 9],
            "terminal_id": [3156, 4, 5],
            "tx_amount": [57.16, 0.285, 1.0],
            "tx_fraud": [0, 1, 0],
        }
    )


def test_map_of_a_card_history_gives_records_and_labels() -> None:
    history = history_from_frame(frame(), parse_map(tomllib.loads(MAP)))
    records = history.records
    assert records["event"].to_list() == ["0", "1"]
    assert records["at_us"].to_list() == [1_522_540_831_000_000, 1_522_540_800_000_000]
    assert records["amount"].to_list() == [5716.0, 28.0]
    assert records["amount_in_eur"].to_list() == [57.16, 0.28]
    assert records["customer"].to_list() == ["7", "8"]
    assert records["label"].to_list() == ["legitimate", "fraud"]
    assert records["label_known_at_us"].to_list() == [at + 7 * DAY_US for at in records["at_us"]]
    assert history.rejected.select("row", "place").rows() == [(2, "occurred_at")]


def test_payloads_leave_hindsight_out_and_labels_are_events_of_their_own() -> None:
    event_map = parse_map(tomllib.loads(MAP))
    payload = next(payloads_from_frame(frame(), event_map))
    assert payload == {
        "type": "payment",
        "id": "0",
        "occurred_at": "2018-04-01T00:00:31Z",
        "customer": "7",
        "merchant": "3156",
        "amount": 5716,
        "currency": "eur",
    }
    label = list(labels_from_frame(frame(), event_map))[1]
    assert label == {
        "type": "label",
        "id": "label_1",
        "about": "1",
        "label": "fraud",
        "occurred_at": "2018-04-08T00:00:00Z",
    }


def test_tables_constants_and_attributes_are_understood() -> None:
    text = (
        MAP.replace('merchant = "terminal_id"', 'is_checkout = true\nrisk_score = "score"')
        + """
[card]
fingerprint = "customer_id"
country = { value = "jp" }
[metadata]
"Customer Type" = "kind"
[attributes]
is_anonymous_ip = "proxy"
"""
    )
    data = frame().with_columns(
        kind=pl.lit("guest"), score=pl.Series([1, 2, 3]), proxy=pl.Series([1, 0, None])
    )
    records = records_from_frame(data, parse_map(tomllib.loads(text)))
    row = records.row(0, named=True)
    assert row["is_checkout"] is True
    assert row["risk_score"] == 1.0
    assert row["is_anonymous_ip"] is True
    assert (row["card_country"], row["card_fingerprint"], row["card_funding"]) == (
        "JP",
        "7",
        "unknown",
    )
    assert row["::Customer Type::"] == "guest"


def test_type_may_differ_by_row() -> None:
    data = pl.DataFrame(
        {
            "t": ["login", "signup", "nothing"],
            "id": ["a", "b", "c"],
            "at": ["2026-01-01T00:00:00+09:00"] * 3,
            "result": ["success", None, None],
        }
    )
    event_map = parse_map(
        {"type": {"column": "t"}, "id": "id", "occurred_at": "at", "login_result": "result"}
    )
    history = history_from_frame(data, event_map)
    assert history.records["type"].to_list() == ["login", "signup"]
    assert history.records["login_result"].to_list() == ["success", None]
    assert history.rejected.select("row", "code").rows() == [(2, "unknown_type")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('type = "payment"', ""), "say which events these are"),
        (('"payment"', '"paymant"'), "did you mean `payment`?"),
        (("customer =", "custommer ="), "did you mean `customer`?"),
        (('id = "transaction_id"', ""), "`id` is missing"),
        (('unit = "major"', 'unit = "cents"'), "`cents` is not a unit"),
        ((', currency = "eur"', ""), "needs `currency`"),
        (('known_after = "7d"', 'known_after = "a week"'), "not a duration"),
        (("known_after", "know_after"), "did you mean `known_after`?"),
        (('{ column = "tx_fraud"', '{ colum = "tx_fraud"'), "did you mean `column`?"),
        (('customer = "customer_id"', "customer = []"), "takes a column's name"),
        (
            ('customer = "customer_id"', 'customer = { column = "a", value = "b" }'),
            "either `column` or `value`",
        ),
        (('customer = "customer_id"', 'metadata = "customer_id"'), "is a table"),
    ],
)
def test_mistakes_in_a_map_say_what_to_write(change: tuple[str, str], said: str) -> None:
    with pytest.raises(MapError, match=said.replace("?", "\\?").replace("`", "`")):
        parse_map(tomllib.loads(MAP.replace(*change)))


def test_unknown_column_is_named_with_the_nearest_one() -> None:
    text = MAP.replace('"customer_id"', '"customer"')
    with pytest.raises(MapError, match="did you mean `customer_id`"):
        records_from_frame(frame(), parse_map(tomllib.loads(text)))


def test_counter_cannot_be_mapped() -> None:
    text = MAP + '[attributes]\ntotal_charges_per_customer_hourly = "tx_fraud"\n'
    with pytest.raises(MapError, match="counted here"):
        records_from_frame(frame(), parse_map(tomllib.loads(text)))


def test_file_that_is_not_toml_says_so(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text("type = payment")
    with pytest.raises(MapError, match="is not TOML"):
        load_map(path)
