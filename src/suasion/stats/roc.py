"""How well a score tells two kinds of row apart: the area under the ROC curve, the curve itself.

The area is the Mann-Whitney statistic, ties counted half (Bamber 1975). Its interval is Newcombe's
method 5 (Stat. Med. 25, 2006): the areas whose error by Hanley and McNeil (Radiology 143, 1982)
does not exclude what was seen. It has a width also where the area is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan, sqrt
from typing import TypeAlias

import numpy as np
from scipy import optimize, stats

from suasion.records import Estimate
from suasion.stats.intervals import TINY, z_value

Curve: TypeAlias = tuple[tuple[float, float], ...]
"""Share of good rows and share of bad rows that score as high or higher, from (0, 0) to (1, 1)."""

METHOD = "Mann-Whitney, Newcombe 2006"


def auc(scores: Sequence[float | None], bad: Sequence[bool], level: float = 0.95) -> Estimate:
    """Chance that a bad row scores higher than a good one, ties counted half.

    Args:
        scores: higher means worse; None where there is none, which is counted as missing.
        bad: whether each row is known to be bad.
        level: confidence level of the interval.

    Returns:
        The area; NaN with the reason in `method` where one kind has no scored row.
    """
    worse, better = _apart(scores, bad)
    missing = sum(score is None for score in scores)
    n = len(worse) + len(better)
    if not worse or not better:
        return Estimate(nan, nan, nan, n, missing, "auc: one kind of row has no score")
    ranks = stats.rankdata([*worse, *better])
    won = float(ranks[: len(worse)].sum()) - len(worse) * (len(worse) + 1) / 2
    area = won / (len(worse) * len(better))
    low, high = newcombe_auc(area, len(worse), len(better), level)
    return Estimate(area, low, high, n, missing, METHOD)


def hanley_mcneil(area: float, bad: float, good: float) -> float:
    """Standard error of an area by Hanley and McNeil's exponential model.

    Args:
        area: under the curve, as a fraction.
        bad: rows of the kind that scores high.
        good: rows of the other kind.
    """
    return sqrt(_variance(area, bad * good, bad - 1, good - 1))


def newcombe_auc(area: float, bad: int, good: int, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's interval of an area, as fractions.

    Args:
        area: the area seen.
        bad: rows of the kind that scores high.
        good: rows of the other kind.
        level: confidence level.
    """
    z, half = z_value(level), (bad + good) / 2 - 1

    def beyond(side: float) -> Callable[[float], float]:
        def gap(true: float) -> float:
            error = sqrt(_variance(true, bad * good, half, half))
            return side * (area - true) - z * error

        return gap

    # An area of 1 (or 0) is itself a solution, of no width; the other one is wanted.
    low = optimize.brentq(beyond(1.0), 0.0, area - TINY) if area > 0 else 0.0
    high = optimize.brentq(beyond(-1.0), area + TINY, 1.0) if area < 1 else 1.0
    return float(low), float(high)


def roc(scores: Sequence[float | None], bad: Sequence[bool]) -> Curve:
    """The curve, a point for each score there is; empty where one kind has no scored row."""
    worse, better = (np.sort(side) for side in _apart(scores, bad))
    if not len(worse) or not len(better):
        return ()
    cuts = np.unique(np.concatenate([worse, better]))[::-1]
    shares = [(1 - np.searchsorted(side, cuts) / len(side)) for side in (better, worse)]
    points = zip(*(share.tolist() for share in shares), strict=True)
    return ((0.0, 0.0), *((float(x), float(y)) for x, y in points))


def _apart(scores: Sequence[float | None], bad: Sequence[bool]) -> tuple[list[float], list[float]]:
    pairs = [(s, b) for s, b in zip(scores, bad, strict=True) if s is not None]
    return [s for s, b in pairs if b], [s for s, b in pairs if not b]


def _variance(area: float, pairs: float, bad_less_1: float, good_less_1: float) -> float:
    spread = bad_less_1 * (1 - area) / (2 - area) + good_less_1 * area / (1 + area)
    return max(0.0, area * (1 - area) * (1 + spread) / pairs)
