"""Which addresses may be called, whatever they are dressed as."""

import pytest

from sekisho.egress import AddressPolicy, EgressRefused, check_url, parse_networks, reason_against

INWARD = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 — not listened on
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.0.9",
    "192.88.99.1",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:224.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
]
OUTWARD = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "192.0.1.1"]
EVERYTHING = AddressPolicy(parse_networks(["0.0.0.0/0", "::/0"]))


@pytest.mark.parametrize("address", INWARD)
def test_address_that_leads_inward_is_refused(address: str) -> None:
    assert reason_against(address, 443, AddressPolicy())


@pytest.mark.parametrize("address", OUTWARD)
def test_public_address_may_be_called_at_the_port_of_https_alone(address: str) -> None:
    assert reason_against(address, 443, AddressPolicy()) == ""
    for port in (22, 80, 6379, 8443):
        assert "only port 443" in reason_against(address, port, AddressPolicy())


@pytest.mark.parametrize("address", [one for one in INWARD if "169.254" in one or "ec2" in one])
def test_credentials_of_the_machine_are_out_of_reach_whatever_is_allowed(address: str) -> None:
    assert "credentials" in reason_against(address, 443, EVERYTHING)


def test_carried_credentials_address_is_out_of_reach_whatever_is_allowed() -> None:
    assert "credentials" in reason_against("64:ff9b::a9fe:a9fe", 443, EVERYTHING)
    assert "credentials" in reason_against("2002:a9fe:a9fe::", 443, EVERYTHING)


def test_network_of_the_operators_own_may_be_called_at_any_port_and_no_other() -> None:
    policy = AddressPolicy(parse_networks(["10.1.0.0/16", " ::1 ", ""]))
    assert reason_against("10.1.2.3", 8080, policy) == ""
    assert reason_against("::ffff:10.1.2.3", 8080, policy) == ""
    assert reason_against("::1", 80, policy) == ""
    assert reason_against("10.2.0.1", 443, policy)
    assert reason_against("64:ff9b::a01:203", 443, policy)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a.example/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "https://"),
        ("//a.example/", "https://"),
        ("https:///x", "names a host"),
        ("https://user:pw@a.example/", "user name"),
        ("https://a.example@127.0.0.1/", "user name"),
        ("https://a.example\\@127.0.0.1/", "user name"),
        ("https://a.example\\.b/", "backslash"),
        ("https://a.example/#x", "`#`"),
        ("https://a.example/\r\nhost: b", "ASCII"),
        ("https://a.example/ x", "ASCII"),
        ("https://ex\u24d0mple.com/", "ASCII"),
        ("https://[::1/", "not an address"),
        ("https://a.example:99999/", "not an address"),
        ("https://a%2eexample/", "names a host"),
        ("http://a.example:443/", "port 443"),
        ("https://a.example/" + "x" * 2048, "characters"),
    ],
)
def test_address_of_another_shape_is_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(EgressRefused, match=why):
        check_url(url)
