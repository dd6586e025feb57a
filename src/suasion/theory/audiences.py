"""Several Receivers: one message that all hear, or a private one for each.

Receivers have no stake in what the others do; the Sender's utility may depend on the whole profile
of actions. In public everyone hears every recommendation, so each Receiver must obey after every
profile. In private a Receiver knows only their own recommendation and must obey on average over the
others': a Bayes correlated equilibrium (Bergemann & Morris 2016; Arieli & Babichenko, Private
Bayesian persuasion, Journal of Economic Theory 182, 2019).

With prior q_r of Receiver r and profile p:

    public:   sum_w q_r(w) pi(p|w) [u_r(w, p_r) - u_r(w, a')] >= 0 for all r, p, a'
    private:  sum_w q_r(w) sum_{p: p_r = a} pi(p|w) [u_r(w, a) - u_r(w, a')] >= 0 for all r, a, a'

Priors may differ from the Sender's (Alonso & Camara, Journal of Economic Theory 165, 2016); what a
scheme is worth is counted with the Sender's. Axes: R Receivers, S states, A actions (as many for
each Receiver), P = A^R profiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from suasion.errors import GameError
from suasion.theory.checks import array, distribution
from suasion.theory.games import TIE, TIE_OVERALL, stakes
from suasion.theory.lp import Optimum, found_optimum, obedience_rows, solve

MOST_UNKNOWNS = 100_000
"""States times profiles; beyond it a program would run for hours."""


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Audience:
    """One Sender before several Receivers.

    Raises:
        GameError: a prior is no distribution, a utility has another shape or is not finite, or
            there are more than `MOST_UNKNOWNS` states times profiles.
    """

    prior_S: NDArray[np.float64]
    """What the Sender believes before."""
    receivers_RSA: NDArray[np.float64]
    """u_r(w, a) of each Receiver."""
    sender_SP: NDArray[np.float64]
    """v(w, p) for each profile, in the order of `profiles`."""
    priors_RS: NDArray[np.float64]
    """What each Receiver believes before."""

    def __init__(
        self,
        prior_S: ArrayLike,
        receivers_RSA: ArrayLike,
        sender_SP: ArrayLike,
        priors_RS: ArrayLike | None = None,
    ) -> None:
        prior = distribution(prior_S, "the prior", None)
        utility = "the Receivers' utilities [receiver, state, action]"
        receivers = array(receivers_RSA, utility, None, len(prior), None)
        count, states, actions = receivers.shape
        if states * actions**count > MOST_UNKNOWNS:
            raise GameError(
                f"{states} states times {actions}^{count} profiles are more than {MOST_UNKNOWNS}; "
                "take fewer Receivers or actions"
            )
        sender = array(sender_SP, "the Sender's utility [state, profile]", states, actions**count)
        own = np.tile(prior, (count, 1)) if priors_RS is None else priors_RS
        priors = distribution(own, "the Receivers' priors", count, states)
        object.__setattr__(self, "prior_S", prior)
        object.__setattr__(self, "receivers_RSA", receivers)
        object.__setattr__(self, "sender_SP", sender)
        object.__setattr__(self, "priors_RS", priors)


def profiles(receivers: int, actions: int) -> list[tuple[int, ...]]:
    """Every profile of actions, one action a Receiver; the last Receiver's changes fastest."""
    return list(product(range(actions), repeat=receivers))


def over_profiles(
    states: int, receivers: int, actions: int, utility: Callable[[int, tuple[int, ...]], float]
) -> NDArray[np.float64]:
    """A Sender's utility from a function of the state and the profile; sender_SP."""
    every = profiles(receivers, actions)
    return np.array([[utility(state, each) for each in every] for state in range(states)])


def public_optimum(audience: Audience) -> Optimum:
    """The Sender's best scheme where all hear the same message.

    Returns:
        `signal_SA` is [state, profile], in the order of `profiles`.
    """
    taken_PR = _taken(audience)
    return _best(audience, [
        _after_each_profile(weighted_SA, taken_P)
        for weighted_SA, taken_P in zip(_weighted(audience), taken_PR.T, strict=True)
    ])  # fmt: skip


