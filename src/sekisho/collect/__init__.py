"""COLLECT: what is known about an event's entities beyond the event itself."""

from sekisho.collect.ip_ranges import IpRange, IpRanges, IpTable, IpTableRefused, load_ip_table
from sekisho.collect.profiles import ProfileRefused, Profiles, ProfileSchema

__all__ = [
    "IpRange",
    "IpRanges",
    "IpTable",
    "IpTableRefused",
    "ProfileRefused",
    "ProfileSchema",
    "Profiles",
    "load_ip_table",
]
