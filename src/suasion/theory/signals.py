"""From a scheme to the posteriors it leads to, back, and whether posteriors can come from any.

A scheme pi(m|w) gives message m the weight p(m) = sum_w mu0(w) pi(m|w) and the posterior
mu_m(w) = mu0(w) pi(m|w) / p(m). Posteriors can come from some scheme if and only if they are Bayes
plausible, sum_m p(m) mu_m = mu0 (Kamenica & Gentzkow 2011, Proposition 1); the scheme is then
pi(m|w) = p(m) mu_m(w) / mu0(w). For a Receiver who is no Bayesian the residual
sum_m p(m) mu_m - mu0 says how credulous it is, and of what.

The residual needs the weights over all states. Messages for one state alone lead a Bayesian toward
that state, so what was run for one side only says nothing about credulity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.errors import GameError
from suasion.theory.checks import distribution, numbers

PLAUSIBLE = 1e-6
"""The largest residual of posteriors that are taken to be Bayes plausible."""


class Posteriors(NamedTuple):
    """Where a scheme leads to."""

    weights_M: NDArray[np.float64]
    """How probable each message is."""
    posteriors_MS: NDArray[np.float64]
    """What is believed after each; NaN after one that is never sent."""


class Residual(NamedTuple):
    """How far the mean posterior is from the prior."""

    vector_S: NDArray[np.float64]
    """sum_m p(m) mu_m - mu0; it sums to 0. Above 0: led to believe this state too much."""
    norm: float
    """Its Euclidean length; 0 for a Bayesian."""


def posteriors(prior_S: ArrayLike, scheme_SM: ArrayLike) -> Posteriors:
    """The weight of each message and the posterior after it.

    Args:
        prior_S: the probability of each state.
        scheme_SM: pi(m|w), one state a row.

    Raises:
        GameError: the prior or a row is no distribution, or there is not a row for each state.
    """
    prior = distribution(prior_S, "the prior", None)
    scheme = distribution(scheme_SM, "the scheme [state, message]", len(prior), None)
    joint_MS = (prior[:, None] * scheme).T
    weights_M = joint_MS.sum(axis=1)
    sent_M1 = weights_M[:, None] > 0
    after_MS = np.divide(joint_MS, weights_M[:, None], where=sent_M1, out=np.full_like(
        joint_MS, np.nan))  # fmt: skip
    return Posteriors(weights_M, after_MS)


def scheme_of(
    prior_S: ArrayLike, weights_M: ArrayLike, posteriors_MS: ArrayLike
) -> NDArray[np.float64]:
    """The scheme pi(m|w) that leads to these posteriors with these weights; scheme_SM.

    A state of prior 0 gets the weights themselves: what is sent there changes nothing.

    Args:
        prior_S: the probability of each state.
        weights_M: the probability of each message.
        posteriors_MS: the posterior after each; rows of weight 0 are not looked at.

    Raises:
        GameError: one of them is no distribution, or no scheme leads there: they are not plausible.
    """
    prior, weights, after_MS = beliefs(prior_S, weights_M, posteriors_MS)
    residual_S = weights @ after_MS - prior
    if np.abs(residual_S).max() > PLAUSIBLE:
        worst = int(residual_S.argmax())
        raise GameError(
            f"no scheme leads to these posteriors: their mean for state {worst} is "
            f"{prior[worst] + residual_S[worst]:.6g}, the prior {prior[worst]:.6g}"
        )
    joint_SM = (weights[:, None] * after_MS).T
    total_S1 = joint_SM.sum(axis=1, keepdims=True)
    scheme_SM: NDArray[np.float64] = np.tile(weights, (len(prior), 1))
    np.divide(joint_SM, total_S1, where=total_S1 > 0, out=scheme_SM)
    return scheme_SM


def plausibility_residual(
    prior_S: ArrayLike, weights_M: ArrayLike, posteriors_MS: ArrayLike
) -> Residual:
    """How far posteriors are from being Bayes plausible; arguments as `scheme_of`.

    Raises:
        GameError: one of them is no distribution, or the shapes do not fit.
    """
    prior, weights, after_MS = beliefs(prior_S, weights_M, posteriors_MS)
    vector_S = weights @ after_MS - prior
    return Residual(vector_S, float(np.linalg.norm(vector_S)))


def beliefs(
    prior_S: ArrayLike, weights_M: ArrayLike, posteriors_MS: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """All three; the posterior after a message of weight 0 is replaced by the prior."""
    prior = distribution(prior_S, "the prior", None)
    weights = distribution(weights_M, "the weights of the messages", None)
    given = numbers(posteriors_MS, "the posteriors")
    if given.shape == (len(weights), len(prior)):
        given[weights == 0] = prior
    return prior, weights, distribution(given, "the posteriors", len(weights), len(prior))
