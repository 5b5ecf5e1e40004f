"""E-mail addresses, phone numbers, IP addresses, names and countries in one spelling."""

import pytest

from sekisho.events import normalise


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann@Example.COM", "Ann@example.com"),
        (" ann@example.com\n", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@日本語.jp", "ann@xn--wgv71a119e.jp"),
        ("a.b+c@example.co.uk", "a.b+c@example.co.uk"),
        ('"odd@local"@example.com', '"odd@local"@example.com'),
        ("root@localhost", "root@localhost"),
    ],
)
def test_email_keeps_its_local_part_and_lowers_its_domain(text: str, address: str) -> None:
    found = normalise.email(text)
    assert found is not None
    assert found.address == address
    assert normalise.email(address) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b.com",
        "plain",
        "a b@c.com",
        "a@b..com",
        "a@-b.com",
        "a@b_c!.com",
        "a@" + "x" * 260,
        "a@\ud83d",
    ],
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    assert normalise.email(text) is None


@pytest.mark.parametrize("domain", ["mailinator.com", "sub.mailinator.com", "yopmail.com"])
def test_throw_away_domains_and_those_below_them_are_disposable(domain: str) -> None:
    found = normalise.mail_domain(domain)
    assert found is not None
    assert found.is_disposable
    assert not found.is_free


@pytest.mark.parametrize("domain", ["gmail.com", "yahoo.co.jp", "21cn.com", "sify.com"])
def test_mailboxes_that_people_keep_are_free_not_disposable(domain: str) -> None:
    found = normalise.mail_domain(domain)
    assert found is not None
    assert found.is_free
    assert not found.is_disposable


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::FFFF:CB00:7109", "203.0.113.9"),
        ("::1", "::1"),
        ("255.255.255.255", "255.255.255.255"),
        (" 203.0.113.9 ", "203.0.113.9"),
    ],
)
def test_ip_addresses_have_one_spelling(text: str, address: str) -> None:
    assert normalise.ip_address(text) == address
    assert normalise.ip_address(address) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.4.",
        "1.2.3.4:80",
        "[::1]",
        "fe80::1%eth0",
        "::g",
        "0x7f.1",
        "\uff11.2.3.4",
    ],
)
def test_what_is_not_an_ip_address_is_refused(text: str) -> None:
    assert normalise.ip_address(text) is None


def test_phone_numbers_become_e164_with_their_country() -> None:
    assert normalise.phone("+44 20 7946 0958") == ("+442079460958", "GB")
    assert normalise.phone("020 7946 0958", "GB") == ("+442079460958", "GB")
    assert normalise.phone("020 7946 0958") is None
    assert normalise.phone("+999123456789") is None


def test_names_lose_width_and_extra_spaces_but_not_punctuation() -> None:
    assert (
        normalise.person_name(" \uff2a\uff4f\uff48\uff4e\u3000 O'Hara-Smith\t")
        == "John O'Hara-Smith"
    )
