"""Profiles and parameters in memory: declared, checked, looked up, kept compactly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.collect import DEFAULT, HOUR_US, ProfileRefused, Profiles, Table, table_spec
from sekisho.events import default_catalogue
from sekisho.language import Type

COMPANY = {
    "attributes": {
        "industry": {"type": "string_ci", "meaning": "line of business"},
        "share": "numeric",
        "country": "country",
        "is_regulated": "boolean",
    }
}
LIMIT = {"attributes": {"limit": "numeric"}}
RECORD: dict[str, str | float | int | bool] = {"company": "co_1"}


@pytest.fixture
def profiles() -> Profiles:
    made = Profiles()
    made.declare(table_spec("company", COMPANY))
    made.declare(table_spec("company.limit", LIMIT))
    return made


def put(profiles: Profiles, entity_id: str, **attributes: Any) -> None:
    known = profiles.table("company").known
    profiles.put("company", entity_id, known.checked(attributes), known_us=HOUR_US, seq=1)


def test_newest_version_is_read_with_its_age(profiles: Profiles) -> None:
    put(profiles, "co_1", share=1, industry="Gambling", country="jp")
    put(profiles, "co_1", share=3)
    assert profiles.attributes_for(RECORD, 3 * HOUR_US) == {
        "company.share": 3,
        "company.profile_age_hours": 2.0,
    }
    assert profiles.attributes_for({"company": "co_2"}, 0) == {}
    assert profiles.attributes_for({}, 0) == {}


def test_what_is_gone_is_missing(profiles: Profiles) -> None:
    put(profiles, "co_1", share=1)
    assert profiles.table("company").present == 1
    profiles.put("company", "co_1", None, known_us=5, seq=2)
    assert profiles.attributes_for(RECORD, 9) == {}
    assert profiles.table("company").present == 0


def test_parameters_have_a_default_for_everybody_else(profiles: Profiles) -> None:
    assert profiles.attributes_for(RECORD, 0) == {}
    profiles.put("company.limit", DEFAULT, {"limit": 100}, known_us=1, seq=1)
    profiles.put("company.limit", "co_1", {"limit": 7}, known_us=1, seq=1)
    seen = [profiles.attributes_for(one, 1) for one in (RECORD, {"company": "co_2"}, {})]
    assert seen == [{"company.limit": 7}, {"company.limit": 100}, {"company.limit": 100}]
    profiles.put("company.limit", "co_1", None, known_us=2, seq=2)
    assert profiles.attributes_for(RECORD, 2) == {"company.limit": 100}


def test_only_what_is_read_is_looked_up(profiles: Profiles) -> None:
    put(profiles, "co_1", share=1, industry="bank")
    profiles.focus(frozenset({"company.industry"}))
    assert profiles.attributes_for(RECORD, HOUR_US) == {"company.industry": "bank"}
    assert profiles.keys() == {"company"}
    profiles.focus(frozenset())
    assert profiles.keys() == frozenset()


def test_attributes_join_the_catalogue(profiles: Profiles) -> None:
    catalogue = default_catalogue().extended(profiles.specs())
    assert catalogue["company.industry"].type is Type.STRING_CI
    assert catalogue["company.industry"].meaning == "line of business"
    assert catalogue["company.profile_age_hours"].type is Type.NUMERIC
    assert catalogue["company.limit"].type is Type.NUMERIC


def test_attributes_can_be_added_and_never_change_their_type(profiles: Profiles) -> None:
    put(profiles, "co_1", share=1)
    more = {"attributes": {"size": "numeric", **COMPANY["attributes"]}}
    profiles.declare(table_spec("company", more))
    assert profiles.attributes_for(RECORD, HOUR_US)["company.share"] == 1
    put(profiles, "co_1", size=5)
    assert profiles.attributes_for(RECORD, HOUR_US)["company.size"] == 5
    for wrong in ({"share": "boolean"}, {"size": "numeric"}):
        attributes = {**more["attributes"], **wrong} if "share" in wrong else wrong
        with pytest.raises(ProfileRefused, match="stays so: declare another attribute"):
            profiles.declare(table_spec("company", {"attributes": attributes}))


def test_two_declarations_cannot_share_an_attribute(profiles: Profiles) -> None:
    with pytest.raises(ProfileRefused, match=r"`company.share` is declared by `company` already"):
        profiles.declare(table_spec("company.share", {"attributes": {"share": "numeric"}}))


@pytest.mark.parametrize(
    ("name", "declaration", "said"),
    [
        ("firm", COMPANY, "`firm` is no entity; one of account,"),
        ("company", {}, "names 1 to 64 attributes"),
        ("company", {"attributes": {}}, "names 1 to 64 attributes"),
        ("company", {"attributes": ["a"]}, "names 1 to 64 attributes"),
        ("company", {"attributes": {"Size": "numeric"}}, "`Size` is no name"),
        ("company", {"attributes": {"profile_age_hours": "numeric"}}, "is taken"),
        ("company", {"attributes": {"a": "money"}}, "the type of `a` is one of string_ci,"),
        ("company", {"attributes": {"a": {"type": "numeric", "unit": "s"}}}, "has a `type` and"),
        ("company", {**COMPANY, "more": 1}, "`more` is no part of a declaration"),
        ("company.limit", {"attributes": {"size": "numeric"}}, "has the one attribute `limit`"),
    ],
)
def test_wrong_declarations_are_refused(name: str, declaration: Any, said: str) -> None:
    with pytest.raises(ProfileRefused, match=said):
        table_spec(name, declaration)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({}, "at least one attribute"),
        ({"size": 1}, "`company` has no attribute `size`; it has industry, share"),
        ({"share": "5"}, "`company.share` takes a number below 2\\^53, not a str"),
        ({"share": True}, "not `True`"),
        ({"share": float("nan")}, "takes a number"),
        ({"share": 2**53}, "takes a number below"),
        ({"is_regulated": 1}, "takes true or false, not `1`"),
        ({"country": "Japan"}, "two letters, such as JP"),
        ({"industry": "x" * 501}, "text of at most 500 characters"),
        ({"industry": None}, "not a NoneType"),
    ],
)
def test_wrong_values_are_refused(profiles: Profiles, attributes: Any, said: str) -> None:
    with pytest.raises(ProfileRefused, match=said):
        profiles.table("company").known.checked(attributes)


@pytest.mark.parametrize("entity_id", ["", "  ", "x" * 501, "a\0b"])
def test_ids_that_no_event_has_are_refused(profiles: Profiles, entity_id: str) -> None:
    with pytest.raises(ProfileRefused, match="1 to 500 characters"):
        profiles.table("company").known.folded_id(entity_id)


def test_ids_are_folded_as_events_are() -> None:
    assert table_spec("email", {"attributes": {"a": "numeric"}}).folded_id("A@b.jp") == "a@b.jp"
    assert table_spec("company", COMPANY).folded_id("Co_1") == "Co_1"


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "industry": st.text("abÄ", max_size=3),
        "share": st.integers(-5, 5) | st.floats(0, 1),
        "country": st.sampled_from(["JP", "US"]),
        "is_regulated": st.booleans(),
    },
)


@given(st.dictionaries(st.text(min_size=1, max_size=4), VALUES))
def test_what_is_kept_comes_back_the_same(known: dict[str, dict[str, Any]]) -> None:
    before, after = (Table(table_spec("company", COMPANY)) for _ in range(2))
    for entity_id, attributes in known.items():
        before.set(entity_id, before.version(attributes or None, 7, 3))
    for part in before.parts(before.newest):
        after.fill(part)
    assert after.newest == before.newest
    assert after.present == before.present
    told = {one: after.attributes(version) for one, version in after.newest.items()}
    assert told == {one: attributes or None for one, attributes in known.items()}
