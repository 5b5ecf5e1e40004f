"""Deciding when a dependency is down: every rule that needs it follows a named policy."""

from typing import Any

import pytest


class Broken:
    """Stands where something answers usually, and fails as it may in life."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def read_into(self, *_: Any) -> dict[str, float]:
        raise RuntimeError("counters are gone")

    def attributes_for(self, *_: Any) -> dict[str, Any]:
        raise RuntimeError("profiles are gone")


def test_decision_without_counters_says_so(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate.node.checkpoint.parts, "counters", Broken(gate.node.policy.counters))
    told = gate.decide(customer="c")
    (report,) = told["degraded"]
    assert report["dependency"] == "counters"
    assert told["outcome"] == "allow"


def test_decision_without_profiles_names_them(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate.node.checkpoint.parts, "profiles", Broken(gate.node.profiles))
    told = gate.decide(customer="c")
    assert [one["dependency"] for one in told["degraded"]] == ["profiles"]


def test_fresh_decision_is_not_degraded(shared_gate: Any) -> None:
    assert shared_gate.decide()["degraded"] == []
