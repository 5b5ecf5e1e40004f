"""Keys of endpoints, and signatures that receivers check.

Source: Standard Webhooks 1.0, symmetric signatures.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from sekisho.kit.clock import MICROSECONDS
from sekisho.webhooks.model import Endpoint

PREFIX: Final = "whsec_"


class EndpointKeys:
    """Draws each endpoint's keys from a root, so that none is ever stored.

    Args:
        root: 32 bytes that only this installation knows.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root

    def key(self, endpoint_id: str, generation: int) -> bytes:
        """The key of one generation: 32 bytes."""
        named = f"{endpoint_id} {generation}".encode()
        return hmac.new(self._root, named, hashlib.sha256).digest()

    def signing(self, endpoint: Endpoint, now_us: int) -> list[bytes]:
        """The keys that sign for an endpoint at a moment, the newest first."""
        return [self.key(endpoint.id, one) for one in endpoint.generations(now_us)]


def shown(key: bytes) -> str:
    """A key as its receiver configures it.

    >>> shown(b"abc")
    'whsec_YWJj'
    """
    return PREFIX + base64.b64encode(key).decode()


def signed_headers(
    message_id: str, at_us: int, body: bytes, keys: Iterable[bytes]
) -> Mapping[str, str]:
    """The three headers of a message sent at a moment, signed with each key.

    >>> signed_headers("m", 1_000_000, b"{}", [b"k"])["webhook-timestamp"]
    '1'
    """
    seconds = str(at_us // MICROSECONDS)
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(s).decode()}" for s in signatures),
    }
