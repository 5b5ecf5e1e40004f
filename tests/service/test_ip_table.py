"""Where addresses are: the operator's table fills in what the caller does not say."""

import json
from pathlib import Path

import msgspec

from sekisho.entrypoints.settings import read_settings
from sekisho.entrypoints.wiring import open_node


def test_the_country_of_an_address_comes_from_the_operators_table(tmp_path: Path) -> None:
    table = tmp_path / "ip.csv"
    table.write_text("start,end,country\n203.0.113.0,203.0.113.255,JP\n")
    node = open_node(read_settings({}, data=tmp_path / "data", ip_table=table))
    try:
        event = {"type": "payment", "amount": 5, "currency": "usd", "ip_address": "203.0.113.9"}
        told = msgspec.json.decode(node.decide(json.dumps({**event, "id": "a"}).encode()).body)
        assert told["attributes"]["ip_country"] == "JP"
        given = {**event, "id": "b", "attributes": {"ip_country": "SG"}}
        told = msgspec.json.decode(node.decide(json.dumps(given).encode()).body)
        assert told["attributes"]["ip_country"] == "SG"
    finally:
        node.close()
