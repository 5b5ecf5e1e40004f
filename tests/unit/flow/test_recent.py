"""The newest decisions are found behind however many outcomes."""

import json
from typing import Any

import pytest

from sekisho.entrypoints import explaining


@pytest.mark.parametrize("rows", [3, 5_000])
def test_decisions_behind_outcomes_are_paged(
    gate: Any, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(explaining, "PAGE_ROWS_MAX", rows)
    for number in range(5):
        gate.decide(id=f"p{number}")
        for source in range(12):
            gate.report(type="label", about=f"p{number}", label="fraud", source=str(source))
    seen: list[str] = []
    after, more = "", True
    while more:
        found, more = explaining.recent(gate.node, 2, after)
        told = [json.loads(bytes(one)) for one in found]
        seen += [one["event"] for one in told]
        after = told[-1]["id"]
    assert seen == ["p4", "p3", "p2", "p1", "p0"]
