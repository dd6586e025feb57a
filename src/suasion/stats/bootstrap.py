"""A hierarchical bootstrap: does the conclusion survive resampling seeds and items at once?

Seeds are nested in arms and resampled within each; items are crossed with everything, so one
resample of items serves both arms. With S seeds the percentile interval understates their variance
by the factor (S-1)/S, and what is neither seed nor item (the luck of a single draw) it counts about
three times (Owen, Ann. Appl. Stat. 2007): too narrow with few seeds, too wide with noisy draws. So
it is a check on Welch's interval and never replaces it.
"""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.records import Estimate

ENOUGH_SEEDS = 8
"""From here on the interval is not labelled as a sensitivity check only."""


def hierarchical_bootstrap(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Difference of two arms' means, a minus b, with a percentile interval over seeds and items.

    Args:
        scores_a: Scores of the first arm, axes (seed, item); NaN is missing.
        scores_b: The same for the second arm: own seeds, the same items in the same order.
        resamples: How often to resample.
        seed: Of the resampling; the same seed gives the same bits.
        level: Confidence level.

    Raises:
        ValueError: Not two-dimensional, or not the same items in both arms.
    """
    a_SQ, b_SQ = np.asarray(scores_a, dtype=float), np.asarray(scores_b, dtype=float)
    if a_SQ.ndim != 2 or b_SQ.ndim != 2 or a_SQ.shape[1] != b_SQ.shape[1]:
        raise ValueError(f"scores need axes (seed, item): {a_SQ.shape} and {b_SQ.shape}")
    n = int(np.sum(~np.isnan(a_SQ)) + np.sum(~np.isnan(b_SQ)))
    missing = a_SQ.size + b_SQ.size - n
    seeds, items = min(len(a_SQ), len(b_SQ)), a_SQ.shape[1]
    if np.isnan(a_SQ).all() or np.isnan(b_SQ).all():
        reason = "hierarchical bootstrap: an arm has no score"
        return Estimate(nan, nan, nan, n, missing, reason)
    difference = float(np.nanmean(a_SQ) - np.nanmean(b_SQ))
    if seeds < 2 or items < 2:
        reason = "hierarchical bootstrap: needs at least 2 seeds an arm and 2 items"
        return Estimate(difference, nan, nan, n, missing, reason)
    rng = np.random.default_rng(seed)
    items_BQ = _draws(rng, items, resamples)
    drawn_B = _weighted_means(a_SQ, _draws(rng, len(a_SQ), resamples), items_BQ)
    drawn_B = drawn_B - _weighted_means(b_SQ, _draws(rng, len(b_SQ), resamples), items_BQ)
    low, high = np.nanquantile(drawn_B, [(1 - level) / 2, (1 + level) / 2])
    method = f"hierarchical bootstrap ({resamples} resamples, {seeds} seeds)"
    if seeds < ENOUGH_SEEDS:
        method += ", sensitivity"
    return Estimate(difference, float(low), float(high), n, missing, method)


def _draws(rng: np.random.Generator, units: int, resamples: int) -> NDArray[np.float64]:
    """How often each unit is drawn in each resample, axes (resample, unit)."""
    return rng.multinomial(units, np.full(units, 1 / units), size=resamples).astype(float)


def _weighted_means(
    scores_SQ: NDArray[np.float64], seeds_BS: NDArray[np.float64], items_BQ: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean score of each resample; NaN where every drawn score is missing."""
    known_SQ = ~np.isnan(scores_SQ)
    sums_B = np.einsum("bq,bq->b", seeds_BS @ np.where(known_SQ, scores_SQ, 0.0), items_BQ)
    counts_B = np.einsum("bq,bq->b", seeds_BS @ known_SQ, items_BQ)
    means_B: NDArray[np.float64] = np.full_like(sums_B, nan)
    np.divide(sums_B, counts_B, out=means_B, where=counts_B > 0)
    return means_B
