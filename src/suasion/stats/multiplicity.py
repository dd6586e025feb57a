"""P-values adjusted within a declared family of tests.

Holm, Scand. J. Statist. 1979, for primary contrasts (no false claim in the family, whatever the
dependence); Benjamini and Hochberg, JRSS B 1995, for sweeps (few false claims among those made).

A test that could not be computed (NaN) stays NaN and stays in the family: dropping it afterwards
would make the others easier to pass than was declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given.

    Raises:
        ValueError: A p-value outside 0 to 1.
    """
    p, order, ranks = _ranked(p_values)
    stepped = np.maximum.accumulate((len(p) - ranks + 1) * p[order])
    return _restored(np.minimum(stepped, 1.0), order, p_values)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjusted p-values, in the order given.

    Raises:
        ValueError: A p-value outside 0 to 1.
    """
    p, order, ranks = _ranked(p_values)
    stepped = np.minimum.accumulate((len(p) / ranks * p[order])[::-1])[::-1]
    return _restored(np.minimum(stepped, 1.0), order, p_values)


def _ranked(
    p_values: Sequence[float],
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.intp]]:
    """P-values with 1 for NaN, their ascending order, and the ranks 1..m."""
    given = np.asarray(p_values, dtype=float)
    if np.any((given < 0) | (given > 1)):
        raise ValueError(f"p-values lie between 0 and 1: {list(p_values)}")
    p = np.where(np.isnan(given), 1.0, given)
    return p, np.argsort(p, kind="stable"), np.arange(1, len(p) + 1)


def _restored(
    adjusted: NDArray[np.float64], order: NDArray[np.intp], p_values: Sequence[float]
) -> list[float]:
    """Back in the order given, NaN where NaN was."""
    restored = np.empty(len(order))
    restored[order] = adjusted
    return [nan if isnan(p) else float(q) for p, q in zip(p_values, restored, strict=True)]
