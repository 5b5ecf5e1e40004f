"""Endpoints of webhooks over HTTP, with a real receiver and the reference library."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, server_on: Any) -> Iterator[Any]:
    """Nobody moves its clock, so that receivers find its signatures fresh."""
    running = server_on(tmp_path_factory.mktemp("webhooks") / "data").start()
    yield running
    running.kill()


@pytest.fixture
def http(own_server: Any) -> Iterator[httpx.Client]:
    with own_server.client() as client:
        yield client


def made(http: httpx.Client, url: str) -> dict[str, Any]:
    response = http.post("/v1/webhook_endpoints", json={"url": url, "description": "test"})
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    return told


def tried(http: httpx.Client, endpoint: dict[str, Any]) -> dict[str, Any]:
    response = http.post(f"/v1/webhook_endpoints/{endpoint['id']}/test")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def test_receiver_verifies_what_it_gets_with_the_reference_library(
    http: httpx.Client, receiver: Any
) -> None:
    endpoint = made(http, receiver.url)
    told = tried(http, endpoint)
    assert (told["delivered"], told["status"], told["reason"]) == (True, 200, None)
    headers, body = receiver.heard[0]
    message = Webhook(endpoint["secret"]).verify(body, headers)
    assert message["type"] == "webhook.test"
    assert message["data"] == {"endpoint": endpoint["id"]}
    assert headers["webhook-id"] == headers["idempotency-key"] == told["message"]


def test_both_keys_sign_while_they_overlap_and_the_old_one_no_longer(
    http: httpx.Client, receiver: Any
) -> None:
    endpoint = made(http, receiver.url)
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    rotated = http.post(f"{path}/rotate", json={"overlap_s": 60}).json()
    assert rotated["secret"] != endpoint["secret"]
    assert rotated["old_key_until"]
    tried(http, endpoint)
    headers, body = receiver.heard[-1]
    for secret in (endpoint["secret"], rotated["secret"]):
        Webhook(secret).verify(body, headers)
    at_once = http.post(f"{path}/rotate", json={"overlap_s": 0}).json()
    assert at_once["old_key_until"] is None
    tried(http, endpoint)
    headers, body = receiver.heard[-1]
    Webhook(at_once["secret"]).verify(body, headers)
    for secret in (endpoint["secret"], rotated["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


def test_endpoints_and_their_keys_are_there_after_a_restart_and_no_key_is_on_disk(
    receiver: Any, own_server: Any
) -> None:
    with own_server.client() as http:
        endpoint = made(http, receiver.url)
    own_server.kill()
    secret = endpoint["secret"].removeprefix("whsec_").encode()
    files = [file for file in own_server.data.rglob("*") if file.is_file()]
    assert any(endpoint["id"].encode() in file.read_bytes() for file in files)
    assert [file.name for file in files if secret in file.read_bytes()] == []
    own_server.start()
    with own_server.client() as http:
        ids = [one["id"] for one in http.get("/v1/webhook_endpoints").json()["data"]]
        assert endpoint["id"] in ids
        tried(http, endpoint)
    headers, body = receiver.heard[-1]
    Webhook(endpoint["secret"]).verify(body, headers)


def test_key_is_shown_once_and_changes_are_kept(http: httpx.Client, receiver: Any) -> None:
    endpoint = made(http, receiver.url)
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert "secret" not in http.get(path).json()
    changed = http.patch(path, json={"enabled": False, "description": "off"}).json()
    assert (changed["enabled"], changed["description"]) == (False, "off")
    assert changed["url"] == receiver.url
    assert http.get(path).json() == changed
    assert http.delete(path).json()["deleted"] is True
    for gone in (http.get(path), http.delete(path), http.post(f"{path}/test")):
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "resource_missing")


def test_what_went_wrong_is_told(http: httpx.Client, receiver: Any) -> None:
    receiver.status = 302
    told = tried(http, made(http, receiver.url))
    assert (told["delivered"], told["status"]) == (False, 302)
    assert "302" in told["reason"]
    inward = tried(http, made(http, "https://169.254.169.254/latest"))
    assert (inward["delivered"], inward["status"]) == (False, None)
    assert "credentials" in inward["reason"]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://a.example/", "description": "x" * 501}, "description"),
        ({"url": "https://a.example/", "secret": "mine"}, "secret"),
        ({}, "url"),
    ],
)
def test_endpoint_that_cannot_be_is_refused_with_the_place(
    http: httpx.Client, given: dict[str, Any], param: str
) -> None:
    refused = http.post("/v1/webhook_endpoints", json=given)
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, param)


def test_overlap_beyond_a_month_is_refused(http: httpx.Client, receiver: Any) -> None:
    path = f"/v1/webhook_endpoints/{made(http, receiver.url)['id']}/rotate"
    for overlap_s in (-1, 40 * 86_400):
        refused = http.post(path, json={"overlap_s": overlap_s})
        assert (refused.status_code, refused.json()["error"]["param"]) == (422, "overlap_s")
