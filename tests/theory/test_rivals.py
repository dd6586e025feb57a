"""Senders who compete: opposed ones tell all, aligned ones what the hardest to satisfy needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    binary_payoffs,
    closure_at,
    is_equilibrium,
    least_informative,
    prosecutor,
    rival_payoffs,
    settled_posteriors,
)

GRID = np.linspace(0, 1, 1001)
PROSECUTION = binary_payoffs(prosecutor(), GRID)
OPPOSED = np.stack([PROSECUTION, 1 - PROSECUTION])
ALIGNED = np.stack([GRID >= 0.5, GRID >= 0.7]).astype(float)


def test_opposed_senders_tell_all() -> None:
    assert GRID[settled_posteriors(GRID, OPPOSED)].tolist() == [0, 1]
    outcome = least_informative(GRID, OPPOSED, 0.3)
    assert outcome[:3] == pytest.approx((0, 1, 0.3))
    assert outcome.values_N == pytest.approx([0.3, 0.7])
    assert is_equilibrium(GRID, OPPOSED, 0.3, [0, 1], [0.7, 0.3])
    assert not is_equilibrium(GRID, OPPOSED, 0.3, [0, 0.5], [0.4, 0.6])


def test_aligned_senders_satisfy_the_higher_threshold() -> None:
    settled = GRID[settled_posteriors(GRID, ALIGNED)]
    assert settled[0] == 0
    assert settled[1:] == pytest.approx(GRID[700:])
    outcome = least_informative(GRID, ALIGNED, 0.3)
    assert outcome[:3] == pytest.approx((0, 0.7, 3 / 7))
    assert outcome.values_N == pytest.approx([3 / 7, 3 / 7])
    assert least_informative(GRID, ALIGNED, 0.8)[:3] == (0.8, 0.8, 1)


def test_one_sender_alone_is_the_closure() -> None:
    alone = PROSECUTION[None, :]
    outcome, split = least_informative(GRID, alone, 0.3), closure_at(GRID, PROSECUTION, 0.3)
    assert outcome[:3] == pytest.approx(split[1:])
    assert outcome.values_N == pytest.approx([split.value])


@given(st.lists(st.lists(st.integers(-3, 3), min_size=9, max_size=9), min_size=1, max_size=3),
       st.integers(0, 8))  # fmt: skip
def test_all_is_always_an_equilibrium_and_more_senders_settle_less(
    payoffs_NG: list[list[int]], place: int
) -> None:
    grid = np.linspace(0, 1, 9)
    prior = float(grid[place])
    assert is_equilibrium(grid, payoffs_NG, prior, [0, 1], [1 - prior, prior])
    outcome = least_informative(grid, payoffs_NG, prior)
    weights = [1 - outcome.weight_high, outcome.weight_high]
    assert is_equilibrium(grid, payoffs_NG, prior, outcome[:2], weights)
    settled = settled_posteriors(grid, payoffs_NG)
    assert (settled_posteriors(grid, payoffs_NG[:1]) | ~settled).all()


def test_an_outcome_must_average_to_the_prior() -> None:
    assert not is_equilibrium(GRID, OPPOSED, 0.3, [0, 1], [0.6, 0.4])
    # What is never reached does not count.
    assert is_equilibrium(GRID, OPPOSED, 0.3, [0, 1, 0.4], [0.7, 0.3, 0])


def test_rivals_before_one_receiver_see_the_same_action() -> None:
    convict, acquit = [[0, 1], [0, 1]], [[1, 0], [1, 0]]
    grid = [0, 0.25, 0.5, 1]
    payoffs_NG = rival_payoffs([[1, 0], [0, 1]], [convict, acquit], grid)
    assert payoffs_NG.tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]
    other = rival_payoffs([[1, 0], [0, 1]], [convict, acquit], grid, ties_for=1)
    assert other.tolist() == [[0, 0, 0, 1], [1, 1, 1, 0]]


def test_a_payoff_that_depends_on_the_state_is_averaged_over_it() -> None:
    # The Sender gains 2 from a conviction of the guilty, 0 from one of the innocent.
    payoffs_NG = rival_payoffs([[1, 0], [0, 1]], [[[0, 0], [0, 2]]], [0, 0.4, 0.8])
    assert payoffs_NG[0] == pytest.approx([0, 0, 1.6])


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(GameError, match=r"payoffs \[sender, grid\] has the shape \(2,\)"):
        settled_posteriors([0, 1], [1, 2])
    with pytest.raises(GameError, match="the grid must ascend"):
        settled_posteriors(GRID[::-1], OPPOSED)
    with pytest.raises(GameError, match=r"does not hold the prior 0\.3"):
        least_informative([0.5, 1], [[1, 2]], 0.3)
    with pytest.raises(GameError, match="the outcome's weights is no distribution"):
        is_equilibrium(GRID, OPPOSED, 0.3, [0, 1], [0.7, 0.4])
    with pytest.raises(GameError, match=r"does not hold the posterior 1\.2"):
        is_equilibrium(GRID, OPPOSED, 0.3, [0, 1.2], [0.75, 0.25])
    with pytest.raises(GameError, match="Senders are 0 to 0"):
        rival_payoffs([[1, 0], [0, 1]], [[[0, 1], [0, 1]]], [0, 1], ties_for=1)
    with pytest.raises(GameError, match=r"Receiver's utility .* needs \(2, any\)"):
        rival_payoffs(np.eye(3), [np.eye(3)], [0, 1])
