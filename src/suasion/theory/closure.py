"""Two states: the concave closure of the Sender's payoff, and the two posteriors that reach it.

With two states a posterior is one number, the probability mu of state 1, and the best a Sender can
do is cav v^(mu0), the upper concave envelope of the reduced payoff, reached by splitting the prior
onto the two ends of the segment above it (Kamenica & Gentzkow 2011, Corollary 2 and figure 2).

On a grid the envelope is that of the grid's points, so a payoff that jumps needs a point at the
jump. `binary_optimum` puts one at every posterior where the Receiver's choice changes and is exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.errors import GameError
from suasion.theory import checks
from suasion.theory.games import Game, payoffs, stakes

FLAT = 1e-12
"""Points this little below a segment, in units of the values' range, lie on it; a split that gains
no more is not made."""


class Split(NamedTuple):
    """A prior split into two posteriors, or left as it is."""

    value: float
    """The mean of the values at the two posteriors."""
    low: float
    """The lower posterior; the prior itself where nothing is to be told."""
    high: float
    """The higher posterior; the same as `low` where nothing is to be told."""
    weight_high: float
    """How often the higher one is reached: (prior - low) / (high - low); 1 where both are one."""


def concave_closure(grid_G: ArrayLike, values_G: ArrayLike) -> NDArray[np.float64]:
    """The least concave function that is nowhere below the values, at the grid's points; values_G.

    Args:
        grid_G: ascending posteriors within [0, 1].
        values_G: the payoff at each.

    Raises:
        GameError: the grid does not ascend, or there is not one finite value for each point.
    """
    grid, values = _on_grid(grid_G, values_G)
    hull = _upper_hull(grid, values)
    closed_G: NDArray[np.float64] = np.interp(grid, grid[hull], values[hull])
    return np.maximum(closed_G, values)  # the last bit, where a point is on the hull


def closure_at(grid_G: ArrayLike, values_G: ArrayLike, prior: float) -> Split:
    """Cav v(prior), and the two posteriors that reach it.

    Args:
        grid_G: ascending posteriors within [0, 1], reaching from below the prior to above it.
        values_G: the payoff at each.
        prior: the probability of state 1; it need not be a point of the grid.

    Raises:
        GameError: as `concave_closure`, or the grid does not hold the prior.
    """
    grid, values = _on_grid(grid_G, values_G)
    prior = checks.inside(grid, prior)
    hull = _upper_hull(grid, values)
    low, high, weight = between(grid[hull], prior)
    ends = np.interp([low, high], grid, values)
    value = float((1 - weight) * ends[0] + weight * ends[1])
    here = int(np.searchsorted(grid, prior))
    if grid[here] == prior and value <= values[here] + FLAT * float(np.ptp(values)):
        return Split(float(values[here]), prior, prior, 1.0)
    return Split(value, low, high, weight)


def between(points: NDArray[np.float64], prior: float) -> tuple[float, float, float]:
    """The nearest points at or below and at or above the prior, and the weight of the upper one.

    Args:
        points: ascending, and reaching from below the prior to above it.
        prior: what the two average to.
    """
    above = int(np.searchsorted(points, prior))
    high = float(points[above])
    if high == prior:
        return high, high, 1.0
    low = float(points[above - 1])
    return low, high, (prior - low) / (high - low)


def binary_payoffs(game: Game, grid_G: ArrayLike) -> NDArray[np.float64]:
    """v^ of a game of two states, at posteriors given as the probability of state 1; values_G.

    Raises:
        GameError: the game has not two states, or the grid does not ascend within [0, 1].
    """
    _two_states(game)
    grid = checks.grid(grid_G)
    return payoffs(game, np.stack([1 - grid, grid], axis=1))


def breakpoints(game: Game) -> NDArray[np.float64]:
    """0, 1 and every posterior between where two actions are as good for the Receiver; grid_G.

    Between two of them the Receiver's choice does not change and v^ is a line.

    Raises:
        GameError: the game has not two states.
    """
    _two_states(game)
    own_SA = stakes(game.receiver_SA)
    apart_SAA = own_SA[:, :, None] - own_SA[:, None, :]
    turn_AA = apart_SAA[0] - apart_SAA[1]
    cross_AA = np.divide(apart_SAA[0], turn_AA, where=turn_AA != 0, out=np.zeros_like(turn_AA))
    within = cross_AA[(cross_AA > 0) & (cross_AA < 1)]
    return np.unique(np.concatenate([[0.0, 1.0], within]))


def binary_optimum(game: Game) -> Split:
    """The Sender's best split in a game of two states, exact.

    Raises:
        GameError: the game has not two states.
    """
    prior = float(game.prior_S[1]) if len(game.prior_S) == 2 else 0.0
    grid = np.union1d(breakpoints(game), prior)
    return closure_at(grid, binary_payoffs(game, grid), prior)


def _two_states(game: Game) -> None:
    if len(game.prior_S) != 2:
        raise GameError(
            f"the closure is for two states, the game has {len(game.prior_S)}; use `optimum`"
        )


def _on_grid(
    grid_G: ArrayLike, values_G: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grid = checks.grid(grid_G)
    return grid, checks.array(values_G, "the values on the grid", len(grid))


def _upper_hull(grid: NDArray[np.float64], values: NDArray[np.float64]) -> list[int]:
    """Places of the points on the upper hull, left to right (Andrew's monotone chain)."""
    x, y = grid.tolist(), values.tolist()
    slack = FLAT * float(np.ptp(values))
    hull: list[int] = []
    for new in range(len(x)):
        while len(hull) > 1:
            first, last = hull[-2], hull[-1]
            share = (x[last] - x[first]) / (x[new] - x[first])
            if y[last] > y[first] + share * (y[new] - y[first]) + slack:
                break
            hull.pop()
        hull.append(new)
    return hull
