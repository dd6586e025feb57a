"""The best a Sender can do with any number of states: a linear program in obedience form.

A message is a recommended action, and the Receiver obeys (Kamenica & Gentzkow 2011, Proposition 1;
Bergemann & Morris, Bayes correlated equilibrium, Theoretical Economics 11, 2016):

    max  sum_w,a mu0(w) pi(a|w) v(w, a)
    over pi(a|w) >= 0, sum_a pi(a|w) = 1,
    with sum_w mu0(w) pi(a|w) [u(w, a) - u(w, a')] >= 0 for all actions a, a'.

Small programs are solved dense by the dual simplex, large ones sparse by HiGHS' interior point
method with crossover: 50 states x 50 actions take about half a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from suasion.errors import GameError
from suasion.theory.games import Game, stakes

DENSE_ENTRIES = 20_000
"""Programs whose matrix has more entries than this are built and solved sparse."""
TOLERANCE = 1e-10
"""To what a constraint may be missed, in units of the largest stake; far below `games.TIE`, and the
least HiGHS takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """The best scheme, as recommendations that are obeyed."""

    value: float
    """What the Sender gets from it."""
    signal_SA: NDArray[np.float64]
    """pi(a|w): how often each action is recommended in each state; rows sum to 1. For several
    Receivers an action is a profile of theirs, in the order of `audiences.profiles`."""
    shares_A: NDArray[np.float64]
    """How often each action is recommended over all states."""


def optimum(game: Game, floors: Mapping[int, float] | None = None) -> Optimum:
    """The Sender's best scheme, cav v^(mu0), with floors on how probable actions must be.

    With floors the value assumes that a Receiver who is indifferent obeys, even where the Sender
    would like another action more.

    Args:
        game: any number of states and actions.
        floors: the least probability of some actions, by number: {1: 0.5} asks that action 1 is
            taken in half of all cases.

    Raises:
        GameError: floors that cannot be met, and which; an action that does not exist.
    """
    asked = dict(floors or {})
    actions = game.receiver_SA.shape[1]
    for action, least in asked.items():
        if not 0 <= action < actions or not 0 <= least <= 1:
            raise GameError(f"floor of {least:g} on action {action}: actions are 0 to "
                            f"{actions - 1}, probabilities 0 to 1")  # fmt: skip
    obedience = obedience_rows(game.prior_S[:, None] * stakes(game.receiver_SA))
    objective_SA = game.prior_S[:, None] * game.sender_SA
    found = solve(objective_SA, obedience, _floor_rows(game, asked))
    if found is None:
        raise GameError(_conflict(game, obedience, asked))
    return found_optimum(game.prior_S, objective_SA, found)


def obedience_rows(weighted_SA: NDArray[np.float64]) -> sparse.csr_array:
    """The left sides of sum_w pi(a|w) weighted[w, a'] - weighted[w, a] <= 0 for a' other than a.

    Args:
        weighted_SA: utility times the Receiver's prior.

    Returns:
        A matrix [(action, other action), (state, action)].
    """
    states, actions = weighted_SA.shape
    own_K, other_K = np.nonzero(~np.eye(actions, dtype=bool))
    loss_SK = weighted_SA[:, other_K] - weighted_SA[:, own_K]
    rows_SK = np.broadcast_to(np.arange(len(own_K)), loss_SK.shape)
    columns_SK = np.arange(states)[:, None] * actions + own_K
    shape = (len(own_K), states * actions)
    return sparse.csr_array((loss_SK.ravel(), (rows_SK.ravel(), columns_SK.ravel())), shape=shape)


