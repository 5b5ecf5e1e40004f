"""Countries of IP addresses from an imported table."""

import random
from pathlib import Path

import pytest

from sekisho.collect import IpRange, IpRanges, IpTableRefused, load_ip_table


def test_table_gives_the_country_of_both_families(tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text(
        "start,end,country\n203.0.113.0,203.0.113.255,jp\n3325256704,3325256959,SG\n2001:db8::,2001:db8::ffff,NA\n"
    )
    table = load_ip_table(path)
    assert table.attributes_for({"ip_address": "203.0.113.9"}) == {"ip_country": "JP"}
    assert table.attributes_for({"ip_address": "198.51.100.1"}) == {"ip_country": "SG"}
    assert table.attributes_for({"ip_address": "2001:db8::1"}) == {"ip_country": "NA"}
    assert table.attributes_for({"ip_address": "192.0.2.1"}) == {}
    assert table.attributes_for({}) == {}


def test_given_country_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text("203.0.113.0,203.0.113.255,JP\n")
    assert (
        load_ip_table(path).attributes_for({"ip_address": "203.0.113.9", "ip_country": "US"}) == {}
    )


def test_narrowest_range_wins_like_a_search_through_all() -> None:
    draw = random.Random(5)
    for _ in range(50):
        ranges = []
        for _ in range(draw.randrange(1, 25)):
            start = draw.randrange(200)
            ranges.append(
                IpRange(start, start + draw.randrange(60), draw.choice(["JP", "US", "SG", "DE"]))
            )
        ready = IpRanges(ranges)
        for number in range(270):
            inside = sorted(one.end - one.start for one in ranges if one.start <= number <= one.end)
            expected = (
                {
                    one.country
                    for one in ranges
                    if one.start <= number <= one.end and one.end - one.start == inside[0]
                }
                if inside
                else {None}
            )
            assert ready.country(number) in expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("203.0.113.0,203.0.113.255", "line 1: not"),
        ("x,y,JP", "line 1: not"),
        ("203.0.113.9,203.0.113.0,JP", "ends before"),
        ("203.0.113.0,2001:db8::,JP", "ends before"),
        ("203.0.113.0,203.0.113.9,Japan", "not a country"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "ranges.csv"
    path.write_text(line + "\n")
    with pytest.raises(IpTableRefused, match=said):
        load_ip_table(path)
