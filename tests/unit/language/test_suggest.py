import pytest

from sekisho.language.suggest import edit_distance, nearest

NAMES = [
    "email",
    "email_domain",
    "ip_address",
    "risk_score",
    "risk_level",
    "customer",
    "amount_in_usd",
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("risk_scor", "risk_score"),
        ("score_risk", "risk_score"),
        ("emial", "email"),
        ("Email", "email"),
        ("email_address", "email"),
        ("customer_id", "customer"),
        ("amuont_in_usd", "amount_in_usd"),
        ("amount", "amount_in_usd"),
        ("something_else", None),
        ("", None),
        ("x" * 5000, None),
    ],
)
def test_misspelt_name_leads_to_the_nearest_known_one(typed: str, meant: str | None) -> None:
    assert nearest(typed, NAMES) == meant


def test_swapped_neighbours_are_one_edit() -> None:
    assert edit_distance("ab", "ba") == 1
