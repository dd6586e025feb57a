"""How many items and seeds a claim needs, and what a given number can show.

Normal approximations for items (Miller, arXiv:2411.00640, for means; Connor 1987 for McNemar),
the noncentral F of the squared t for seeds. All sizes are rounded up; rates and differences are
fractions.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, comb, isnan, nan, sqrt
from typing import Literal, NamedTuple

from scipy import optimize, stats

MAX_SEEDS = 10_000
"""More than anybody trains; the search ends here."""


class Resolution(NamedTuple):
    """The smallest true difference a design shows, and what limits it."""

    by_items_frac: float
    """What the items an arm can show, if seeds did not vary; NaN if nothing."""
    by_seeds_frac: float
    """What the seeds an arm can show, if items were endless; NaN below two seeds."""
    binding: Literal["items", "seeds"]
    """The larger of the two, or the one that shows nothing: more of these helps most."""


def items_for_mean(
    variance: float, difference: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Items for a paired difference of means, given the variance of per-item differences."""
    _positive(variance=variance, difference=abs(difference))
    return ceil(_z_sum(alpha, power) ** 2 * variance / difference**2)


def items_for_rates(rate_a: float, rate_b: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Items per arm to tell two independent rates apart."""
    variance = rate_a * (1 - rate_a) + rate_b * (1 - rate_b)
    _positive(difference=abs(rate_a - rate_b))
    return max(2, ceil(_z_sum(alpha, power) ** 2 * variance / (rate_a - rate_b) ** 2))


def items_for_paired_rates(
    discordance: float, difference: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Items both arms answer for McNemar's test.

    Args:
        discordance: Share of items on which the arms disagree.
        difference: Difference of the two rates; at most the discordance.
        alpha: Two-sided level.
        power: Chance of showing it.

    Raises:
        ValueError: A difference of 0, or larger than the discordance.
    """
    _positive(discordance=discordance, difference=abs(difference))
    if abs(difference) > discordance:
        raise ValueError(f"rates cannot differ by {difference:g} if {discordance:g} disagree")
    under_null = float(stats.norm.isf(alpha / 2)) * sqrt(discordance)
    under_truth = float(stats.norm.ppf(power)) * sqrt(discordance - difference**2)
    return ceil((under_null + under_truth) ** 2 / difference**2)


def items_for_equivalence(
    rate: float, margin: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Items per arm to show by TOST that two rates, truly equal, differ by less than `margin`."""
    _positive(margin=margin)
    z = float(stats.norm.isf(alpha) + stats.norm.ppf((1 + power) / 2))
    return ceil(z**2 * 2 * rate * (1 - rate) / margin**2)


def seeds_for_difference(
    seed_sd: float, difference: float, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Seeds per arm for a t-test of seed means.

    Args:
        seed_sd: Standard deviation between seeds of one arm, in the units of the difference.
        difference: True difference to be shown.
        alpha: Two-sided level.
        power: Chance of showing it.

    Raises:
        ValueError: A non-positive size, or more than 10 000 seeds needed.
    """
    _positive(seed_sd=seed_sd, difference=abs(difference))
    effect = abs(difference) / seed_sd
    seeds = range(2, MAX_SEEDS + 1)
    enough = bisect_left(seeds, power, key=lambda count: _t_power(effect, count, alpha))
    if enough == len(seeds):
        raise ValueError(f"more than {MAX_SEEDS} seeds an arm: the difference cannot be shown")
    return seeds[enough]


def detectable_by_items(n: int, rate: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest rise above `rate` that `n` items per arm show; NaN if not even a rise to 1."""

    def excess(rise: float) -> float:
        higher = rate + rise
        variance = rate * (1 - rate) + higher * (1 - higher)
        return rise * sqrt(n) - _z_sum(alpha, power) * sqrt(max(0.0, variance))

    if n < 2 or rate >= 1 or excess(1 - rate) < 0:
        return nan
    # From just above 0: at rate 0 the normal approximation vanishes there.
    return float(optimize.brentq(excess, 1e-9, 1 - rate))


def detectable_by_seeds(
    seeds: int, seed_sd: float, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Smallest true difference that a t-test of `seeds` seed means per arm shows; NaN below 2."""
    if seeds < 2:
        return nan
    _positive(seed_sd=seed_sd)
    effect = optimize.brentq(lambda d: _t_power(d, seeds, alpha) - power, 1e-6, 20.0)
    return float(effect) * seed_sd


def resolution(items: int, seeds: int, rate: float, seed_sd: float) -> Resolution:
    """What a design can show at 5 % with 80 % power, and whether items or seeds bind."""
    by_items = detectable_by_items(items, rate)
    by_seeds = detectable_by_seeds(seeds, seed_sd)
    items_bind = isnan(by_items) or by_items > by_seeds
    return Resolution(by_items, by_seeds, "items" if items_bind else "seeds")


def permutation_floor(seeds: int) -> float:
    """Smallest two-sided p-value that relabelling `seeds` models per arm can give."""
    return 2 / comb(2 * seeds, seeds)


def _t_power(effect: float, seeds: int, alpha: float) -> float:
    """Chance that a two-sided t-test rejects, for a difference of `effect` seed SDs."""
    df = 2 * seeds - 2
    critical = float(stats.t.isf(alpha / 2, df))
    # The square of t: SciPy's noncentral t gives NaN far out, its noncentral F does not.
    return float(stats.ncf.sf(critical**2, 1, df, effect**2 * seeds / 2))


def _z_sum(alpha: float, power: float) -> float:
    return float(stats.norm.isf(alpha / 2) + stats.norm.ppf(power))


def _positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not size > 0:
            raise ValueError(f"{name} must be positive, not {size:g}")
