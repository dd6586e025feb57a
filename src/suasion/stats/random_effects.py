"""One number over several Receivers, each a draw from the Receivers there might have been.

Receivers differ more than the training of Senders does (arXiv:2509.22989), so a pooled gain is a
mean over Receivers whose interval holds for Receivers like them. Each Receiver has a mean gain and
its variance over items; tau, the spread of true gains between Receivers, is
Paule and Mandel's (J. Res. NBS 87, 1982); the interval is Hartung and Knapp's (Statist. Med. 20,
2001), t with K - 1 degrees of freedom, never narrower than that of the weights (their q is at least
1). The items are the same for all Receivers: what their errors have in common does not cancel, and
is added, which in a balanced table gives the variance of the two-way random-effects ANOVA,
(MS_receivers + MS_items - MS_error) / (K n).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from suasion.records import Estimate
from suasion.stats.intervals import (
    NO_INTERVAL,
    TINY,
    Interval,
    Scale,
    StudentT,
    clip,
    t_interval,
)
from suasion.stats.rates import clustered_mean


@dataclass(frozen=True)
class Pooled:
    """A mean over Receivers."""

    estimate: Estimate
    """The mean of the Receivers' true means, with its interval."""
    tau: float
    """Standard deviation of true means between Receivers; NaN if it cannot be had."""
    another: Interval
    """Where the true mean of one more Receiver lies (Higgins et al., JRSS A 172, 2009), K - 2
    degrees of freedom; NaN below 3 Receivers."""
    each: Mapping[Hashable, Estimate]
    """Every Receiver's mean, its interval over items."""


@dataclass(frozen=True, slots=True)
class Combined:
    """Several estimates combined as draws from one population."""

    mean: StudentT
    """Mean of the population, its standard error and degrees of freedom."""
    tau: float
    """Standard deviation of the population."""
    weights: tuple[float, ...]
    """Of each estimate; they sum to 1."""


def over_receivers(
    values: Sequence[float | None],
    receivers: Sequence[Hashable],
    items: Sequence[Hashable],
    *,
    scale: Scale = (-6.0, 6.0),
    level: float = 0.95,
    missing: int = 0,
) -> Pooled:
    """Pooled mean of gains (or of differences between two arms on the same item).

    Args:
        values: one a measurement; None or NaN is missing.
        receivers: whose it is, in the same order.
        items: of which item, in the same order; measurements of one item are one cluster.
        scale: lowest and highest value that can occur.
        level: confidence level.
        missing: measurements that are not in `values`.

    Raises:
        ValueError: lengths differ, or a value is outside the scale.
    """
    if not len(values) == len(receivers) == len(items):
        raise ValueError(
            f"{len(values)} values, {len(receivers)} receivers and {len(items)} items: give every "
            "value its receiver and its item"
        )
    rows: dict[Hashable, list[tuple[float | None, Hashable]]] = {}
    for value, receiver, item in zip(values, receivers, items, strict=True):
        rows.setdefault(receiver, []).append((value, item))
    each = {
        name: clustered_mean([v for v, _ in own], [i for _, i in own], level=level, scale=scale)
        for name, own in rows.items()
    }
    known = [name for name in rows if not isnan(each[name].value)]
    n, missing = sum(e.n for e in each.values()), missing + sum(e.missing for e in each.values())
    if len(known) < 2:
        value = each[known[0]].value if known else nan
        why = "receivers as a random effect: fewer than 2 receivers"
        return Pooled(Estimate(value, nan, nan, n, missing, why), nan, NO_INTERVAL, each)
    means_K, covariance_KK, clusters = _errors([rows[name] for name in known])
    if np.isnan(covariance_KK).any():
        why = "receivers as a random effect: a receiver has fewer than 2 items"
        value = float(means_K.mean())
        return Pooled(Estimate(value, nan, nan, n, missing, why), nan, NO_INTERVAL, each)
    common = _common(covariance_KK)
    found = combine_effects(means_K, np.diag(covariance_KK) - common, common, clusters - 1)
    interval = clip(t_interval(found.mean, level), *scale)
    method = f"random effect of {len(known)} receivers (Paule-Mandel, Hartung-Knapp)"
    if isnan(interval.low):
        method += ": nothing varies, no interval"
    estimate = Estimate(found.mean.value, *interval, n, missing, method)
    return Pooled(estimate, found.tau, clip(_another(found, level), *scale), each)


