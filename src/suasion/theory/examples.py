"""Three games whose answer is known by hand, to try things on.

Kamenica & Gentzkow 2011 (the prosecutor); the investment and the product are the usual variants.
In all of them the Sender only cares that the last action is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from suasion.theory.checks import array
from suasion.theory.games import Game


def prosecutor(prior: float = 0.3) -> Game:
    """States innocent, guilty; actions acquit, convict. The judge wants to be right.

    Optimum: min(1, 2 prior); at 0.3 the judge convicts in 60 % of cases of whom half are guilty.

    Args:
        prior: the probability of guilt.

    Raises:
        GameError: the prior is not a probability.
    """
    return Game([1 - prior, prior], [[1, 0], [0, 1]], [[0, 1], [0, 1]])


def investment(prior: float = 0.2, gain: float = 2.0, loss: float = 1.0) -> Game:
    """States bad, good; actions keep, invest. The investor wins `gain` or loses `loss`.

    Optimum: min(1, prior (gain + loss) / loss); nothing is invested untold where
    prior < loss / (gain + loss).

    Args:
        prior: the probability that the project is good.
        gain: what an investment in a good one brings.
        loss: what one in a bad one costs.

    Raises:
        GameError: the prior is not a probability, or a stake is not finite.
    """
    return Game([1 - prior, prior], [[0, -loss], [0, gain]], [[0, 1], [0, 1]])


def product_quality(
    prior_S: ArrayLike = (0.5, 0.3, 0.2), qualities_S: ArrayLike = (0, 1, 2), price: float = 1.0
) -> Game:
    """States are qualities; actions pass, buy. The buyer gets quality less price.

    Optimum: recommend all qualities at or above the price, then those below, the nearest first,
    until what is lost on them has used up the surplus of the others.

    Args:
        prior_S: the probability of each quality.
        qualities_S: what each is worth to the buyer.
        price: what is paid.

    Raises:
        GameError: the prior is no distribution, or the lengths differ.
    """
    qualities = array(qualities_S, "the qualities", None)
    surplus_S = qualities - price
    receiver_SA = np.stack([np.zeros_like(surplus_S), surplus_S], axis=1)
    return Game(prior_S, receiver_SA, np.tile([0.0, 1.0], (len(surplus_S), 1)))
