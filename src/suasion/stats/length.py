"""Is one arm's gain more than its longer messages? The difference at equal length.

Ordinary least squares of the gain on the arm and on the logarithm of the message's length, errors
clustered by item (Liang and Zeger 1986, with the usual small-sample factor). Assumed: a message
twice as long gains as much more in one arm as in the other, and at every length. It is a
description, not a cause: where an arm persuades by saying more, length is part of what it does, and
the raw difference is the effect of the arm. Where no message of one arm is as long as one of the
other, there is nothing to compare at equal length, and the number is NaN.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from suasion.records import Estimate
from suasion.stats.intervals import TINY, StudentT, t_interval

THIN = 0.5
"""Where less than this share of either arm's messages is as long as messages of the other, the
adjusted difference rests on the straight line, and its `method` says so."""


@dataclass(frozen=True, slots=True)
class LengthControlled:
    """A difference between two arms, at equal length of messages."""

    estimate: Estimate
    """Arm minus reference at equal log length; NaN where lengths do not overlap."""
    raw: float
    """The difference of means, lengths as they are."""
    slope: float
    """Points of gain for each doubling of the length; NaN if it cannot be had."""
    overlap: float
    """Share of messages in the range of lengths that both arms have, in the arm where it is less;
    0 to 1."""


def length_controlled(
    gains: Sequence[float | None],
    lengths: Sequence[float | None],
    in_arm: Sequence[bool],
    items: Sequence[Hashable],
    *,
    level: float = 0.95,
    missing: int = 0,
) -> LengthControlled:
    """Difference of gains between an arm and its reference, adjusted for log length.

    Args:
        gains: one a transcript; None or NaN is missing.
        lengths: of the transcript's messages, in words or tokens; None, NaN and 0 are missing.
        in_arm: whether a transcript is of the arm (True) or of the reference.
        items: the item of each transcript; its transcripts are one cluster.
        level: confidence level.
        missing: transcripts that are not in `gains`.

    Raises:
        ValueError: lengths of the lists differ, or a length is negative.
    """
    if not len(gains) == len(lengths) == len(in_arm) == len(items):
        raise ValueError("give every gain its length, its arm and its item")
    gain_N, length_N = np.asarray(gains, dtype=float), np.asarray(lengths, dtype=float)
    if (length_N < 0).any():
        raise ValueError("a length is negative: pass words or tokens")
    known_N = np.isfinite(gain_N) & (length_N > 0)
    missing += int((~known_N).sum())
    y_N, log_N = gain_N[known_N], np.log2(length_N[known_N])
    arm_N = np.asarray(in_arm, dtype=bool)[known_N]
    own = [item for item, kept in zip(items, known_N, strict=True) if kept]

    def none(why: str, raw: float = nan, overlap: float = nan) -> LengthControlled:
        method = f"length-controlled: {why}"
        return LengthControlled(
            Estimate(nan, nan, nan, len(y_N), missing, method), raw, nan, overlap
        )

    if arm_N.all() or not arm_N.any():
        return none("an arm has no scored transcript")
    raw = float(y_N[arm_N].mean() - y_N[~arm_N].mean())
    overlap = _overlap(log_N[arm_N], log_N[~arm_N])
    if overlap == 0:
        return none("the arms' messages do not overlap in length", raw, overlap)
    columns = [np.ones(len(y_N)), arm_N.astype(float)]
    if np.ptp(log_N) > TINY:
        columns.append(log_N - log_N.mean())
    x_NK = np.stack(columns, axis=1)
    if len(y_N) <= x_NK.shape[1] or np.linalg.matrix_rank(x_NK) < x_NK.shape[1]:
        return none("too few transcripts, or length tells the arms apart", raw, overlap)
    effect, slope = _fit(x_NK, y_N, own)
    interval = t_interval(effect, level)
    thin = "" if overlap >= THIN else f", only {overlap:.0%} of an arm overlaps in length"
    method = f"length-controlled least squares, clustered t ({len(set(own))} items){thin}"
    estimate = Estimate(effect.value, *interval, len(y_N), missing, method)
    return LengthControlled(estimate, raw, slope, overlap)


def _overlap(arm: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Share of messages within the lengths that both have, in the arm where it is less."""
    low, high = max(arm.min(), reference.min()), min(arm.max(), reference.max())
    shares = [float(((own >= low) & (own <= high)).mean()) for own in (arm, reference)]
    return min(shares)


def _fit(
    x_NK: NDArray[np.float64], y_N: NDArray[np.float64], items: Sequence[Hashable]
) -> tuple[StudentT, float]:
    """The coefficient of the arm with its clustered error, and that of length (NaN without one)."""
    count, width = x_NK.shape
    index = {label: place for place, label in enumerate(dict.fromkeys(items))}
    bread_KK = np.linalg.inv(x_NK.T @ x_NK)
    beta_K = bread_KK @ (x_NK.T @ y_N)
    residual_N = y_N - x_NK @ beta_K
    score_CK = np.zeros((len(index), width))
    np.add.at(score_CK, [index[item] for item in items], x_NK * residual_N[:, None])
    slope = float(beta_K[2]) if width > 2 else nan
    if len(index) < 2:
        return StudentT(float(beta_K[1]), nan, 0), slope
    factor = len(index) / (len(index) - 1) * (count - 1) / (count - width)
    variance_KK = factor * bread_KK @ (score_CK.T @ score_CK) @ bread_KK
    se = sqrt(max(0.0, float(variance_KK[1, 1])))
    return StudentT(float(beta_K[1]), 0.0 if se <= TINY else se, len(index) - 1), slope
