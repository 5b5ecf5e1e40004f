"""Form parameters as SDKs send them, and every way to get them wrong."""

import pytest

from sekisho.entrypoints.refusals import HttpRefusal
from sekisho.entrypoints.stripe import forms


def test_nested_names_become_groups() -> None:
    params = forms.parse("a=1&m[x]=2&m[y]=&e[0]=p&e[1]=q&f[]=r&f[]=s&d[a][b]=t")
    assert params == {
        "a": "1",
        "m": {"x": "2", "y": ""},
        "e": {"0": "p", "1": "q"},
        "f": {"0": "r", "1": "s"},
        "d": {"a": {"b": "t"}},
    }


@pytest.mark.parametrize(
    "text", ["[=1", "a[=1", "a]=1", "a[b]c=1", "a=1&a[b]=2", "a[b]=2&a=1", "a[b][c][d][e][f]=1"]
)
def test_name_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        forms.parse(text)
    assert refused.value.status == 400


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(HttpRefusal):
        forms.parse("&".join(f"a{n}=1" for n in range(1_001)))


@pytest.mark.parametrize(("text", "expected"), [("", 10), ("limit=1", 1), ("limit=100", 100)])
def test_limit_is_10_when_not_said(text: str, expected: int) -> None:
    assert forms.limit(forms.parse(text)) == expected


@pytest.mark.parametrize("value", ["0", "101", "-1", "x", "", "1.0", "1e1", "٣", " 5"])
def test_limit_outside_1_to_100_is_refused(value: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        forms.limit(forms.parse(f"limit={value}"))
    assert refused.value.error["code"] == "parameter_invalid_integer"
    assert refused.value.error["param"] == "limit"


def test_unknown_parameter_is_named() -> None:
    with pytest.raises(HttpRefusal) as refused:
        forms.only(forms.parse("alias=x&colour=red"), frozenset({"alias"}))
    assert refused.value.error["param"] == "colour"


def test_empty_group_clears_and_no_group_leaves() -> None:
    assert forms.group(forms.parse("metadata="), "metadata") == {}
    assert forms.group(forms.parse(""), "metadata") is None
    with pytest.raises(HttpRefusal):
        forms.group(forms.parse("metadata=x"), "metadata")
    with pytest.raises(HttpRefusal):
        forms.group(forms.parse("metadata[a][b]=x"), "metadata")


def test_required_text_may_not_be_empty() -> None:
    for text in ("", "alias=", "alias[x]=y"):
        with pytest.raises(HttpRefusal):
            forms.required(forms.parse(text), "alias")
