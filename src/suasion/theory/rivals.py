"""Several Senders who compete to inform one Receiver about a binary state.

Each Sender may add any signal to what the others tell. Then an outcome, a set of posteriors with
weights that average to the prior, is an equilibrium if and only if no Sender would split any of its
posteriors further: cav v^_i(mu) = v^_i(mu) for every Sender i and every mu in its support
(Gentzkow & Kamenica, Competition in persuasion, Review of Economic Studies 84, 2017, and Bayesian
persuasion with multiple senders and rich signal spaces, Games and Economic Behavior 104, 2017).

On a grid, so a posterior is settled up to the grid's step; payoffs that jump need a point there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.errors import GameError
from suasion.theory import checks
from suasion.theory.closure import between, concave_closure
from suasion.theory.games import Game, best_reply

SETTLED = 1e-9
"""Gains from telling more that are this small, in units of a payoff's range, are none."""


class Outcome(NamedTuple):
    """A prior split into two posteriors, or left as it is, and what each Sender gets."""

    low: float
    """The lower posterior; the prior itself where nothing is to be told."""
    high: float
    """The higher posterior; the same as `low` where nothing is to be told."""
    weight_high: float
    """How often the higher one is reached; 1 where both are one."""
    values_N: NDArray[np.float64]
    """The mean payoff of each Sender."""


def rival_payoffs(
    receiver_SA: ArrayLike, senders_NSA: ArrayLike, grid_G: ArrayLike, ties_for: int = 0
) -> NDArray[np.float64]:
    """Every Sender's payoff where one Receiver takes the same action for all; payoffs_NG.

    Args:
        receiver_SA: u(w, a) for two states.
        senders_NSA: v_i(w, a) of each Sender.
        grid_G: posteriors, as the probability of state 1.
        ties_for: the Sender in whose favour the Receiver breaks ties.

    Raises:
        GameError: shapes do not fit, no such Sender, or the grid does not ascend within [0, 1].
    """
    grid = checks.grid(grid_G)
    receiver = checks.array(receiver_SA, "the Receiver's utility [state, action]", 2, None)
    utilities = "the Senders' utilities [sender, state, action]"
    senders = checks.array(senders_NSA, utilities, None, *receiver.shape)
    if not 0 <= ties_for < len(senders):
        raise GameError(f"ties_for is Sender {ties_for}; Senders are 0 to {len(senders) - 1}")
    game = Game([0.5, 0.5], receiver, senders[ties_for])
    beliefs_GS = np.stack([1 - grid, grid], axis=1)
    taken_G = [best_reply(game, belief_S) for belief_S in beliefs_GS]
    payoffs_NG: NDArray[np.float64] = np.einsum("gs,nsg->ng", beliefs_GS, senders[:, :, taken_G])
    return payoffs_NG


def settled_posteriors(grid_G: ArrayLike, payoffs_NG: ArrayLike) -> NDArray[np.bool_]:
    """Which posteriors no Sender would split further; settled_G. The grid's ends always are.

    Args:
        grid_G: ascending posteriors within [0, 1].
        payoffs_NG: v^_i of each Sender at each.

    Raises:
        GameError: the grid does not ascend, or the payoffs have another shape.
    """
    grid = checks.grid(grid_G)
    payoffs = checks.array(payoffs_NG, "the payoffs [sender, grid]", None, len(grid))
    gains_NG = np.stack([concave_closure(grid, own_G) - own_G for own_G in payoffs])
    settled_G: NDArray[np.bool_] = (gains_NG <= SETTLED * np.ptp(payoffs, axis=1)[:, None]).all(0)
    return settled_G


def is_equilibrium(
    grid_G: ArrayLike,
    payoffs_NG: ArrayLike,
    prior: float,
    posteriors_M: ArrayLike,
    weights_M: ArrayLike,
) -> bool:
    """Whether an outcome averages to the prior and all its posteriors are settled.

    Args:
        grid_G: ascending posteriors within [0, 1].
        payoffs_NG: v^_i of each Sender at each.
        prior: the probability of state 1.
        posteriors_M: the outcome's posteriors; each is taken for the nearest point of the grid.
        weights_M: how probable each is; those of weight 0 do not count.

    Raises:
        GameError: the grid does not ascend or does not hold the prior or a posterior, shapes do not
            fit, or the weights are no distribution.
    """
    grid = checks.grid(grid_G)
    checks.inside(grid, prior)
    weights = checks.distribution(weights_M, "the outcome's weights", None)
    posteriors = checks.array(posteriors_M, "the outcome's posteriors", len(weights))
    for posterior in posteriors:
        checks.inside(grid, posterior, "posterior")
    settled = settled_posteriors(grid, payoffs_NG)
    nearest_M = np.abs(posteriors[:, None] - grid).argmin(axis=1)
    plausible = abs(float(weights @ posteriors) - prior) <= checks.SUM_SLACK
    return plausible and bool(settled[nearest_M[weights > 0]].all())


def least_informative(grid_G: ArrayLike, payoffs_NG: ArrayLike, prior: float) -> Outcome:
    """The equilibrium that tells least: the prior split onto the nearest settled posteriors.

    Telling all, the split onto 0 and 1, is the one that tells most and always an equilibrium.

    Args:
        grid_G: ascending posteriors within [0, 1], reaching from below the prior to above it.
        payoffs_NG: v^_i of each Sender at each.
        prior: the probability of state 1.

    Raises:
        GameError: the grid does not ascend or does not hold the prior, or the payoffs have another
            shape.
    """
    grid = checks.grid(grid_G)
    prior = checks.inside(grid, prior)
    settled_G = settled_posteriors(grid, payoffs_NG)
    low, high, weight = between(grid[settled_G], prior)
    payoffs = np.asarray(payoffs_NG, dtype=float)
    low_N, high_N = payoffs[:, grid == low][:, 0], payoffs[:, grid == high][:, 0]
    return Outcome(low, high, weight, (1 - weight) * low_N + weight * high_N)
