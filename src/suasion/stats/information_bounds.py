"""How much a message tells of the state, in bits, where the Sender's probabilities are not known.

Two estimates beside the exact one (`suasion.theory`):

- from vectors of the messages, a lower bound I(M; W) >= H(W) - E[-log2 q(w | m)], where q is a
  probe that was fitted on other messages (Barber and Agakov 2003; with as many candidates as states
  it is the bound of InfoNCE, arXiv:1807.03748). It can be negative and is not clipped;
- from a Receiver's beliefs, what a message takes off their entropy, E[H(before) - H(after)], which
  is I(M; W) where the Receiver is Bayesian, and what it adds to the belief in what is so,
  E[log2 after(w) - log2 before(w)], which is I(M; W) there too and falls short of it elsewhere.

Each bound comes with a control: the same with states shuffled among the messages, which tell
nothing of them then. A control above 0 by more than its error means that the estimate is biased.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from suasion.records import Estimate
from suasion.stats.intervals import TINY, StudentT, t_interval
from suasion.stats.rates import clustered_se

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Strengths of the probe's ridge penalty that are tried, within the messages it is fitted on."""
SHUFFLES = 3
"""Shuffled states that the control averages over."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Bits that messages tell of the state, and what the same estimate gives for nothing."""

    estimate: Estimate
    """Bits a message; NaN if it cannot be had."""
    control: float
    """Mean bits with states shuffled among messages; about 0 or below."""
    entropy: float
    """Bits in the state, H(W) over the messages: the most there is to tell."""


def embedding_bound(
    vectors_ND: ArrayLike,
    states: Sequence[Hashable],
    clusters: Sequence[Hashable] | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    level: float = 0.95,
) -> Bound:
    """Lower bound of I(message; state) by a multinomial logistic probe, cross-fitted.

    Args:
        vectors_ND: one row a message.
        states: the state each message was written in.
        clusters: messages that must not be told apart by their subject, items say: a fold holds
            whole clusters, and errors are clustered. None for each message of its own.
        folds: parts, of which each is predicted from the others.
        seed: of folds and shuffles.
        level: confidence level.

    Raises:
        ValueError: lengths differ, a vector holds no numbers, or fewer than 3 folds.
    """
    x_ND = np.asarray(vectors_ND, dtype=float)
    labels = list(range(len(states))) if clusters is None else list(clusters)
    if x_ND.ndim != 2 or not len(x_ND) == len(states) == len(labels):
        raise ValueError("give one vector, one state and one cluster a message")
    if not np.isfinite(x_ND).all() or folds < 3:
        raise ValueError("vectors must be finite, and folds 3 or more")
    index = {state: place for place, state in enumerate(dict.fromkeys(states))}
    w_N = np.array([index[state] for state in states], dtype=int)
    share_W, entropy = _shares(w_N, len(index))
    groups = len(set(labels))
    if len(index) < 2 or groups < 2 * folds:
        why = f"embedding bound: 2 states and {2 * folds} clusters of messages are needed"
        return Bound(Estimate(nan, nan, nan, len(w_N), 0, why), nan, entropy)
    rng = np.random.default_rng(seed)
    fold_N = _folds(labels, folds, rng)
    bits_N = _bits(x_ND, w_N, fold_N, share_W)
    shuffled = [_bits(x_ND, rng.permutation(w_N), fold_N, share_W) for _ in range(SHUFFLES)]
    method = f"embedding bound, logistic probe, {folds} folds"
    return Bound(_mean(bits_N, labels, level, method), float(np.mean(shuffled)), entropy)


