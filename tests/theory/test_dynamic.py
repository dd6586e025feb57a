"""Rounds: the beeps of Ely, a state that stands still, and the value of telling by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import closure_at, concave_closure, dynamic_value, silent_value

GRID = np.linspace(0, 1, 1001)
STILL = np.eye(2)
BEEP = [[0.9, 0.1], [0, 1]]
"""Mail arrives with probability .1 a round and stays."""


def test_the_beep() -> None:
    payoffs_TG = np.tile((GRID < 0.5).astype(float), (10, 1))
    found = dynamic_value(GRID, payoffs_TG, BEEP)
    assert found.at(0) / 10 == pytest.approx(0.959, abs=5e-4)
    # Told nothing the worker checks from the round where 1 - .9^t reaches one half: after seven.
    assert silent_value(GRID, payoffs_TG, BEEP, 0) / 10 == pytest.approx(0.7)


def test_the_beep_by_hand_in_two_rounds() -> None:
    # From .45: a round of no news, then .45 + .55 x .1 = .505, split onto .5 and 1: weight .99.
    grid = np.union1d(GRID, [0.505])
    payoffs_TG = np.tile((grid <= 0.5).astype(float), (2, 1))
    found = dynamic_value(grid, payoffs_TG, BEEP)
    assert found.at(0.45) == pytest.approx(1.99, abs=1e-9)
    assert found.split(0.505, 1) == pytest.approx((0.99, 0.5, 1, 0.01))
    assert silent_value(grid, payoffs_TG, BEEP, 0.45) == 1


@pytest.mark.parametrize("rounds", [1, 3, 10])
def test_more_rounds_add_nothing_where_only_the_last_action_counts(rounds: int) -> None:
    payoffs_TG = np.zeros((rounds, len(GRID)))
    payoffs_TG[-1] = GRID >= 0.5
    assert dynamic_value(GRID, payoffs_TG, STILL).at(0.3) == pytest.approx(0.6)
    assert silent_value(GRID, payoffs_TG, STILL, 0.3) == 0


def test_a_still_state_is_told_of_at_once() -> None:
    payoffs_TG = np.tile((GRID >= 0.5).astype(float), (4, 1))
    found = dynamic_value(GRID, payoffs_TG, STILL, discount=0.5)
    assert found.at(0.3) == pytest.approx(0.6 * (1 + 0.5 + 0.25 + 0.125))
    assert found.at(0.3, t=2) == pytest.approx(0.6 * 1.5)
    assert found.split(0.3)[1:] == pytest.approx((0, 0.5, 0.6))
    assert silent_value(GRID, payoffs_TG, STILL, 0.6, discount=0.5) == pytest.approx(1.875)


@given(st.lists(st.integers(-4, 4), min_size=11, max_size=11), st.floats(0, 1))
@settings(max_examples=40)
def test_one_round_is_the_closure_and_a_discount_of_0_too(values: list[int], prior: float) -> None:
    grid = np.linspace(0, 1, 11)
    expected = closure_at(grid, values, prior).value
    assert dynamic_value(grid, [values], BEEP).at(prior) == pytest.approx(expected)
    ahead = dynamic_value(grid, [values, values], BEEP, discount=0)
    assert ahead.at(prior) == pytest.approx(expected)
    assert ahead.values_TG[0] == pytest.approx(concave_closure(grid, values))


@given(st.lists(st.integers(-4, 4), min_size=11, max_size=11), st.integers(0, 10))
@settings(max_examples=40)
def test_telling_is_no_worse_than_silence(values: list[int], place: int) -> None:
    grid = np.linspace(0, 1, 11)
    swap = [[0, 1], [1, 0]]  # it carries points of the grid to points of the grid
    found = dynamic_value(grid, [values] * 3, swap)
    silent = silent_value(grid, [values] * 3, swap, float(grid[place]))
    assert silent == pytest.approx(2 * values[place] + values[10 - place])
    assert found.at(float(grid[place])) >= silent - 1e-9
    assert (np.diff(found.values_TG, 2, axis=1) <= 1e-9).all()


def test_what_does_not_fit_is_said() -> None:
    flat = [[0.0] * len(GRID)]
    with pytest.raises(GameError, match=r"from 0\.2 to 1; .* let it reach from 0 to 1"):
        dynamic_value([0.2, 1], [[0, 0]], STILL)
    with pytest.raises(GameError, match=r"the transition .* sums to 1\.1"):
        dynamic_value(GRID, flat, [[0.9, 0.2], [0, 1]])
    with pytest.raises(GameError, match=r"the transition .* needs \(2, 2\)"):
        dynamic_value(GRID, flat, np.eye(3))
    with pytest.raises(GameError, match=r"the payoffs \[round, grid\] .* needs \(any, 1001\)"):
        dynamic_value(GRID, [[0, 1]], STILL)
    with pytest.raises(GameError, match=r"the discount is 1\.5"):
        dynamic_value(GRID, flat, STILL, discount=1.5)
    found = dynamic_value(GRID, flat, STILL)
    with pytest.raises(GameError, match="no round 1; rounds are 0 to 0"):
        found.at(0.3, 1)
    with pytest.raises(GameError, match="does not hold the prior 2"):
        found.at(2)
