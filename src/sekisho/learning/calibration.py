"""The probability of fraud at a score, learned from payments that went through."""

from collections.abc import Sequence
from typing import Final

import polars as pl

BAND: Final = 10
"""Scores in one band."""
BANDS: Final = 10
METHOD: Final = (
    "mean over blocked payments of 1 minus the calibrated probability of fraud at their score;"
    " calibrated on payments that went through (holdout included, weighted by inverse probability),"
    " by bands of ten scores, each with half a fraud and half a legitimate payment added,"
    " made monotone by pooling adjacent violators"
)


def calibrate(
    scores: Sequence[float], fraud: Sequence[bool], weights: Sequence[float]
) -> list[float]:
    """The probability of fraud in each band of scores, never falling from band to band.

    >>> [round(one, 2) for one in calibrate([5, 5, 95, 95], [False, False, True, True], [1] * 4)]
    [0.17, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.83]
    """
    bad, all_ = [0.5] * BANDS, [1.0] * BANDS
    for score, is_fraud, weight in zip(scores, fraud, weights, strict=True):
        band = band_of(score)
        all_[band] += weight
        bad[band] += weight * is_fraud
    blocks: list[tuple[float, float, int]] = []  # fraud, all, bands
    for one, whole in zip(bad, all_, strict=True):
        blocks.append((one, whole, 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            last, before = blocks.pop(), blocks.pop()
            blocks.append((last[0] + before[0], last[1] + before[1], last[2] + before[2]))
    return [one / whole for one, whole, bands in blocks for _ in range(bands)]


def band_of(score: float) -> int:
    """The band of a score from 0 to 99."""
    return min(BANDS - 1, max(0, int(score // BAND)))


def false_positives(blocked: pl.Series, curve: Sequence[float]) -> float | None:
    """The estimated share of legitimate payments among blocked ones; None without a score."""
    scores: list[float] = blocked.drop_nulls().to_list()
    if not scores:
        return None
    return sum(1 - curve[band_of(score)] for score in scores) / len(scores)
