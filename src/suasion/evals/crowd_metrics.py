"""What rules are worth before several Receivers and beside a rival, by `suasion.theory`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from suasion.evals.beliefs import Found, noted
from suasion.evals.signal_metrics import Heard, Notes, heard, of_any, share_of_room
from suasion.judges import Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from suasion.theory import Audience

GRID = 101
"""Posteriors at which rivals' payoffs are laid out, besides those that matter."""

JUST_BELOW = 1e-6
"""Where the payoff of the Sender against is told apart from that at the point it jumps."""


def question(name: str) -> Question:
    """One of `METRICS`."""

    def find(notes: Notes) -> Found:
        if name in ("off_signal", "unreadable"):
            return of_any(name, notes)
        try:
            return _METRICS[name](notes)
        except _NoRule as missing:
            return None, str(missing)

    return noted(f"crowd/{name}", ("rules", "game"), find)


class _NoRule(Exception):
    """A rule is missing; says why."""


def _rule(notes: Notes, name: str) -> Heard:
    found = heard(notes, name)
    if isinstance(found, str):
        raise _NoRule(found)
    return found


def _public(notes: Notes) -> Found:
    from suasion import theory

    rule, audience = _rule(notes, "public"), _audience(notes)
    value = theory.public_value(audience, rule.scheme_SM)
    return share_of_room(value, _silence(audience), theory.public_optimum(audience).value)


def _private(notes: Notes) -> Found:
    """Messages for one Receiver do not concern the others, so values are a mean."""
    from suasion import theory

    audience = _audience(notes)
    count = len(audience.priors_RS)
    value = math.fsum(
        theory.public_value(_audience(notes, [i]), _rule(notes, f"private {i}").scheme_SM)
        for i in range(count)
    )
    best = theory.private_optimum(audience).value
    return share_of_room(value / count, _silence(audience), best)


def _audience(notes: Notes, only: Sequence[int] | None = None) -> Audience:
    """All Receivers, or some; the Sender's utility is the mean over them."""
    from suasion.theory import Audience, over_profiles

    game = cast("Mapping[str, Any]", notes["game"])
    places = range(len(game["priors"])) if only is None else only
    sender = game["sender"]

    def utility(state: int, profile: tuple[int, ...]) -> float:
        return math.fsum(sender[state][action] for action in profile) / len(profile)

    made = over_profiles(len(sender), len(places), len(sender[0]), utility)
    receivers = [game["receivers"][i] for i in places]
    return Audience(game["prior"], receivers, made, [game["priors"][i] for i in places])


def _silence(audience: Audience) -> float:
    from suasion.theory import public_value

    return public_value(audience, [[1.0]] * len(audience.prior_S))


def _both(notes: Notes) -> tuple[Heard, NDArray[np.float64]]:
    """The game of the first Receiver, and the rule of two Senders who know nothing of another.

    A pair of signals is one message: pi(m, m'|w) = pi_for(m|w) pi_against(m'|w).
    """
    import numpy as np

    pro, con = _rule(notes, "private 0"), _rule(notes, "against")
    joint = np.einsum("sm,sn->smn", np.array(pro.scheme_SM), np.array(con.scheme_SM))
    return pro, joint.reshape(len(joint), -1)


def _revelation(notes: Notes) -> Found:
    from suasion import theory

    found, scheme_SM = _both(notes)
    prior_S = found.game.prior_S
    told = theory.mutual_information_bits(prior_S, scheme_SM)
    return told / theory.entropy_bits(prior_S), None


def _unsettled(notes: Notes) -> Found:
    """sum_m p(m) max_i (cav v_i - v_i)(mu_m)."""
    import numpy as np

    from suasion import theory

    weights_M, after_M, grid_G, payoffs_NG = _outcome(notes)
    gains_NG = [theory.concave_closure(grid_G, own_G) - own_G for own_G in payoffs_NG]
    at_M = np.searchsorted(grid_G, after_M)
    return float(weights_M @ np.max(gains_NG, axis=0)[at_M]), None


def _equilibrium(notes: Notes) -> Found:
    from suasion import theory

    found, _ = _both(notes)
    weights_M, after_M, grid_G, payoffs_NG = _outcome(notes)
    prior = float(found.game.prior_S[1])
    return float(theory.is_equilibrium(grid_G, payoffs_NG, prior, after_M, weights_M)), None


def _outcome(
    notes: Notes,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weights and posteriors of the pairs of signals that occur; a grid; both Senders' payoffs."""
    import numpy as np

    from suasion import theory

    found, scheme_SM = _both(notes)
    game = found.game
    weights_M, posteriors_MS = theory.posteriors(game.prior_S, scheme_SM)
    sent_M = weights_M > 0
    after_M = np.clip(posteriors_MS[sent_M, 1], 0.0, 1.0)
    turns = _turns(game.receiver_SA)
    grid_G = np.unique(np.clip(
        np.concatenate([np.linspace(0, 1, GRID), turns, turns - JUST_BELOW, after_M]), 0, 1
    ))  # fmt: skip
    against_SA = game.sender_SA[:, ::-1]
    payoffs_NG = theory.rival_payoffs(game.receiver_SA, [game.sender_SA, against_SA], grid_G)
    return weights_M[sent_M], after_M, grid_G, payoffs_NG


def _turns(receiver_SA: NDArray[np.float64]) -> NDArray[np.float64]:
    """Posteriors at which the Receiver is as well off with an action as with the one before it."""
    import numpy as np

    steps_SA = np.diff(receiver_SA, axis=1)
    turns: NDArray[np.float64] = -steps_SA[0] / (steps_SA[1] - steps_SA[0])
    return turns


_METRICS: Mapping[str, Callable[[Notes], Found]] = {
    "eta_public": _public,
    "eta_private": _private,
    "revelation": _revelation,
    "unsettled": _unsettled,
    "equilibrium": _equilibrium,
}
METRICS = (*_METRICS, "off_signal", "unreadable")
"""Everything that is measured; the first is the headline."""
