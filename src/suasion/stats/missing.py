"""Do the arms differ in how much is missing? Then what is not missing may mislead.

A judge that fails more often on one arm can make or hide an effect, so a report flags it.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

from suasion.stats.differences import fisher_p


class Missingness(NamedTuple):
    """How two arms differ in the share of transcripts without a score."""

    difference_frac: float
    """Missing share of the first arm minus that of the second; NaN when an arm is empty."""
    p: float
    """Fisher's exact two-sided p-value for equal shares; NaN when an arm is empty."""
    unequal: bool
    """True when `p` < 0.05 or the shares are more than 2 percentage points apart."""


def missingness(
    missing_a: int, total_a: int, missing_b: int, total_b: int, tolerance_frac: float = 0.02
) -> Missingness:
    """Compare the missing shares of two arms.

    Args:
        missing_a: Transcripts of the first arm without a score.
        total_a: All transcripts of the first arm, scored or not.
        missing_b: The same for the second arm.
        total_b: The same for the second arm.
        tolerance_frac: Difference of shares that is flagged whatever its p-value.

    Raises:
        ValueError: More missing than there are.
    """
    p = fisher_p(missing_a, total_a, missing_b, total_b)
    if not total_a or not total_b:
        return Missingness(nan, nan, False)
    difference = missing_a / total_a - missing_b / total_b
    return Missingness(difference, p, p < 0.05 or abs(difference) > tolerance_frac)