def solve(
    objective_SA: NDArray[np.float64],
    at_most_0: sparse.csr_array,
    at_least: tuple[sparse.csr_array, NDArray[np.float64]] | None = None,
) -> NDArray[np.float64] | None:
    """The scheme that maximises sum objective * pi under linear constraints on pi.

    Args:
        objective_SA: weight of each pi(a|w).
        at_most_0: rows over (state, action) whose products with pi must not exceed 0.
        at_least: rows, and what their products must reach.

    Returns:
        pi(a|w) as [state, action], cleaned of what the solver leaves below 0; None where no scheme
        meets all constraints.

    Raises:
        GameError: the solver gave up for another reason; its words are in the message.
    """
    states, actions = objective_SA.shape
    at_most_0 = _scaled(at_most_0)
    bounds = np.zeros(at_most_0.shape[0])
    if at_least is not None:
        at_most_0 = sparse.vstack([at_most_0, -at_least[0]], format="csr")
        bounds = np.concatenate([bounds, -at_least[1]])
    rows = sparse.kron(sparse.eye_array(states), np.ones((1, actions)), format="csr")
    size = max(float(np.abs(objective_SA).max()), np.finfo(float).tiny)
    small = at_most_0.shape[0] * at_most_0.shape[1] <= DENSE_ENTRIES
    solver: Any = optimize.linprog  # whose stubs know no sparse rows
    result = solver(
        -(objective_SA / size).ravel(),
        A_ub=at_most_0.toarray() if small else at_most_0,
        b_ub=bounds,
        A_eq=rows.toarray() if small else rows,
        b_eq=np.ones(states),
        method="highs-ds" if small else "highs-ipm",
        options={"primal_feasibility_tolerance": TOLERANCE,
                 "dual_feasibility_tolerance": TOLERANCE},
    )  # fmt: skip
    if result.status == 2:
        return None
    if result.status != 0:
        raise GameError(f"the linear program was not solved: {result.message}")
    signal_SA = np.maximum(result.x.reshape(states, actions), 0)
    cleaned_SA: NDArray[np.float64] = signal_SA / signal_SA.sum(axis=1, keepdims=True)
    return cleaned_SA


def _scaled(rows: sparse.csr_array) -> sparse.csr_array:
    """Each row over its largest entry.

    HiGHS drops entries below 1e-9 and takes no tolerance finer than 1e-10, which states of a small
    prior need.
    """
    largest = abs(rows).max(axis=1).toarray().ravel()
    scaled: sparse.csr_array = (
        sparse.diags_array(1 / np.where(largest > 0, largest, 1)).tocsr() @ rows
    )
    return scaled


def found_optimum(
    prior_S: NDArray[np.float64],
    objective_SA: NDArray[np.float64],
    signal_SA: NDArray[np.float64],
) -> Optimum:
    """What `solve` found, with its value and the share of each recommendation."""
    return Optimum(float((objective_SA * signal_SA).sum()), signal_SA, prior_S @ signal_SA)


def _floor_rows(
    game: Game, floors: Mapping[int, float]
) -> tuple[sparse.csr_array, NDArray[np.float64]] | None:
    """Rows sum_w mu0(w) pi(a|w), one for each floor, and the floors."""
    if not floors:
        return None
    actions = game.receiver_SA.shape[1]
    asked_FA = np.eye(actions)[list(floors)]
    rows = np.stack([np.outer(game.prior_S, own_A).ravel() for own_A in asked_FA])
    return sparse.csr_array(rows), np.array(list(floors.values()))


def _conflict(game: Game, obedience: sparse.csr_array, floors: Mapping[int, float]) -> str:
    """Which floors cannot be met: the fewest, found by leaving out all that need not be there."""
    blank_SA = np.zeros_like(game.sender_SA)
    left = dict(floors)
    for action in floors:
        fewer = {other: least for other, least in left.items() if other != action}
        if solve(blank_SA, obedience, _floor_rows(game, fewer)) is None:
            left = fewer
    asked = " and ".join(f"action {action} at least {least:g}" for action, least in left.items())
    if len(left) > 1:
        return f"no scheme meets these floors together: {asked}; lower one of them"
    (action,) = left
    wanted_SA = np.broadcast_to(np.eye(game.sender_SA.shape[1])[action], game.sender_SA.shape)
    most = optimum(Game(game.prior_S, game.receiver_SA, wanted_SA)).value
    return f"no scheme meets the floor {asked}: no more than {most:.4g} can be had; lower it"
