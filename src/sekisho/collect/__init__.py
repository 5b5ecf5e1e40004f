"""COLLECT: what is known about an event's entities beyond the event itself."""

from sekisho.collect.ip_ranges import IpRange, IpRanges, IpTable, IpTableRefused, load_ip_table
from sekisho.collect.profiles import DEFAULT, HOUR_US, Profile, Profiles, Table, Version
from sekisho.collect.tables import AGE, NotDeclared, ProfileRefused, TableSpec, table_spec

__all__ = [
    "AGE",
    "DEFAULT",
    "HOUR_US",
    "IpRange",
    "IpRanges",
    "IpTable",
    "IpTableRefused",
    "NotDeclared",
    "Profile",
    "ProfileRefused",
    "Profiles",
    "Table",
    "TableSpec",
    "Version",
    "load_ip_table",
    "table_spec",
]