def private_optimum(audience: Audience) -> Optimum:
    """The Sender's best scheme where each Receiver hears a message of their own.

    Never below `public_optimum`. Returns as there; a recommendation is sent piece by piece.
    """
    actions = audience.receivers_RSA.shape[2]
    taken_PR = _taken(audience)
    rows = []
    for weighted_SA, taken_P in zip(_weighted(audience), taken_PR.T, strict=True):
        summed_AP = sparse.csr_array(np.eye(actions)[:, taken_P])
        over_states = sparse.kron(sparse.eye_array(len(weighted_SA)), summed_AP, format="csr")
        rows.append(obedience_rows(weighted_SA) @ over_states)
    return _best(audience, rows)


def public_value(audience: Audience, scheme_SM: ArrayLike) -> float:
    """What the Sender gets from a public scheme; ties go the Sender's way.

    One message for all states gives the value of no information, one for each that of full
    disclosure; both are the same in private.

    Args:
        audience: who hears it.
        scheme_SM: pi(m|w), one state a row.

    Raises:
        GameError: a row is no distribution, or there is not one for each state.
    """
    states = len(audience.prior_S)
    scheme = distribution(scheme_SM, "the scheme [state, message]", states, None)
    taken_PR = _taken(audience)
    own_RMA = np.einsum("sm,rsa->rma", scheme, _weighted(audience))
    heard_RM1 = (audience.priors_RS @ scheme)[:, :, None]
    tied_RMA = own_RMA >= own_RMA.max(axis=2, keepdims=True) - TIE * heard_RM1 - TIE_OVERALL
    receivers = np.arange(len(tied_RMA))
    may_MP = tied_RMA[receivers, :, taken_PR].all(axis=1).T
    sender_MP = (audience.prior_S[:, None] * scheme).T @ audience.sender_SP
    return float(np.where(may_MP, sender_MP, -np.inf).max(axis=1).sum())


def _weighted(audience: Audience) -> NDArray[np.float64]:
    """q_r(w) u_r(w, a) up to what no choice depends on; each Receiver's largest stake is 1."""
    own = [stakes(receiver_SA) for receiver_SA in audience.receivers_RSA]
    return audience.priors_RS[:, :, None] * np.stack(own)


def _taken(audience: Audience) -> NDArray[np.intp]:
    """Which action each Receiver takes in each profile; taken_PR."""
    count, _, actions = audience.receivers_RSA.shape
    return np.array(profiles(count, actions), dtype=np.intp)


def _after_each_profile(
    weighted_SA: NDArray[np.float64], taken_P: NDArray[np.intp]
) -> sparse.csr_array:
    """Rows [(profile, other action), (state, profile)] of one Receiver's loss from obeying."""
    states, actions = weighted_SA.shape
    count = len(taken_P)
    loss_SPA = weighted_SA[:, None, :] - weighted_SA[:, taken_P, None]
    row_PA = np.arange(count * actions).reshape(count, actions)
    column_SP = np.arange(states * count).reshape(states, count)
    rows_SPA = np.broadcast_to(row_PA, loss_SPA.shape)
    columns_SPA = np.broadcast_to(column_SP[:, :, None], loss_SPA.shape)
    every = sparse.csr_array(
        (loss_SPA.ravel(), (rows_SPA.ravel(), columns_SPA.ravel())),
        shape=(count * actions, states * count),
    )
    itself_PA = np.arange(actions) == taken_P[:, None]
    return every[np.flatnonzero(~itself_PA)]


def _best(audience: Audience, rows: list[sparse.csr_array]) -> Optimum:
    """The best scheme under these rows; saying nothing meets them, so that there always is one."""
    objective_SP = audience.prior_S[:, None] * audience.sender_SP
    found = solve(objective_SP, sparse.vstack(rows, format="csr"))
    if found is None:
        raise GameError("the linear program was called infeasible; the utilities' sizes differ "
                        "by too much")  # fmt: skip
    return found_optimum(audience.prior_S, objective_SP, found)