def combine_effects(
    effects: Sequence[float] | NDArray[np.float64],
    variances: Sequence[float] | NDArray[np.float64],
    common: float = 0.0,
    common_df: float = inf,
) -> Combined:
    """Combine estimates by Paule and Mandel's weights, with Hartung and Knapp's standard error.

    tau^2 solves sum_k (y_k - m)^2 / (v_k + tau^2) = K - 1, or is 0; m is the weighted mean and
    1 / sum_k w_k its variance, plus `common`. Degrees of freedom: K - 1, and Satterthwaite's where
    there is a common part.

    Args:
        effects: one a Receiver, y_k.
        variances: sampling variance of each, v_k, without what they have in common.
        common: variance of the error that all share.
        common_df: degrees of freedom behind it.

    Raises:
        ValueError: fewer than 2 estimates, lengths differ, or a variance is no number.
    """
    y_K, v_K = np.asarray(effects, dtype=float), np.asarray(variances, dtype=float)
    if len(y_K) < 2 or len(y_K) != len(v_K) or not np.isfinite([y_K, v_K]).all():
        raise ValueError("give two estimates or more, each with a finite variance")
    v_K, common = np.maximum(v_K, 0.0), max(common, 0.0)
    tau2 = _paule_mandel(y_K, v_K)
    total_K = v_K + tau2
    if total_K.min() <= TINY:  # an estimate without error would get all the weight
        total_K = np.full(len(y_K), max(float(total_K.mean()), TINY**2))
    weight_K = 1 / total_K
    own = 0.0 if total_K.max() <= TINY else float(1 / weight_K.sum())
    mean = float(weight_K @ y_K / weight_K.sum())
    se = sqrt(own + common)
    df = float(len(y_K) - 1)
    if common > 0:
        df = (own + common) ** 2 / (own**2 / df + common**2 / common_df)
    weights = tuple(float(w) for w in weight_K / weight_K.sum())
    return Combined(StudentT(mean, se, df), sqrt(tau2), weights)


def _paule_mandel(y_K: NDArray[np.float64], v_K: NDArray[np.float64]) -> float:
    """The variance between estimates at which their weighted spread is what it should be."""

    def excess(tau2: float) -> float:
        weight_K = 1 / (v_K + tau2)
        mean = weight_K @ y_K / weight_K.sum()
        return float(weight_K @ (y_K - mean) ** 2) - (len(y_K) - 1)

    # At this value the weighted squares sum to 1 at most, which is K - 1 or less.
    high = float(((y_K - y_K.mean()) ** 2).sum())
    if high <= TINY:
        return 0.0
    low = 0.0 if v_K.min() > 0 else 1e-12 * high
    if excess(low) <= 0:
        return 0.0
    if excess(high) >= 0:  # two estimates without error: the bound is the root
        return high
    return float(optimize.brentq(excess, low, high, xtol=1e-14, rtol=1e-12))


def _errors(
    rows: Sequence[Sequence[tuple[float | None, Hashable]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Each Receiver's mean, the covariance of their errors over shared items, and how many items.

    The covariance of two means is the sum over items of both residual sums, over both counts, with
    the C / (C - 1) correction of clustered errors.
    """
    scored = [[(v, i) for v, i in own if v is not None and v == v] for own in rows]
    labels = list(dict.fromkeys(i for own in scored for _, i in own))
    place = {label: column for column, label in enumerate(labels)}
    residual_KC = np.zeros((len(rows), len(labels)))
    means_K, has_KC = np.zeros(len(rows)), np.zeros((len(rows), len(labels)))
    for row, own in enumerate(scored):
        means_K[row] = np.mean([v for v, _ in own])
        for value, item in own:
            residual_KC[row, place[item]] += (value - means_K[row]) / len(own)
            has_KC[row, place[item]] = 1
    shared_KK = has_KC @ has_KC.T
    with np.errstate(divide="ignore", invalid="ignore"):
        correction_KK = np.where(shared_KK > 1, shared_KK / (shared_KK - 1), 0.0)
    covariance_KK = residual_KC @ residual_KC.T * correction_KK
    alone = np.diag(shared_KK) < 2
    covariance_KK[np.diag_indices(len(rows))] = np.where(alone, nan, np.diag(covariance_KK))
    return means_K, covariance_KK, len(labels)


def _common(covariance_KK: NDArray[np.float64]) -> float:
    """Mean covariance of two Receivers' errors, 0 or more, and no more than the least variance."""
    count = len(covariance_KK)
    between = float((covariance_KK.sum() - np.trace(covariance_KK)) / (count * (count - 1)))
    return min(max(0.0, between), float(np.diag(covariance_KK).min()))


def _another(found: Combined, level: float) -> Interval:
    """Where one more Receiver's true mean lies."""
    df = len(found.weights) - 2
    if df < 1:
        return NO_INTERVAL
    return t_interval(StudentT(found.mean.value, sqrt(found.tau**2 + found.mean.se**2), df), level)
