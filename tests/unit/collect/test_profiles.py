"""Profiles as of a moment, and their attributes in the catalogue."""

import pytest

from sekisho.collect import ProfileRefused, Profiles, ProfileSchema
from sekisho.collect.profiles import MAX_VERSIONS
from sekisho.events import default_catalogue
from sekisho.language import Type

COMPANY = ProfileSchema(
    "company",
    {
        "industry": Type.STRING_CI,
        "age_days": Type.NUMERIC,
        "country": Type.COUNTRY,
        "is_regulated": Type.BOOLEAN,
    },
    {"industry": "line of business"},
)
RECORD: dict[str, str | float | int | bool] = {"company": "co_1"}


def test_profile_holds_from_its_moment_until_the_next() -> None:
    profiles = Profiles([COMPANY])
    profiles.put("company", "co_1", {"age_days": 1}, at_us=100)
    profiles.put("company", "co_1", {"age_days": 3}, at_us=300)
    profiles.put("company", "co_1", {"age_days": 2}, at_us=200)
    seen = [
        profiles.attributes_for(RECORD, moment).get("company.age_days")
        for moment in (99, 100, 250, 300, 999)
    ]
    assert seen == [None, 1, 2, 3, 3]


def test_same_moment_replaces_and_other_entities_are_untouched() -> None:
    profiles = Profiles([COMPANY])
    profiles.put("company", "co_1", {"country": "jp"}, at_us=100)
    profiles.put("company", "co_1", {"country": "us"}, at_us=100)
    assert profiles.attributes_for(RECORD, 100) == {"company.country": "US"}
    assert profiles.attributes_for({"company": "co_2"}, 100) == {}
    assert profiles.attributes_for({}, 100) == {}


def test_attributes_join_the_catalogue() -> None:
    catalogue = default_catalogue().extended(Profiles([COMPANY]).specs())
    assert catalogue["company.industry"].type is Type.STRING_CI
    assert catalogue["company.industry"].meaning == "line of business"


def test_versions_are_bounded() -> None:
    profiles = Profiles([COMPANY])
    for moment in range(MAX_VERSIONS * 2):
        profiles.put("company", "co_1", {"age_days": moment}, at_us=moment)
    assert profiles.attributes_for(RECORD, MAX_VERSIONS - 1) == {}
    assert profiles.attributes_for(RECORD, 10**9) == {"company.age_days": MAX_VERSIONS * 2 - 1}


@pytest.mark.parametrize(
    ("entity", "attributes", "said"),
    [
        ("shop", {}, "no profiles"),
        ("company", {"size": 1}, "has no attribute `size`"),
        ("company", {"age_days": "1"}, "takes numeric"),
        ("company", {"age_days": float("nan")}, "takes numeric"),
        ("company", {"is_regulated": 1}, "takes boolean"),
    ],
)
def test_what_does_not_fit_is_refused(
    entity: str, attributes: dict[str, str | float], said: str
) -> None:
    with pytest.raises(ProfileRefused, match=said):
        Profiles([COMPANY]).put(entity, "co_1", attributes, at_us=0)


def test_schema_of_an_unknown_entity_is_refused() -> None:
    with pytest.raises(ProfileRefused, match="is no entity"):
        Profiles([ProfileSchema("planet", {}, {})])
