"""Lists in rules over HTTP: what stands in them counts at once, until it expires."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

Fresh = Callable[[str], str]
Rules = Callable[..., dict[str, Any]]
MakeList = Callable[..., str]


@pytest.fixture
def new_list(http: httpx.Client, fresh: Fresh) -> MakeList:
    def make(*items: str, item_type: str = "string") -> str:
        alias = fresh("list")
        made = http.post("/v1/lists", json={"alias": alias, "item_type": item_type})
        assert made.status_code == 201, made.text
        http.post(f"/v1/lists/{alias}/items", json={"items": list(items)})
        return alias

    return make


def now_of(api: Any) -> datetime:
    """The server's clock, which tests move."""
    told = api.http.post("/dev/clock", json={"advance_s": 0}).json()["now"]
    return datetime.fromisoformat(told).astimezone(UTC)


def test_item_counts_from_the_next_event_on(
    api: Any, http: httpx.Client, rules: Rules, new_list: MakeList
) -> None:
    alias = new_list()
    rules(f"Block if :email_domain: in @{alias}")
    before = api.decide(email="a@bad.example")
    assert before["outcome"] == "allow"
    http.post(f"/v1/lists/{alias}/items", json={"items": ["BAD.example"]})
    after = api.decide(email="b@bad.example")
    assert after["outcome"] == "block"
    assert after["versions"]["lists"] != before["versions"]["lists"]


def test_removed_item_counts_no_more(
    api: Any, http: httpx.Client, rules: Rules, new_list: MakeList
) -> None:
    alias = new_list("ng", "ru", item_type="country")
    rules(f"Block if :card_country: in @{alias}")
    assert api.decide(card={"country": "RU"})["outcome"] == "block"
    newest = http.get(f"/v1/lists/{alias}/items").json()["data"][0]
    assert newest["value"] == "ru"
    assert http.delete(f"/v1/lists/{alias}/items/{newest['id']}").json()["deleted"] is True
    assert api.decide(card={"country": "RU"})["outcome"] == "allow"
    assert api.decide(card={"country": "NG"})["outcome"] == "block"


def test_whole_list_is_replaced_at_once(
    api: Any, http: httpx.Client, rules: Rules, new_list: MakeList
) -> None:
    alias = new_list("old.example")
    rules(f"Block if :email_domain: in @{alias}")
    told = http.put(f"/v1/lists/{alias}/items", json={"items": ["new.example", "other.example"]})
    assert told.json()["items"] == 2
    assert api.decide(email="a@old.example")["outcome"] == "allow"
    assert api.decide(email="a@new.example")["outcome"] == "block"


def test_item_expires_with_the_clock(
    api: Any, http: httpx.Client, rules: Rules, new_list: MakeList
) -> None:
    alias = new_list("stays.example")
    rules(f"Block if :email_domain: in @{alias}")
    until = (now_of(api) + timedelta(seconds=300)).isoformat()
    items = [{"value": "leaves.example", "expires_at": until}]
    http.post(f"/v1/lists/{alias}/items", json={"items": items})
    before = api.decide(email="a@leaves.example")
    assert before["outcome"] == "block"
    api.advance(301)
    after = api.decide(email="a@leaves.example")
    assert after["outcome"] == "allow"
    assert after["versions"]["lists"] != before["versions"]["lists"]
    assert api.decide(email="a@stays.example")["outcome"] == "block"
    listed = http.get(f"/v1/lists/{alias}/items").json()["data"]
    assert [one["value"] for one in listed] == ["stays.example"]
    assert http.get(f"/v1/lists/{alias}").json()["items"] == 1


def test_expired_item_can_be_added_again(
    api: Any, http: httpx.Client, rules: Rules, new_list: MakeList
) -> None:
    alias = new_list()
    rules(f"Block if :email_domain: in @{alias}")
    until = (now_of(api) + timedelta(seconds=60)).isoformat()
    items = [{"value": "again.example", "expires_at": until}]
    http.post(f"/v1/lists/{alias}/items", json={"items": items})
    api.advance(61)
    told = http.post(f"/v1/lists/{alias}/items", json={"items": ["again.example"]}).json()
    assert (told["added"], told["items"]) == (1, 1)
    assert api.decide(email="a@again.example")["outcome"] == "block"