def entropy_drop(
    before_NW: ArrayLike,
    after_NW: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Bits that messages take off a Receiver's uncertainty, E[H(before) - H(after)].

    It speaks of the Receiver: one who is sure of what is false has lost as much entropy.

    Args:
        before_NW: belief in each state before a message; a row of NaN is missing.
        after_NW: the same after it.
        clusters: the item of each message; None for each of its own.
        level: confidence level.

    Raises:
        ValueError: shapes differ, or a row is no distribution.
    """
    before_NW, after_NW, labels, missing = _beliefs(before_NW, after_NW, clusters)
    drop_N = (special.entr(before_NW) - special.entr(after_NW)).sum(axis=1) / np.log(2)
    return _mean(drop_N, labels, level, "entropy drop", missing)


def belief_gain(
    before_NW: ArrayLike,
    after_NW: ArrayLike,
    states: Sequence[int],
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Bound:
    """Bits by which messages raise a Receiver's belief in what is so, with a shuffled control.

    E[log2 after(w) - log2 before(w)]; minus infinity where a Receiver rules out what is so.

    Args:
        before_NW: belief in each state before a message; a row of NaN is missing.
        after_NW: the same after it.
        states: column of the state each message was written in.
        clusters: the item of each message; None for each of its own.
        seed: of the shuffles.
        level: confidence level.

    Raises:
        ValueError: shapes differ, a row is no distribution, or a state is no column.
    """
    known_N = _known(before_NW, after_NW)
    before_NW, after_NW, labels, missing = _beliefs(before_NW, after_NW, clusters)
    w_all = np.asarray(states, dtype=int)
    if len(w_all) != len(known_N) or ((w_all < 0) | (w_all >= before_NW.shape[1])).any():
        raise ValueError("give every message its state, as the number of a column")
    w_N = w_all[known_N]
    bits_N = _raised(before_NW, after_NW, w_N)
    rng = np.random.default_rng(seed)
    shuffled = [_raised(before_NW, after_NW, rng.permutation(w_N)) for _ in range(SHUFFLES)]
    control = float(np.mean(shuffled)) if len(w_N) else nan
    _, entropy = _shares(w_N, before_NW.shape[1])
    return Bound(_mean(bits_N, labels, level, "belief gain", missing), control, entropy)


def _shares(w_N: NDArray[np.int_], count: int) -> tuple[NDArray[np.float64], float]:
    """How often each state occurs, as fractions, and the entropy of that in bits (NaN of none)."""
    share_W = np.bincount(w_N, minlength=count) / max(1, len(w_N))
    return share_W, float(special.entr(share_W).sum() / np.log(2)) if len(w_N) else nan


def _mean(
    bits_N: NDArray[np.float64],
    labels: Sequence[Hashable],
    level: float,
    method: str,
    missing: int = 0,
) -> Estimate:
    """Mean bits with a t interval over clusters."""
    if not len(bits_N):
        return Estimate(nan, nan, nan, 0, missing, f"{method}: nothing was scored")
    if not np.isfinite(bits_N).all():
        return Estimate(-inf, nan, nan, len(bits_N), missing, f"{method}: a state was ruled out")
    mean, count = float(bits_N.mean()), len(set(labels))
    se = clustered_se(bits_N.tolist(), labels)
    interval = t_interval(StudentT(mean, 0.0 if se <= TINY else se, count - 1), level)
    why = f"{method}, clustered t ({count} clusters)"
    return Estimate(mean, *interval, len(bits_N), missing, why)


def _known(before_NW: ArrayLike, after_NW: ArrayLike) -> NDArray[np.bool_]:
    before, after = np.asarray(before_NW, dtype=float), np.asarray(after_NW, dtype=float)
    if before.ndim != 2 or before.shape != after.shape:
        raise ValueError(f"beliefs of shape {before.shape} before and {after.shape} after")
    return np.asarray(~(np.isnan(before) | np.isnan(after)).any(axis=1), dtype=bool)


def _beliefs(
    before_NW: ArrayLike, after_NW: ArrayLike, clusters: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Hashable], int]:
    """Beliefs that are known, their clusters, and how many are missing."""
    known_N = _known(before_NW, after_NW)
    labels = list(range(len(known_N))) if clusters is None else list(clusters)
    if len(labels) != len(known_N):
        raise ValueError(f"{len(known_N)} beliefs but {len(labels)} clusters")
    found = []
    for name, each in (("before", before_NW), ("after", after_NW)):
        rows_NW = np.asarray(each, dtype=float)[known_N]
        if (rows_NW < 0).any() or (np.abs(rows_NW.sum(axis=1) - 1) > 1e-6).any():
            raise ValueError(f"a belief {name} a message is no distribution: rows must sum to 1")
        found.append(rows_NW)
    own = [label for label, known in zip(labels, known_N, strict=True) if known]
    return found[0], found[1], own, int((~known_N).sum())


def _raised(
    before_NW: NDArray[np.float64], after_NW: NDArray[np.float64], w_N: NDArray[np.int_]
) -> NDArray[np.float64]:
    rows_N = np.arange(len(w_N))
    with np.errstate(divide="ignore", invalid="ignore"):
        bits_N: NDArray[np.float64] = np.log2(after_NW[rows_N, w_N]) - np.log2(
            before_NW[rows_N, w_N]
        )
    return np.nan_to_num(bits_N, nan=-inf, posinf=inf, neginf=-inf)


def _folds(labels: Sequence[Hashable], folds: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """The part of each message: whole clusters, in random order, dealt in turn."""
    names = list(dict.fromkeys(labels))
    part = {names[at]: turn % folds for turn, at in enumerate(rng.permutation(len(names)))}
    return np.array([part[label] for label in labels])


def _bits(
    x_ND: NDArray[np.float64],
    w_N: NDArray[np.int_],
    fold_N: NDArray[np.int_],
    share_W: NDArray[np.float64],
) -> NDArray[np.float64]:
    """log2 q(w | m) - log2 p(w) of every message, q fitted on the other folds."""
    bits_N, count, folds = np.zeros(len(w_N)), len(share_W), int(fold_N.max()) + 1
    for fold in range(folds):
        held_N = fold_N == fold
        # The next fold chooses the penalty; then the probe is fitted on all but the held one.
        next_N = fold_N == (fold + 1) % folds
        rest_N = ~held_N & ~next_N
        losses = [-_log_q(x_ND, w_N, rest_N, next_N, count, each).mean() for each in PENALTIES]
        penalty = PENALTIES[int(np.argmin(losses))]
        log_q_N = _log_q(x_ND, w_N, ~held_N, held_N, count, penalty)
        bits_N[held_N] = log_q_N / np.log(2) - np.log2(share_W[w_N[held_N]])
    return bits_N


def _log_q(
    x_ND: NDArray[np.float64],
    w_N: NDArray[np.int_],
    fit_N: NDArray[np.bool_],
    on_N: NDArray[np.bool_],
    count: int,
    penalty: float,
) -> NDArray[np.float64]:
    """Natural-log probability of the right state of each message in `on_N`, probe of `fit_N`.

    Logits are log shares (with half a message more a state, so that none is impossible) plus a
    linear map with a ridge penalty, which at its strongest leaves the shares alone.
    """
    centre_D = x_ND[fit_N].mean(axis=0)
    size = float(np.sqrt(((x_ND[fit_N] - centre_D) ** 2).sum(axis=1).mean())) or 1.0
    z_FD, z_OD = (x_ND[fit_N] - centre_D) / size, (x_ND[on_N] - centre_D) / size
    turned_DR = np.linalg.svd(z_FD, full_matrices=False)[2].T  # a ridge does not mind the turn
    z_FR, z_OR = z_FD @ turned_DR, z_OD @ turned_DR
    seen_W = np.bincount(w_N[fit_N], minlength=count) + 0.5
    base_W = np.log(seen_W / seen_W.sum())
    right_FW = np.eye(count)[w_N[fit_N]]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        map_RW = flat.reshape(-1, count)
        log_q_FW = special.log_softmax(base_W + z_FR @ map_RW, axis=1)
        fit = -float((right_FW * log_q_FW).sum()) + penalty * float((map_RW**2).sum()) / 2
        slope_RW = z_FR.T @ (np.exp(log_q_FW) - right_FW) + penalty * map_RW
        return fit, slope_RW.ravel()

    start = np.zeros(z_FR.shape[1] * count)
    map_RW = optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x.reshape(-1, count)
    log_q_OW = special.log_softmax(base_W + z_OR @ map_RW, axis=1)
    picked: NDArray[np.float64] = log_q_OW[np.arange(int(on_N.sum())), w_N[on_N]]
    return picked
