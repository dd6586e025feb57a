"""Rates and means of one arm, and what missing scores could have made of them.

Wilson intervals for independent 0/1 scores; the clustered standard error of Miller,
arXiv:2411.00640, when items come in clusters; worst-case bounds of Manski, Am. Econ. Rev. 1990.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from suasion.records import Estimate
from suasion.stats.intervals import (
    TINY,
    Interval,
    Scale,
    StudentT,
    clip,
    t_interval,
    wilson_interval,
)


def wilson(successes: float, n: int, level: float = 0.95, missing: int = 0) -> Estimate:
    """A rate with Wilson's score interval, as fractions.

    Args:
        successes: How many of the `n` scored transcripts count.
        n: How many transcripts have a score.
        level: Confidence level of the interval.
        missing: How many have none; reported, never part of `n`.

    Raises:
        ValueError: `successes` lies outside 0 to `n`.
    """
    interval = wilson_interval(successes, n, level)
    if n == 0:
        return Estimate(nan, nan, nan, 0, missing, "wilson: nothing was scored")
    return Estimate(successes / n, interval.low, interval.high, n, missing, "wilson")


def manski(successes: float, n: int, missing: int) -> Interval:
    """The lowest and highest rate that the missing scores allow, as fractions.

    Args:
        successes: How many of the `n` scored transcripts count.
        n: How many transcripts have a score.
        missing: How many have none: all of them might have counted, or none.
    """
    total = n + missing
    if total == 0:
        return Interval(nan, nan)
    return Interval(successes / total, (successes + missing) / total)


def clustered_mean(
    values: Sequence[float | None],
    clusters: Sequence[Hashable],
    *,
    level: float = 0.95,
    missing: int = 0,
    scale: Scale = (0.0, 1.0),
) -> Estimate:
    """The mean of scores that come in clusters, with a t interval over the clusters.

    With every score in a cluster of its own this is the ordinary t interval of a mean. When the
    clusters do not vary (every score 0, say) the standard error is 0, which would be false
    certainty: the interval is then Wilson's, with each cluster counted as one draw.

    Args:
        values: Scores; None or NaN is missing.
        clusters: The cluster of each score, in the same order.
        level: Confidence level of the interval.
        missing: Transcripts without a score that are not in `values`.
        scale: The lowest and highest score that can occur.

    Raises:
        ValueError: A score outside `scale`, or not one cluster per score.
    """
    scores, labels = _scored(values, clusters, scale)
    missing += len(values) - len(scores)
    count = len(set(labels))
    if not len(scores):
        return Estimate(nan, nan, nan, 0, missing, "clustered t: nothing was scored")
    mean = float(scores.mean())
    if count < 2:
        reason = "clustered t: no interval from fewer than 2 clusters"
        return Estimate(mean, nan, nan, len(scores), missing, reason)
    se = clustered_se(scores.tolist(), labels)
    if se <= TINY:
        interval = scaled_wilson(mean, count, scale, level)
        method = f"wilson on {count} clusters (they do not vary)"
    else:
        interval = clip(t_interval(StudentT(mean, se, count - 1), level), *scale)
        method = f"clustered t ({count} clusters)"
    return Estimate(mean, interval.low, interval.high, len(scores), missing, method)


def clustered_se(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Standard error of a mean of clustered scores, with the C/(C-1) correction.

    NaN below two clusters, where it cannot be estimated.
    """
    scores = np.asarray(values, dtype=float)
    index = {label: i for i, label in enumerate(dict.fromkeys(clusters))}
    count = len(index)
    if count < 2:
        return nan
    of_cluster = [index[label] for label in clusters]
    residual_C = np.bincount(of_cluster, weights=scores - scores.mean(), minlength=count)
    return sqrt(float(residual_C @ residual_C) * count / (count - 1)) / len(scores)


def scaled_wilson(mean: float, n: float, scale: Scale, level: float = 0.95) -> Interval:
    """Wilson's interval of a mean of bounded scores, as if each were at an end of the scale.

    No distribution on the scale with this mean varies more, so the interval is conservative.
    """
    low, high = scale
    interval = wilson_interval(n * min(1.0, max(0.0, (mean - low) / (high - low))), n, level)
    return Interval(low + (high - low) * interval.low, low + (high - low) * interval.high)


def check_scale(scores: NDArray[np.float64], scale: Scale) -> None:
    """Refuse scores that cannot be on the scale they are said to be on.

    Raises:
        ValueError: Naming the first such score.
    """
    low, high = scale
    outside = scores[(scores < low - TINY) | (scores > high + TINY)]
    if len(outside):
        raise ValueError(
            f"score {outside[0]:g} is not on the scale {low:g} to {high:g}: pass scale=(low, high)"
        )


def _scored(
    values: Sequence[float | None], clusters: Sequence[Hashable], scale: Scale
) -> tuple[NDArray[np.float64], list[Hashable]]:
    scores = np.asarray(values, dtype=float)
    if len(scores) != len(clusters):
        raise ValueError(f"{len(scores)} scores but {len(clusters)} clusters")
    known = ~np.isnan(scores)
    check_scale(scores[known], scale)
    return scores[known], [label for label, kept in zip(clusters, known, strict=True) if kept]
