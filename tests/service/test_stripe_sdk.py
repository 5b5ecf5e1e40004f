"""Stripe's own SDK against the list endpoints, with a changed base address and nothing else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

Fresh = Callable[[str], str]


@pytest.fixture
def radar(server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    options = {"base_addresses": {"api": server.url}, "max_network_retries": 0}
    return stripe.StripeClient("sk_test_sekisho", **options).v1.radar


@pytest.fixture
def made(radar: Any, fresh: Fresh) -> Callable[..., Any]:
    def make(**given: Any) -> Any:
        return radar.value_lists.create(params={"alias": fresh("sdk"), "name": "made", **given})

    return make


def test_list_has_the_vendors_fields(made: Callable[..., Any]) -> None:
    one = made(item_type="email", metadata={"owner": "risk", "none": ""})
    assert isinstance(one, stripe.radar.ValueList)
    assert one.id.startswith("rsl_")
    assert (one.item_type, one.livemode, one.created_by) == ("email", False, "API")
    assert one.metadata.to_dict() == {"owner": "risk"}
    assert one.list_items.url == f"/v1/radar/value_list_items?value_list={one.id}"


def test_items_are_paged_newest_first_in_both_directions(
    radar: Any, made: Callable[..., Any]
) -> None:
    owner = made().id
    for number in range(12):
        radar.value_list_items.create(params={"value_list": owner, "value": f"v{number}"})
    values = [f"v{number}" for number in reversed(range(12))]
    pages = radar.value_list_items.list(params={"value_list": owner, "limit": 5})
    assert [one.value for one in pages.auto_paging_iter()] == values
    assert len(radar.value_list_items.list(params={"value_list": owner}).data) == 10
    edge = pages.data[4].id
    before = {"value_list": owner, "limit": 2, "ending_before": edge}
    assert [one.value for one in radar.value_list_items.list(params=before).data] == ["v9", "v8"]
    embedded = radar.value_lists.retrieve(owner).list_items
    assert (len(embedded.data), embedded.has_more) == (10, True)


def test_item_is_found_by_value_and_removed(radar: Any, made: Callable[..., Any]) -> None:
    owner = made(item_type="country").id
    item = radar.value_list_items.create(params={"value_list": owner, "value": "ng"})
    assert (item.object, item.value) == ("radar.value_list_item", "ng")
    found = radar.value_list_items.list(params={"value_list": owner, "value": "NG"}).data
    assert [one.id for one in found] == [item.id]
    assert radar.value_list_items.retrieve(item.id).value_list == owner
    assert radar.value_list_items.delete(item.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as gone:
        radar.value_list_items.retrieve(item.id)
    assert (gone.value.http_status, gone.value.code) == (404, "resource_missing")


def test_lists_are_found_by_what_they_contain(radar: Any, made: Callable[..., Any]) -> None:
    owner = made(item_type="email").id
    radar.value_list_items.create(params={"value_list": owner, "value": "only@sdk.example"})
    found = radar.value_lists.list(params={"contains": "Only@sdk.example"}).data
    assert [one.id for one in found] == [owner]


def test_lists_and_items_are_found_by_their_time(radar: Any, made: Callable[..., Any]) -> None:
    one = made()
    item = radar.value_list_items.create(params={"value_list": one.id, "value": "x"})
    after, before = {"created": {"gt": item.created}}, {"created": {"lt": one.created}}
    exact = {"created": {"gte": one.created, "lte": one.created}}
    lists, items = radar.value_lists, radar.value_list_items
    assert lists.list(params=after).data == []
    assert one.id in [found.id for found in lists.list(params=exact).data]
    assert one.id not in [found.id for found in lists.list(params=before).data]
    assert items.list(params={"value_list": one.id, **after}).data == []
    at = {"value_list": one.id, "created": item.created}
    assert [found.id for found in items.list(params=at).data] == [item.id]
    with pytest.raises(stripe.InvalidRequestError):
        lists.list(params={"created": {"gt": "yesterday"}})


def test_parallel_requests_with_one_key_make_one_list(radar: Any, fresh: Fresh) -> None:
    params, options = {"alias": fresh("sdk"), "name": "x"}, {"idempotency_key": fresh("key")}

    def create(_: int) -> str:
        try:
            return str(radar.value_lists.create(params=params, options=options).id)
        except stripe.APIError as running:
            assert running.http_status == 409  # noqa: PT017 — either answer is right
            return ""

    with ThreadPoolExecutor(6) as pool:
        made = set(pool.map(create, range(6)))
    assert len(made - {""}) == 1
    assert len(radar.value_lists.list(params={"alias": params["alias"]}).data) == 1


def test_list_is_changed_in_part(radar: Any, made: Callable[..., Any], fresh: Fresh) -> None:
    one = made(metadata={"a": "1", "b": "2"})
    changed = radar.value_lists.update(one.id, params={"metadata": {"a": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
    assert changed.name == "made"
    alias = fresh("renamed")
    assert radar.value_lists.update(one.id, params={"alias": alias}).alias == alias
    assert radar.value_lists.update(one.id, params={"metadata": ""}).metadata.to_dict() == {}


def test_duplicates_say_that_they_exist(radar: Any, made: Callable[..., Any]) -> None:
    one = made(item_type="email")
    radar.value_list_items.create(params={"value_list": one.id, "value": "a@b.example"})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        radar.value_list_items.create(params={"value_list": one.id, "value": "A@B.example"})
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        made(alias=one.alias)


def test_list_in_use_is_not_deleted(
    radar: Any, made: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = made()
    rules(f"Block if :email_domain: in @{one.alias}")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        radar.value_lists.delete(one.id)
    assert refused.value.http_status == 400
    rules()
    assert radar.value_lists.delete(one.id).deleted is True


def test_key_replays_and_refuses_other_parameters(radar: Any, fresh: Fresh) -> None:
    params, options = {"alias": fresh("sdk"), "name": "x"}, {"idempotency_key": fresh("key")}
    first = radar.value_lists.create(params=params, options=options)
    again = radar.value_lists.create(params=params, options=options)
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as refused:
        radar.value_lists.create(params={**params, "name": "y"}, options=options)
    assert refused.value.http_status == 400


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        ("/v1/radar/value_list_items", {"value_list": "card_country_blocklist"}, "value"),
        ("/v1/radar/value_list_items", {"value": "US"}, "value_list"),
        (
            "/v1/radar/value_list_items",
            {"value_list": "card_country_blocklist", "value": "USA"},
            "value",
        ),
        ("/v1/radar/value_lists", {"alias": "with space", "name": "x"}, "alias"),
        ("/v1/radar/value_lists", {"alias": "fine", "name": "x" * 101}, "name"),
        ("/v1/radar/value_lists", {"alias": "fine", "name": "x", "colour": "red"}, "colour"),
    ],
)
def test_wrong_parameter_is_named(
    server: Any, path: str, params: dict[str, str], param: str
) -> None:
    client = stripe.StripeClient(
        "sk_test_sekisho", base_addresses={"api": server.url}, max_network_retries=0
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.raw_request("post", path, **params)
    assert (refused.value.http_status, refused.value.param) == (400, param)


def test_wrong_key_is_an_authentication_error(server: Any) -> None:
    client = stripe.StripeClient("sk_test_wrong", base_addresses={"api": server.url})
    with pytest.raises(stripe.AuthenticationError):
        client.v1.radar.value_lists.list()