def test_expiry_in_the_past_is_refused(http: httpx.Client, new_list: MakeList) -> None:
    items = [{"value": "x", "expires_at": "2020-01-01T00:00:00Z"}]
    refused = http.post(f"/v1/lists/{new_list()}/items", json={"items": items})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "expires_at"


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999-00:01"]
)
def test_expiry_that_no_date_can_show_is_refused(
    http: httpx.Client, new_list: MakeList, moment: str
) -> None:
    alias = new_list("x")
    items = [{"value": "y", "expires_at": moment}]
    refused = http.post(f"/v1/lists/{alias}/items", json={"items": items})
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "expires_at"
    last = [{"value": "z", "expires_at": "9999-12-31T23:59:59.999999Z"}]
    assert http.post(f"/v1/lists/{alias}/items", json={"items": last}).status_code == 200
    listed = http.get(f"/v1/lists/{alias}/items").json()["data"]
    assert [one["value"] for one in listed] == ["z", "x"]


def test_list_in_use_cannot_be_deleted(
    http: httpx.Client, api: Any, rules: Rules, new_list: MakeList
) -> None:
    alias = new_list("x")
    (rule,) = rules(f"Review if :email_domain: in @{alias}")["rules"]
    refused = http.delete(f"/v1/lists/{alias}")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "list_in_use"
    assert rule["id"] in refused.json()["error"]["message"]
    assert api.get(f"/v1/lists/{alias}")["used_by"] == [rule["id"]]
    rules()
    api.draft(f"Review if :email_domain: in @{alias}")
    assert http.delete(f"/v1/lists/{alias}").status_code == 400
    api.draft()
    assert http.delete(f"/v1/lists/{alias}").json()["deleted"] is True
    assert http.get(f"/v1/lists/{alias}").status_code == 404


def test_rule_over_a_deleted_list_cannot_be_drafted(http: httpx.Client, new_list: MakeList) -> None:
    alias = new_list()
    http.delete(f"/v1/lists/{alias}")
    refused = http.put("/v1/rulesets/draft", json={"rules": [f"Block if :email: in @{alias}"]})
    assert refused.json()["error"]["code"] == "radar_rule_unknown_list"


def test_list_of_another_type_does_not_fit(http: httpx.Client, new_list: MakeList) -> None:
    alias = new_list("US", item_type="country")
    refused = http.put("/v1/rulesets/draft", json={"rules": [f"Block if :email: in @{alias}"]})
    assert refused.json()["error"]["code"] == "radar_rule_list_type_mismatch"


# ── the default lists ───────────────────────────────────────────────────────────────────────────

FAMILIES = {
    "card_bin": "card_bin",
    "card_country": "country",
    "card_fingerprint": "card_fingerprint",
    "charge_description": "string",
    "client_ip_address": "ip_address",
    "client_ip_country": "country",
    "customer_id": "customer_id",
    "email": "email",
    "email_domain": "string",
}


def test_default_lists_are_there_and_stay(http: httpx.Client) -> None:
    there = {one["alias"]: one for one in http.get("/v1/lists").json()["data"]}
    for stem, item_type in FAMILIES.items():
        for side in ("allowlist", "blocklist"):
            assert there[f"{stem}_{side}"]["item_type"] == item_type
            refused = http.delete(f"/v1/lists/{stem}_{side}")
            assert refused.status_code == 400
            assert refused.json()["error"]["code"] == "list_is_default"


@pytest.mark.parametrize(
    ("stem", "value", "event"),
    [
        ("card_bin", "424242", {"card": {"bin": "424242"}}),
        ("card_country", "SE", {"card": {"country": "se"}}),
        ("card_fingerprint", "Fp_List", {"card": {"fingerprint": "Fp_List"}}),
        ("charge_description", "gift card", {"description": "Gift Card"}),
        ("client_ip_address", "198.51.100.200", {"ip_address": "198.51.100.200"}),
        ("client_ip_country", "NO", {"ip_country": "NO"}),
        ("customer_id", "Cus_List", {"customer": "Cus_List"}),
        ("email", "listed@example.net", {"email": "Listed@Example.net"}),
        ("email_domain", "listed.example", {"email": "x@listed.example"}),
    ],
)
def test_default_lists_block_and_allow(
    http: httpx.Client, api: Any, stem: str, value: str, event: dict[str, Any]
) -> None:
    for side, rule in (("block", "block_if_in_blocklist"), ("allow", "allow_if_in_allowlist")):
        http.post(f"/v1/lists/{stem}_{side}list/items", json={"items": [value]})
        told = api.decide(**event)
        assert (told["outcome"], told["rule"]["id"]) == (side, rule)
    assert told["rule_override_by_allow_rule"] is True
    for side in ("block", "allow"):
        http.put(f"/v1/lists/{stem}_{side}list/items", json={"items": []})
    assert api.decide(**event)["outcome"] == "allow"
