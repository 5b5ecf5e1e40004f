"""Signed messages to the operator's own servers: endpoints, their keys, a delivery."""

from sekisho.webhooks.delivery import Message, deliver, outcall_of
from sekisho.webhooks.desk import EndpointChange, EndpointDesk, EndpointRefused, found_endpoint
from sekisho.webhooks.model import MAX_OVERLAP_S, OVERLAP_S, Endpoint
from sekisho.webhooks.signing import EndpointKeys, shown
from sekisho.webhooks.sqlite import COMPONENT, MIGRATIONS, all_endpoints

__all__ = [
    "COMPONENT",
    "MAX_OVERLAP_S",
    "MIGRATIONS",
    "OVERLAP_S",
    "Endpoint",
    "EndpointChange",
    "EndpointDesk",
    "EndpointKeys",
    "EndpointRefused",
    "Message",
    "all_endpoints",
    "deliver",
    "found_endpoint",
    "outcall_of",
    "shown",
]
