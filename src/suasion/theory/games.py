"""A game of persuasion, and what a signal is worth in it before a Receiver who updates by Bayes.

The Sender commits to a scheme pi(m|w), sees the state w, sends m. The Receiver holds the posterior
mu_m(w) = pi(m|w) mu0(w) / sum_w' pi(m|w') mu0(w') and takes an action that maximises
sum_w mu_m(w) u(w, a). The Sender's reduced payoff is v^(mu) = sum_w mu(w) v(w, a*(mu)).
Kamenica & Gentzkow, Bayesian Persuasion, American Economic Review 101 (2011).

Axes: S states, A actions, M messages. Ties are broken in the Sender's favour: an action counts as
best where it falls short by at most `TIE` of the Receiver's largest stake.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.theory.checks import array, distribution

TIE = 1e-8
"""Expected utilities this close, in units of the Receiver's largest stake, are a tie."""
TIE_OVERALL = 1e-9
"""And so are those whose difference times the probability of the message is below this: a solver
meets its constraints to about 1e-10 over all messages, more than `TIE` after a rare one."""
NO_ROOM = 1e-6
"""Below this room between no information and the optimum there is no efficiency to speak of."""


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Game:
    """One Sender, one Receiver, finitely many states and actions.

    Raises:
        GameError: the prior is no distribution, a utility has another shape or is not finite.
    """

    prior_S: NDArray[np.float64]
    """What both believe before: the probability of each state."""
    receiver_SA: NDArray[np.float64]
    """The Receiver's utility u(w, a)."""
    sender_SA: NDArray[np.float64]
    """The Sender's utility v(w, a)."""

    def __init__(self, prior_S: ArrayLike, receiver_SA: ArrayLike, sender_SA: ArrayLike) -> None:
        prior = distribution(prior_S, "the prior", None)
        receiver = array(receiver_SA, "the Receiver's utility [state, action]", len(prior), None)
        sender = array(sender_SA, "the Sender's utility [state, action]", *receiver.shape)
        object.__setattr__(self, "prior_S", prior)
        object.__setattr__(self, "receiver_SA", receiver)
        object.__setattr__(self, "sender_SA", sender)


def stakes(receiver_SA: NDArray[np.float64]) -> NDArray[np.float64]:
    """u(w, a) - u(w, 0) over the largest difference there is: all that a choice depends on.

    Shapes: [..., state, action], the same back. All 0 where the Receiver never cares.
    """
    apart = receiver_SA - receiver_SA[..., :1]
    largest = float(np.ptp(receiver_SA, axis=-1).max())
    return apart / largest if largest > 0 else np.zeros_like(apart)


def best_reply(game: Game, posterior_S: ArrayLike) -> int:
    """The action a*(mu) the Receiver takes at a posterior; of tied ones the Sender's best.

    Raises:
        GameError: the posterior is no distribution over the game's states.
    """
    posterior = distribution(posterior_S, "the posterior", len(game.prior_S))
    return int(_replies(game, posterior[None, :])[0])


def payoffs(game: Game, posteriors_MS: ArrayLike) -> NDArray[np.float64]:
    """The Sender's reduced payoff v^(mu) at each posterior.

    Args:
        game: its utilities; its prior plays no part.
        posteriors_MS: one posterior a row.

    Returns:
        values_M.

    Raises:
        GameError: a row is no distribution over the game's states.
    """
    posteriors = distribution(posteriors_MS, "the posteriors", None, len(game.prior_S))
    return _payoffs(game, posteriors)


def no_information(game: Game) -> float:
    """v^(mu0): what the Sender gets who says nothing."""
    return float(_payoffs(game, game.prior_S[None, :])[0])


def full_disclosure(game: Game) -> float:
    """sum_w mu0(w) v^(delta_w): what the Sender gets who always tells the state."""
    return float(_payoffs(game, np.diag(game.prior_S)).sum())


def value_of(game: Game, scheme_SM: ArrayLike) -> float:
    """What the Sender gets from a scheme: sum_m sum_w mu0(w) pi(m|w) v(w, a*(mu_m)).

    Args:
        game: whom it is told to.
        scheme_SM: pi(m|w), one state a row.

    Raises:
        GameError: a row is no distribution, or there is not one for each state.
    """
    return float(_payoffs(game, _joint(game, scheme_SM)).sum())


def shares_of(game: Game, scheme_SM: ArrayLike) -> NDArray[np.float64]:
    """How probable each action is under a scheme; shares_A. Arguments as `value_of`."""
    joint_MS = _joint(game, scheme_SM)
    actions = game.receiver_SA.shape[1]
    taken_M, weights_M = _replies(game, joint_MS), joint_MS.sum(axis=1)
    return np.bincount(taken_M, weights=weights_M, minlength=actions).astype(np.float64)


def efficiency(value: float, none: float, best: float) -> float:
    """Eta = (value - none) / (best - none), the share of the room for persuasion that was used.

    Below 0 where the Sender does worse than silence, above 1 where the Receiver is no Bayesian. NaN
    where best - none is below `NO_ROOM` of the values' size: then nothing can be gained.

    Args:
        value: what was reached, such as `value_of` a scheme or a mean over games that were played.
        none: `no_information`.
        best: the value of `optimum`.
    """
    room = best - none
    return (value - none) / room if room > NO_ROOM * max(1.0, abs(best), abs(none)) else nan


def _joint(game: Game, scheme_SM: ArrayLike) -> NDArray[np.float64]:
    scheme = distribution(scheme_SM, "the scheme [state, message]", len(game.prior_S), None)
    joint_MS: NDArray[np.float64] = (game.prior_S[:, None] * scheme).T
    return joint_MS


def _replies(game: Game, beliefs_MS: NDArray[np.float64]) -> NDArray[np.intp]:
    """An action a row; rows are posteriors, or posteriors times the probability of the message."""
    receiver_MA = beliefs_MS @ stakes(game.receiver_SA)
    slack_M1 = TIE * beliefs_MS.sum(axis=1, keepdims=True) + TIE_OVERALL
    tied_MA = receiver_MA >= receiver_MA.max(axis=1, keepdims=True) - slack_M1
    taken_M: NDArray[np.intp] = np.where(tied_MA, beliefs_MS @ game.sender_SA, -np.inf).argmax(
        axis=1
    )
    return taken_M


def _payoffs(game: Game, beliefs_MS: NDArray[np.float64]) -> NDArray[np.float64]:
    chosen_MS = game.sender_SA.T[_replies(game, beliefs_MS)]
    values_M: NDArray[np.float64] = (beliefs_MS * chosen_MS).sum(axis=1)
    return values_M
