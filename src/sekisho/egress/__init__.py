"""Outgoing HTTP that cannot be turned inwards: checked, pinned addresses, bounded answers."""

from sekisho.egress.addresses import AddressPolicy, parse_networks, reason_against
from sekisho.egress.client import Egress, Outcall, Returned
from sekisho.egress.errors import EgressFailed, EgressRefused
from sekisho.egress.pinning import Resolve, system_resolve
from sekisho.egress.target import MAX_URL, check_url

__all__ = [
    "MAX_URL",
    "AddressPolicy",
    "Egress",
    "EgressFailed",
    "EgressRefused",
    "Outcall",
    "Resolve",
    "Returned",
    "check_url",
    "parse_networks",
    "reason_against",
    "system_resolve",
]
