"""Persuasion over rounds, while a binary state may change between them.

The Receiver is myopic: each round it acts on its posterior of the moment. The Sender's value is

    V_t(mu) = cav [ v^_t + delta V_{t+1} o f ](mu),  V_T = 0,  f(mu) = M' mu,

where f carries a posterior of one round to the prior of the next (Ely, Beeps, American Economic
Review 107, 2017; Renault, Solan & Vieille, Optimal dynamic information provision, Games and
Economic Behavior 104, 2017). In a state that does not change, where only the last action counts,
T rounds are worth what one is; a gain from more rounds is then behaviour and not information.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.errors import GameError
from suasion.theory import checks
from suasion.theory.closure import Split, closure_at, concave_closure


@dataclass(frozen=True, slots=True, eq=False)
class DynamicValue:
    """What the rounds still to come are worth, at every posterior of a grid."""

    grid_G: NDArray[np.float64]
    """Posteriors, as the probability of state 1."""
    unsplit_TG: NDArray[np.float64]
    """v^_t + delta V_{t+1} o f: the value from round t on, where round t tells nothing."""
    values_TG: NDArray[np.float64]
    """V_t: the value from round t on, before anything is told in it."""

    def at(self, prior: float, t: int = 0) -> float:
        """V_t(prior), summed over the rounds left.

        Raises:
            GameError: the grid does not hold the prior, or there is no round t.
        """
        return self.split(prior, t).value

    def split(self, prior: float, t: int = 0) -> Split:
        """What round t should tell a Receiver who enters it with this prior.

        Raises:
            GameError: the grid does not hold the prior, or there is no round t.
        """
        if not 0 <= t < len(self.unsplit_TG):
            raise GameError(f"there is no round {t}; rounds are 0 to {len(self.unsplit_TG) - 1}")
        return closure_at(self.grid_G, self.unsplit_TG[t], prior)


def dynamic_value(
    grid_G: ArrayLike, payoffs_TG: ArrayLike, transition_SS: ArrayLike, discount: float = 1.0
) -> DynamicValue:
    """The Sender's value by value iteration, from the last round back; O(rounds x grid).

    Args:
        grid_G: ascending posteriors from 0 to 1. A payoff that jumps needs a point at the jump.
        payoffs_TG: v^_t at each, a row a round.
        transition_SS: M, the probability of each next state; one present state a row.
        discount: delta, what a round is worth next to the one before.

    Raises:
        GameError: the grid does not ascend from 0 to 1, shapes do not fit, the transition is none,
            or the discount is not in [0, 1].
    """
    grid, payoffs, ahead_G = _checked(grid_G, payoffs_TG, transition_SS, discount)
    unsplit_TG, values_TG = np.empty_like(payoffs), np.empty_like(payoffs)
    later_G = np.zeros(len(grid))
    for t in range(len(payoffs) - 1, -1, -1):
        unsplit_TG[t] = payoffs[t] + discount * np.interp(ahead_G, grid, later_G)
        values_TG[t] = concave_closure(grid, unsplit_TG[t])
        later_G = values_TG[t]
    return DynamicValue(grid, unsplit_TG, values_TG)


def silent_value(
    grid_G: ArrayLike,
    payoffs_TG: ArrayLike,
    transition_SS: ArrayLike,
    prior: float,
    discount: float = 1.0,
) -> float:
    """What the Sender gets who never tells anything: sum_t delta^t v^_t(f^t(prior)).

    Between two points of the grid the payoff of the nearest counts, since it may jump.

    Raises:
        GameError: as `dynamic_value`, or the prior is not in [0, 1].
    """
    grid, payoffs, _ = _checked(grid_G, payoffs_TG, transition_SS, discount)
    belief = checks.inside(grid, prior)
    leave, stay = np.asarray(transition_SS, dtype=float)[:, 1]
    total = 0.0
    for t, payoff_G in enumerate(payoffs):
        total += discount**t * float(payoff_G[np.abs(grid - belief).argmin()])
        belief = (1 - belief) * leave + belief * stay
    return total


def _checked(
    grid_G: ArrayLike, payoffs_TG: ArrayLike, transition_SS: ArrayLike, discount: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The grid, the payoffs, and where each posterior drifts to before the next round."""
    grid = checks.grid(grid_G)
    if grid[0] > 0 or grid[-1] < 1:
        raise GameError(f"the grid reaches from {grid[0]:g} to {grid[-1]:g}; a posterior can drift "
                        "out of it, let it reach from 0 to 1")  # fmt: skip
    payoffs = checks.array(payoffs_TG, "the payoffs [round, grid]", None, len(grid))
    transition = checks.distribution(transition_SS, "the transition [state, next state]", 2, 2)
    if not 0 <= discount <= 1:
        raise GameError(f"the discount is {discount:g}; it must be from 0 to 1")
    return grid, payoffs, (1 - grid) * transition[0, 1] + grid * transition[1, 1]
