"""One attempt to bring a message to an endpoint."""

from dataclasses import dataclass
from typing import Any

import msgspec

from sekisho.egress import Egress, Outcall, Returned
from sekisho.kit.clock import iso
from sekisho.webhooks.model import Endpoint
from sekisho.webhooks.signing import EndpointKeys, signed_headers


@dataclass(frozen=True, slots=True)
class Message:
    """What is told.

    Attributes:
        id: the same at each attempt, so that a receiver can drop what it has had.
        type: what happened, such as `decision.blocked`.
        happened_us: when it did.
        data: JSON values.
    """

    id: str
    type: str
    happened_us: int
    data: dict[str, Any]

    def body(self) -> bytes:
        """As sent; the same bytes at each attempt."""
        told = {"type": self.type, "timestamp": iso(self.happened_us), "data": self.data}
        return msgspec.json.encode(told, order="deterministic")


def outcall_of(keys: EndpointKeys, endpoint: Endpoint, message: Message, now_us: int) -> Outcall:
    """The request that brings a message to an endpoint, signed as of now."""
    body = message.body()
    headers = {
        "content-type": "application/json",
        "idempotency-key": message.id,
        **signed_headers(message.id, now_us, body, keys.signing(endpoint, now_us)),
    }
    return Outcall(endpoint.url, headers=headers, body=body)


async def deliver(
    egress: Egress, keys: EndpointKeys, endpoint: Endpoint, message: Message, now_us: int
) -> Returned:
    """Send a message once; a receiver that takes it says 2xx.

    Raises:
        EgressRefused: the endpoint may not be called.
        EgressFailed: it did not answer.
    """
    return await egress.call(outcall_of(keys, endpoint, message, now_us))
