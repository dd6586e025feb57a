"""What every estimate rests on: Wilson intervals for counts, Student-t intervals for means.

Wilson, JASA 1927 (as recommended by Newcombe 1998a); Welch, Biometrika 1947.
"""

from __future__ import annotations

from math import inf, isnan, nan, sqrt
from typing import NamedTuple

from scipy import stats

TINY = 1e-12
"""Spread below this is rounding error of identical numbers."""

Scale = tuple[float, float]
"""Lowest and highest score that can occur; (0, 1) for rates."""


class Interval(NamedTuple):
    """A closed interval; both ends NaN when it cannot be had."""

    low: float
    """Lower end."""
    high: float
    """Upper end."""


NO_INTERVAL = Interval(nan, nan)


class StudentT(NamedTuple):
    """A mean or a difference of means whose error follows a t distribution."""

    value: float
    """The point estimate."""
    se: float
    """Its standard error, in the same units; 0 when the data show no variance at all."""
    df: float
    """Degrees of freedom; `inf` gives the normal distribution."""


def z_value(level: float) -> float:
    """The two-sided normal quantile of a confidence level, e.g. 1.96 for 0.95."""
    return float(stats.norm.ppf(0.5 + level / 2))


def wilson_interval(successes: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a rate, as fractions.

    Args:
        successes: How many of `n`; not necessarily whole (a mean of item means times `n`).
        n: How many were scored.
        level: Confidence level.

    Raises:
        ValueError: `successes` lies outside 0 to `n`.
    """
    if not 0 <= successes <= n + TINY:
        raise ValueError(f"{successes} successes of {n} cannot be")
    if n == 0:
        return NO_INTERVAL
    z = z_value(level)
    centre = (successes + z * z / 2) / (n + z * z)
    inside = max(0.0, successes * (n - successes) / n)
    half = z / (n + z * z) * sqrt(inside + z * z / 4)
    # The ends are exactly 0 and 1 there; the formula leaves rounding error.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return Interval(low, high)


def binomial_variance(rate: float, n: float) -> float:
    """Sampling variance of a rate seen on `n` draws, never 0: Agresti and Coull's, at 95 %."""
    z2 = z_value(0.95) ** 2
    centre = (n * rate + z2 / 2) / (n + z2)
    return centre * (1 - centre) / (n + z2)


def t_interval(t: StudentT, level: float = 0.95) -> Interval:
    """The two-sided interval of `t`; NaN unless its standard error is positive."""
    if not t.se > 0:
        return NO_INTERVAL
    half = t.se * _t_quantile(0.5 + level / 2, t.df)
    return Interval(t.value - half, t.value + half)


def t_p_value(t: StudentT) -> float:
    """Two-sided p-value for a true value of 0; NaN unless the standard error is positive."""
    return 2 * _t_upper(abs(t.value) / t.se, t.df) if t.se > 0 else nan


def t_tost_p(t: StudentT, margin: float) -> float:
    """P-value for the true value lying outside ±`margin` (two one-sided tests)."""
    if not t.se > 0 or isnan(margin):
        return nan
    return max(_t_upper((t.value + margin) / t.se, t.df), _t_upper((margin - t.value) / t.se, t.df))


def clip(interval: Interval, low: float, high: float) -> Interval:
    """The part of `interval` that can be true; NaN stays NaN."""
    if isnan(interval.low):
        return interval
    return Interval(
        max(low, min(high, interval.low)),
        max(low, min(high, interval.high)),
    )


def _t_quantile(probability: float, df: float) -> float:
    distribution = stats.norm() if df == inf else stats.t(df)
    return float(distribution.ppf(probability))


def _t_upper(statistic: float, df: float) -> float:
    distribution = stats.norm() if df == inf else stats.t(df)
    return float(distribution.sf(statistic))
