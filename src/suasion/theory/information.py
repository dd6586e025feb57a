"""How much messages tell about the state, in bits.

Three quantities that are easily taken for one another:

- mutual information I(M; W), and I(M; W | H) given a history: what a scheme discloses;
- pointwise information of one message, log p(m|w) - log sum_w' q(w') p(m|w'): its mean over states
  and messages is I(M; W), and it is what rescoring a message under other states measures;
- what a Receiver's posteriors say: the drop of entropy, H(q) - E[H(q_m)], and E[KL(q_m || q)]. Each
  equals I(M; W) for a Bayesian with the true prior, and need not for anyone else.

Cover & Thomas, Elements of Information Theory, chapter 2; arXiv:2509.22989 for I(M_t; W_t | H_t-1).
Axes: S states, M messages, H histories.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, logsumexp, rel_entr

from suasion.errors import GameError
from suasion.theory.checks import distribution, numbers
from suasion.theory.signals import beliefs, posteriors

LN2 = log(2)


def entropy_bits(distribution_S: ArrayLike) -> float:
    """H = -sum_w q(w) log2 q(w).

    Raises:
        GameError: it is no distribution.
    """
    return _entropy(distribution(distribution_S, "the distribution", None))


def mutual_information_bits(prior_S: ArrayLike, scheme_SM: ArrayLike) -> float:
    """I(M; W) = sum_w,m mu0(w) pi(m|w) log2 (pi(m|w) / p(m)), from 0 to H(W).

    Args:
        prior_S: the probability of each state.
        scheme_SM: pi(m|w), one state a row.

    Raises:
        GameError: the prior or a row is no distribution, or there is not a row for each state.
    """
    weights_M, _ = posteriors(prior_S, scheme_SM)
    prior = distribution(prior_S, "the prior", None)
    scheme = distribution(scheme_SM, "the scheme [state, message]", len(prior), None)
    joint_SM = prior[:, None] * scheme
    return float(rel_entr(joint_SM, prior[:, None] * weights_M).sum()) / LN2


def conditional_mutual_information_bits(
    weights_H: ArrayLike, priors_HS: ArrayLike, schemes_HSM: ArrayLike
) -> float:
    """I(M; W | H) = sum_h p(h) I(M; W | H = h).

    Args:
        weights_H: the probability of each history.
        priors_HS: p(w|h), one history a row.
        schemes_HSM: p(m|w, h).

    Raises:
        GameError: something is no distribution, or shapes do not fit.
    """
    weights = distribution(weights_H, "the weights of the histories", None)
    priors = distribution(priors_HS, "the priors [history, state]", len(weights), None)
    schemes = distribution(
        schemes_HSM, "the schemes [history, state, message]", *priors.shape, None
    )
    each = [mutual_information_bits(*given) for given in zip(priors, schemes, strict=True)]
    return float(weights @ np.array(each))


def pointwise_information_bits(loglik_S: ArrayLike, prior_S: ArrayLike, state: int) -> float:
    """log2 p(m|w) - log2 sum_w' q(w') p(m|w') of one message that was sent in one state.

    It may be below 0; averaged over states and messages it is I(M; W), so do not clip it. At most
    -log2 q(w).

    Args:
        loglik_S: ln p(m|w') of the same message under each state; -inf where it cannot be sent.
        prior_S: q, what is known of the state before it.
        state: the state w it was sent in.

    Raises:
        GameError: q is no distribution, shapes do not fit, a likelihood is NaN or +inf, or the
            message or the state itself is impossible.
    """
    prior = distribution(prior_S, "the prior", None)
    loglik = numbers(loglik_S, "the log-likelihoods")
    if loglik.shape != prior.shape:
        raise GameError(f"log-likelihoods of shape {loglik.shape} for {len(prior)} states")
    if np.isnan(loglik).any() or (loglik == np.inf).any():
        raise GameError("a log-likelihood is NaN or +inf; leave out the message it belongs to")
    if not 0 <= state < len(prior) or prior[state] == 0 or loglik[state] == -np.inf:
        raise GameError(f"state {state} is none, has prior 0, or cannot have sent the message")
    return float(loglik[state] - logsumexp(loglik, b=prior)) / LN2


def entropy_drop_bits(prior_S: ArrayLike, weights_M: ArrayLike, posteriors_MS: ArrayLike) -> float:
    """H(q) - sum_m p(m) H(q_m), by a Receiver's own beliefs before and after.

    I(M; W) for a Bayesian; below 0 where messages leave a Receiver less certain on average.

    Args:
        prior_S: q, what is believed before.
        weights_M: the probability of each message.
        posteriors_MS: q_m, what is believed after each; rows of weight 0 are not looked at.

    Raises:
        GameError: something is no distribution, or shapes do not fit.
    """
    prior, weights, after_MS = beliefs(prior_S, weights_M, posteriors_MS)
    drops_M = [_entropy(prior) - _entropy(after_S) for after_S in after_MS]
    return float(weights @ np.array(drops_M))


def posterior_information_bits(
    prior_S: ArrayLike, weights_M: ArrayLike, posteriors_MS: ArrayLike
) -> float:
    """E[KL(q_m || q)] = sum_m p(m) sum_w q_m(w) log2 (q_m(w) / q(w)): how far beliefs move.

    I(M; W) for a Bayesian; never below 0, so that noise in the beliefs adds to it. Infinite where a
    state that was ruled out is believed later. Arguments and errors as `entropy_drop_bits`.
    """
    prior, weights, after_MS = beliefs(prior_S, weights_M, posteriors_MS)
    moved_M = rel_entr(after_MS, prior).sum(axis=1)
    return float(weights[weights > 0] @ moved_M[weights > 0]) / LN2


def _entropy(distribution_S: NDArray[np.float64]) -> float:
    return float(entr(distribution_S).sum()) / LN2
