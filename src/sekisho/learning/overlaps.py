"""Which rules match the same events."""

from typing import Any, Final

import numpy as np
import polars as pl

from sekisho.learning.judging import Judge
from sekisho.rules import StoredRule

SHOWN: Final = 50
"""Pairs told, those with most events in common first."""
BLOCK: Final = 65_536
"""Events multiplied out at once."""


def overlaps(
    matched: pl.DataFrame, rules: tuple[StoredRule, ...], judge: Judge, which: int
) -> list[dict[str, Any]]:
    """Pairs of rules of a set, and how many events both match; the winner stands first."""
    columns = [judge.column_of(which, at) for at in range(len(rules))]
    common = np.zeros((len(rules), len(rules)), np.float64)
    for at in range(0, matched.height if rules else 0, BLOCK):
        part = matched.slice(at, BLOCK)
        hits = np.column_stack([part[name].to_numpy() for name in columns]).astype(np.float32)
        common += hits.T @ hits
    above = np.triu(common, 1)
    order = np.argsort(-above, axis=None, kind="stable")[:SHOWN]
    pairs = [divmod(int(place), len(rules)) for place in order]
    return [
        {
            "rule": rules[first].id,
            "with": rules[second].id,
            "count": int(above[first, second]),
            "of": [int(common[first, first]), int(common[second, second])],
        }
        for first, second in pairs
        if above[first, second]
    ]
