"""Signatures as the reference library checks them, and keys that follow one another."""

from datetime import UTC, datetime

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sekisho.kit.clock import to_us
from sekisho.webhooks import Endpoint, EndpointKeys, shown
from sekisho.webhooks.signing import signed_headers

KEYS = EndpointKeys(b"r" * 32)
ENDPOINT = Endpoint("whe_1", "https://a.example/", "", True, 3, 5_000, 0, "key_1")
BODY = b'{"type":"decision.blocked"}'


def test_every_key_that_signs_is_enough_for_the_receiver() -> None:
    now_us = to_us(datetime.now(UTC))
    overlapping = msgspec.structs.replace(ENDPOINT, overlap_until_us=now_us + 1)
    headers = dict(signed_headers("msg_1", now_us, BODY, KEYS.signing(overlapping, now_us)))
    for generation in (2, 3):
        Webhook(shown(KEYS.key("whe_1", generation))).verify(BODY, headers)
    for other in (KEYS.key("whe_1", 1), KEYS.key("whe_2", 3), EndpointKeys(b"s").key("whe_1", 3)):
        with pytest.raises(WebhookVerificationError):
            Webhook(shown(other)).verify(BODY, headers)


def test_old_key_signs_no_more_when_the_overlap_has_ended() -> None:
    assert len(KEYS.signing(ENDPOINT, 4_999)) == 2
    assert KEYS.signing(ENDPOINT, 5_000) == [KEYS.key("whe_1", 3)]


@pytest.mark.parametrize("changed", [b"", BODY + b" ", BODY.replace(b"blocked", b"allowed")])
def test_changed_message_is_not_taken(changed: bytes) -> None:
    now_us = to_us(datetime.now(UTC))
    headers = dict(signed_headers("msg_1", now_us, BODY, KEYS.signing(ENDPOINT, now_us)))
    webhook = Webhook(shown(KEYS.key("whe_1", 3)))
    webhook.verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(changed, headers)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(BODY, {**headers, "webhook-id": "msg_2"})
