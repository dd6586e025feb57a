"""Competing Senders: opposed ones reveal all, aligned ones what both gain from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import is_equilibrium, least_informative, rival_payoffs, settled_posteriors

GRID = np.linspace(0, 1, 101)
CONVICTS = [[1, 0], [0, 1]]


def opposed() -> np.ndarray:
    """A prosecutor and a defender before one judge, threshold .5."""
    return rival_payoffs(CONVICTS, [[[0, 1], [0, 1]], [[1, 0], [1, 0]]], GRID)


def aligned() -> np.ndarray:
    """Two Senders who each want a posterior of at least .5 and of at least .7."""
    return np.stack([(GRID >= 0.5 - 1e-12).astype(float), (GRID >= 0.7 - 1e-12).astype(float)])


def test_opposed_senders_settle_on_nothing_but_the_truth() -> None:
    settled = GRID[settled_posteriors(GRID, opposed())]
    assert settled.tolist() == [0.0, 1.0]
    found = least_informative(GRID, opposed(), 0.3)
    assert (found.low, found.high, found.weight_high) == pytest.approx((0, 1, 0.3))
    assert found.values_N == pytest.approx([0.3, 0.7])


def test_aligned_senders_settle_where_both_have_what_they_want() -> None:
    settled = GRID[settled_posteriors(GRID, aligned())]
    assert settled[0] == 0
    assert settled[1:].tolist() == pytest.approx(GRID[70:].tolist())
    found = least_informative(GRID, aligned(), 0.35)
    assert (found.low, found.high, found.weight_high) == pytest.approx((0, 0.7, 0.5))


def test_an_outcome_is_an_equilibrium_if_all_of_it_is_settled_and_plausible() -> None:
    payoffs = opposed()
    assert is_equilibrium(GRID, payoffs, 0.3, [0, 1], [0.7, 0.3])
    # What a prosecutor alone would do: the defender adds a signal.
    assert not is_equilibrium(GRID, payoffs, 0.3, [0, 0.5], [0.4, 0.6])
    # Settled, but the mean is not the prior.
    assert not is_equilibrium(GRID, payoffs, 0.3, [0, 1], [0.5, 0.5])
    # What is never reached does not count.
    assert is_equilibrium(GRID, payoffs, 0.3, [0, 1, 0.5], [0.7, 0.3, 0])


def test_a_single_sender_does_what_it_would_alone() -> None:
    alone = opposed()[:1]
    found = least_informative(GRID, alone, 0.3)
    assert (found.low, found.high, found.weight_high) == pytest.approx((0, 0.5, 0.6))


@given(prior=st.integers(1, 99))
def test_telling_all_is_always_an_equilibrium(prior: int) -> None:
    p = prior / 100
    for payoffs in (opposed(), aligned()):
        assert is_equilibrium(GRID, payoffs, p, [0, 1], [1 - p, p])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(GameError, match="ties_for"):
        rival_payoffs(CONVICTS, [[[0, 1], [0, 1]]], GRID, ties_for=1)
    with pytest.raises(GameError):
        settled_posteriors(GRID[::-1], opposed())
    with pytest.raises(GameError):
        is_equilibrium(GRID, opposed(), 0.3, [0, 1], [0.7, 0.4])
