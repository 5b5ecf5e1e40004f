"""Whatever is sent, the answer names the place and the reason, and is never our fault."""

import json
from typing import Any

import httpx
import pytest

DEEP = b'{"a":' * 10_000
MANY = {f"k{number}": "v" for number in range(60)}
BAD_EVENTS: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, ""),
    "not json": (b"hello", 400, ""),
    "cut off": (b'{"type":"payment","id":"x"', 400, ""),
    "two values": (b"{}{}", 400, ""),
    "not utf-8": (b'{"type":"payment","id":"\xff"}', 400, ""),
    "byte order mark": (b'\xef\xbb\xbf{"type":"payment","id":"x"}', 400, ""),
    "utf-16": ('{"type":"payment","id":"x"}'.encode("utf-16"), 400, ""),
    "an array": (b"[]", 422, ""),
    "null": (b"null", 422, ""),
    "a number": (b"1", 422, ""),
    "no type": (b'{"id":"x"}', 422, "type"),
    "unknown type": (b'{"type":"paymint","id":"x"}', 422, "type"),
    "type of a number": (b'{"type":5,"id":"x"}', 422, "type"),
    "no id": (b'{"type":"payment"}', 422, "id"),
    "empty id": (b'{"type":"payment","id":""}', 422, "id"),
    "long id": (b'{"type":"payment","id":"%s"}' % (b"x" * 256), 422, "id"),
    "unknown field": (b'{"type":"payment","id":"x","emial":"a"}', 422, "emial"),
    "unknown card field": (b'{"type":"payment","id":"x","card":{"numbr":1}}', 422, "card.numbr"),
    "card of a text": (b'{"type":"payment","id":"x","card":"visa"}', 422, "card"),
    "amount of a text": (b'{"type":"payment","id":"x","amount":"1"}', 422, "amount"),
    "amount below zero": (b'{"type":"payment","id":"x","amount":-1}', 422, "amount"),
    "fraction of a cent": (b'{"type":"payment","id":"x","amount":1.5}', 422, "amount"),
    "amount of 400 digits": (
        b'{"type":"payment","id":"x","amount":1%s}' % (b"0" * 400),
        422,
        "amount",
    ),
    "nan": (b'{"type":"payment","id":"x","amount":NaN}', 400, ""),
    "infinity": (b'{"type":"payment","id":"x","amount":Infinity}', 400, ""),
    "a number beyond floats": (
        b'{"type":"payment","id":"x","attributes":{"risk_score":1e999}}',
        400,
        "",
    ),
    "lone surrogate": (b'{"type":"payment","id":"\\ud800"}', 400, ""),
    "zero character": (b'{"type":"payment","id":"a\\u0000b"}', 422, "id"),
    "no such currency": (
        b'{"type":"payment","id":"x","amount":1,"currency":"zzz"}',
        422,
        "currency",
    ),
    "amount without currency": (b'{"type":"payment","id":"x","amount":1}', 422, "currency"),
    "no such country": (b'{"type":"payment","id":"x","card":{"country":"Japan"}}', 422, ""),
    "bad address of mail": (b'{"type":"payment","id":"x","email":"a@"}', 422, "email"),
    "bad ip": (b'{"type":"payment","id":"x","ip_address":"1.2.3"}', 422, "ip_address"),
    "time without zone": (
        b'{"type":"payment","id":"x","occurred_at":"2026-01-01T00:00:00"}',
        422,
        "occurred_at",
    ),
    "time beyond all times": (
        b'{"type":"payment","id":"x","occurred_at":99999999999}',
        422,
        "occurred_at",
    ),
    "unknown attribute": (
        b'{"type":"payment","id":"x","attributes":{"risk_scor":1}}',
        422,
        "attributes.risk_scor",
    ),
    "attribute of another type": (
        b'{"type":"payment","id":"x","attributes":{"risk_score":"80"}}',
        422,
        "attributes.risk_score",
    ),
    "a card number": (b'{"type":"payment","id":"x","description":"4242 4242 4242 4242"}', 422, ""),
    "a card number as a key": (
        b'{"type":"payment","id":"x","metadata":{"4242424242424242":"x"}}',
        422,
        "",
    ),
    "depth of 10,000": (b'{"type":"payment","id":"x","metadata":%s' % DEEP, 400, ""),
    "many metadata keys": (
        b'{"type":"payment","id":"x","metadata":%s}' % json.dumps(MANY).encode(),
        422,
        "metadata",
    ),
    "too large": (b'{"type":"payment","id":"x","isp":"%s"}' % (b"x" * 70_000), 413, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_bad_event_is_refused_with_its_place(http: httpx.Client, name: str) -> None:
    body, status, place = BAD_EVENTS[name]
    refused = http.post("/v1/decisions", content=body)
    assert refused.status_code == status, refused.text
    error = refused.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert error["code"]
    if place:
        assert error["param"] == place
    assert "4242424242424242" not in refused.text


def test_bad_events_are_not_recorded(http: httpx.Client) -> None:
    recorded = http.get("/readyz").json()["recorded"]
    for body, _, _ in BAD_EVENTS.values():
        http.post("/v1/decisions", content=body)
    assert http.get("/readyz").json()["recorded"] == recorded


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/lists", "/dev/clock", "/v1/events"])
def test_large_body_is_413_at_every_door(http: httpx.Client, path: str) -> None:
    refused = http.post(path, content=b'{"name": "%s"}' % (b"x" * (1 << 20)))
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "too_large"


def test_body_sent_in_parts_is_bounded_too(http: httpx.Client) -> None:
    parts = (b" " * 10_000 for _ in range(12))
    assert http.post("/v1/decisions", content=parts).status_code == 413


RAW: dict[str, bytes] = {
    "nothing": b"",
    "not json": b"{nope",
    "an array": b"[1, 2]",
    "null": b"null",
    "a text": b'"x"',
    "not utf-8": b'{"a": "\xff"}',
    "nan": b'{"rules": NaN, "items": NaN, "advance_s": NaN, "name": NaN, "lag": NaN}',
    "infinity": b'{"advance_s": Infinity, "cap": Infinity}',
    "huge number": b'{"advance_s": 1e400, "cap": 1%s}' % (b"0" * 4_000),
    "lone surrogate": b'{"rules": ["\\ud800"], "items": ["\\ud800"], "name": "\\ud800",'
    b' "alias": "\\ud800", "where": "\\ud800", "note": "\\ud800"}',
    "surrogate as a key": b'{"\\ud800": 1}',
    "zero characters": b'{"rules": ["Block if \\u0000"], "items": ["\\u0000"], "name": "\\u0000",'
    b' "alias": "a\\u0000"}',
    "deep": b'{"rules": %s' % (b"[" * 60_000),
    "deep and closed": b'{"rules": %s%s}' % (b"[" * 20_000, b"]" * 20_000),
    "wrong types": b'{"rules": [1, {}], "items": [[], {}], "name": {}, "alias": 5, "scopes": 1,'
    b' "advance_s": "x", "aggregate": {}, "of": 1, "by": {"a": 1}, "window": [], "value": {}}',
    "events of nonsense": b'{"events": [1, null, "x", [], {}, {"type": []}]}',
    "a batch of depth": b'{"events": [%s]}' % (b"[" * 20_000 + b"]" * 20_000),
}
JSON_DOORS = [
    ("POST", "/v1/decisions"),
    ("POST", "/v1/decisions/batch"),
    ("POST", "/v1/events"),
    ("POST", "/v1/rules/check"),
    ("PUT", "/v1/rulesets/draft"),
    ("POST", "/v1/rulesets/draft/publish"),
    ("POST", "/v1/rulesets/rs_nope/publish"),
    ("PUT", "/v1/counters/malformed"),
    ("POST", "/v1/lists"),
    ("POST", "/v1/lists/email_blocklist/items"),
    ("PUT", "/v1/lists/charge_description_allowlist/items"),
    ("POST", "/v1/keys"),
    ("POST", "/dev/clock"),
    ("POST", "/v1/radar/value_lists"),
    ("POST", "/v1/radar/value_lists/email_blocklist"),
    ("POST", "/v1/radar/value_list_items"),
]


@pytest.mark.parametrize(("method", "path"), JSON_DOORS)
def test_no_body_breaks_a_door(http: httpx.Client, method: str, path: str) -> None:
    for name, body in RAW.items():
        headers = {"content-type": "application/json"}
        answer = http.request(method, path, content=body, headers=headers)
        assert answer.status_code < 500, (name, answer.text)
        told = answer.json()
        if not answer.is_success:
            assert told["error"]["message"], name
            assert told["error"]["type"] == "invalid_request_error", name


HALF = "\\ud800"
WELL_SHAPED = [
    ("POST", "/v1/rules/check", f'{{"rules": ["Block if ::{HALF}:: = 1"]}}'),
    ("PUT", "/v1/rulesets/draft", f'{{"rules": ["Block if ::{HALF}:: = 1"]}}'),
    ("POST", "/v1/rulesets/draft/publish", f'{{"note": "{HALF}"}}'),
    ("PUT", "/v1/counters/half", f'{{"aggregate": "count", "of": ["payment"], "by": ["{HALF}"]}}'),
    ("POST", "/v1/lists", f'{{"alias": "half", "name": "{HALF}"}}'),
    ("POST", "/v1/lists", f'{{"alias": "half", "metadata": {{"{HALF}": "x"}}}}'),
    ("POST", "/v1/lists/email_blocklist/items", f'{{"items": ["{HALF}"]}}'),
    ("PUT", "/v1/lists/charge_description_allowlist/items", f'{{"items": ["{HALF}"]}}'),
    ("POST", "/v1/keys", f'{{"name": "{HALF}"}}'),
    ("POST", "/v1/keys", f'{{"name": "x", "scopes": ["{HALF}"]}}'),
]


@pytest.mark.parametrize(("method", "path", "body"), WELL_SHAPED)
def test_half_a_character_in_a_body_of_the_right_shape_is_400(
    http: httpx.Client, method: str, path: str, body: str
) -> None:
    headers = {"content-type": "application/json"}
    refused = http.request(method, path, content=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_json")


FORMS = [
    "",
    "a",
    "=",
    "&&&",
    "[=1",
    "a[=1",
    "a]b=1",
    "a[b][c][d][e][f]=1",
    "alias=x&alias[y]=z",
    "alias[y]=z&alias=x",
    "alias[]=x&name[]=y",
    "metadata=x&alias=x&name=y",
    "metadata[a][b]=c&alias=x&name=y",
    "alias=%ff&name=%ff",
    "alias=%ed%a0%80&name=x",
    "alias=%00&name=%00",
    "value=%00&value_list=email_blocklist",
    "value=%20&value_list=email_blocklist",
    "value=USA&value_list=card_country_blocklist",
    "value=x&value_list=%00",
    "value[a]=x&value_list[b]=y",
    "limit=ten",
    "limit=0&value_list=email_blocklist",
    "limit=101",
    "limit=1e9&value_list=email_blocklist",
    "limit=" + "9" * 5_000 + "&value_list=email_blocklist",
    "limit=%D9%A1&value_list=email_blocklist",
    "starting_after=nope&value_list=email_blocklist",
    "ending_before[x]=1&value_list=email_blocklist",
    "created[gte]=x&value_list=email_blocklist",
    "&".join(f"k{n}=v" for n in range(1_500)),
    "alias=" + "x" * 100_000,
    "expand[0]=data&expand=data",
]


@pytest.mark.parametrize("text", FORMS, ids=range(len(FORMS)))
def test_no_form_breaks_a_stripe_door(http: httpx.Client, text: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/v1/radar/value_lists", "/v1/radar/value_list_items"):
        for target in ("", "/email_blocklist"):
            posted = http.post(path + target, content=text, headers=headers)
            assert posted.status_code < 500, posted.text
        if len(text) < 10_000:
            for asked in (http.get(f"{path}?{text}"), http.delete(f"{path}/nope?{text}")):
                assert asked.status_code < 500, asked.text
                if not asked.is_success:
                    assert asked.json()["error"]["message"]


ODD_TARGETS = [
    "/v1/decisions/%00",
    "/v1/decisions/%ff%fe",
    "/v1/decisions?limit=0",
    "/v1/lists/%F0",
]
ODD_TARGETS += ["/v1/decisions?limit=x", "/v1/decisions?starting_after=dec_nope", "/v1/nothing"]
ODD_TARGETS += [
    "/v1/rulesets/%27%20OR%201",
    "/v1/rulesets/diff",
    "/v1/rulesets/diff?before=a&after=b",
]
ODD_TARGETS += ["/v1/lists/nope/items", "/v1/lists/email_blocklist/items?starting_after=nope"]
ODD_TARGETS += ["/v1/counters/%2e%2e", "/v1/radar/value_lists/%00", "/" + "x" * 5_000, "//", "/v1"]


@pytest.mark.parametrize("target", ODD_TARGETS, ids=range(len(ODD_TARGETS)))
def test_no_address_breaks_the_server(http: httpx.Client, target: str) -> None:
    answer = http.get(target)
    assert answer.status_code < 500, answer.text
    told: dict[str, Any] = answer.json()
    assert "error" in told or answer.is_success


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_method_that_is_not_served_is_told_so(http: httpx.Client, method: str) -> None:
    refused = http.request(method, "/v1/decisions")
    assert refused.status_code == 405
    assert refused.json()["error"]["code"] == "method_not_allowed"
