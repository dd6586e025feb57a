"""Rounds: beeps, and rounds that add nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import closure_at, dynamic_value, silent_value

GRID = np.linspace(0, 1, 1001)
STAYS = np.eye(2)
DRIFTS = [[0.9, 0.1], [0, 1]]
"""State 1 comes with probability .1 a round, and stays."""


def beeps(rounds: int) -> np.ndarray:
    """The Sender wants a Receiver to go on working: who stops at a posterior of one half."""
    return np.tile((GRID < 0.5).astype(float), (rounds, 1))


def test_beeps() -> None:
    found = dynamic_value(GRID, beeps(10), DRIFTS).at(0.0) / 10
    assert found == pytest.approx(0.959, abs=1e-3)
    # Untold, the posterior 1 - .9^t is below one half for seven rounds of ten.
    assert silent_value(GRID, beeps(10), DRIFTS, 0.0) / 10 == pytest.approx(0.7)


def convicts() -> np.ndarray:
    return (GRID >= 0.5).astype(float)


@pytest.mark.parametrize("rounds", [1, 3, 10])
def test_rounds_add_nothing_where_the_state_stays_and_the_last_action_counts(rounds: int) -> None:
    payoffs = np.zeros((rounds, len(GRID)))
    payoffs[-1] = convicts()
    assert dynamic_value(GRID, payoffs, STAYS).at(0.3) == pytest.approx(0.6, abs=1e-3)


def test_one_round_is_the_closure() -> None:
    found = dynamic_value(GRID, convicts()[None], STAYS)
    assert found.split(0.3).value == pytest.approx(closure_at(GRID, convicts(), 0.3).value)


@settings(max_examples=20, deadline=None)
@given(prior=st.floats(0, 1), discount=st.floats(0, 1), seed=st.integers(0, 999))
def test_telling_is_never_worse_than_not_telling(prior: float, discount: float, seed: int) -> None:
    rng, grid = np.random.default_rng(seed), np.linspace(0, 1, 21)
    payoffs = rng.random((4, 21))
    prior = float(grid[np.abs(grid - prior).argmin()])
    best = dynamic_value(grid, payoffs, STAYS, discount).at(prior)
    assert best >= silent_value(grid, payoffs, STAYS, prior, discount) - 1e-9


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(GameError, match="transition"):
        dynamic_value(GRID, beeps(2), [[0.5, 0.6], [0, 1]])
    with pytest.raises(GameError, match="discount"):
        dynamic_value(GRID, beeps(2), STAYS, 1.5)
    with pytest.raises(GameError, match="drift"):
        dynamic_value(GRID[1:], beeps(2)[:, 1:], STAYS)
    with pytest.raises(GameError, match="no round 2"):
        dynamic_value(GRID, beeps(2), STAYS).at(0.3, 2)
