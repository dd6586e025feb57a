"""Posteriors, schemes, Bayes plausibility: by hand, there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import plausibility_residual, posteriors, scheme_of

SIZES = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000))
CHARGE = [[4 / 7, 3 / 7], [0, 1]]


def drawn(states: int, messages: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A prior and a scheme; every third scheme has messages that are never sent."""
    rng = np.random.default_rng(seed)
    prior_S, scheme_SM = rng.dirichlet(np.ones(states)), rng.dirichlet(np.ones(messages), states)
    if seed % 3 == 0:
        scheme_SM = np.eye(messages)[rng.integers(messages, size=states)]
    return prior_S, scheme_SM


def test_the_prosecutors_posteriors() -> None:
    weights_M, after_MS = posteriors([0.7, 0.3], CHARGE)
    assert weights_M == pytest.approx([0.4, 0.6])
    assert after_MS == pytest.approx(np.array([[1, 0], [0.5, 0.5]]))


def test_a_message_that_is_never_sent_leads_nowhere() -> None:
    weights_M, after_MS = posteriors([0.7, 0.3], [[1, 0], [1, 0]])
    assert weights_M.tolist() == [1, 0]
    assert np.isnan(after_MS[1]).all()
    assert scheme_of([0.7, 0.3], weights_M, after_MS).tolist() == [[1, 0], [1, 0]]
    assert plausibility_residual([0.7, 0.3], weights_M, after_MS).norm == 0


@given(SIZES)
@settings(max_examples=80)
def test_there_and_back(sizes: tuple[int, int, int]) -> None:
    prior_S, scheme_SM = drawn(*sizes)
    assert scheme_of(prior_S, *posteriors(prior_S, scheme_SM)) == pytest.approx(scheme_SM)


@given(SIZES)
@settings(max_examples=80)
def test_a_bayesian_is_not_moved_on_average(sizes: tuple[int, int, int]) -> None:
    prior_S, scheme_SM = drawn(*sizes)
    residual = plausibility_residual(prior_S, *posteriors(prior_S, scheme_SM))
    assert residual.norm == pytest.approx(0, abs=1e-12)
    assert residual.vector_S == pytest.approx(np.zeros(len(prior_S)), abs=1e-12)


@given(SIZES)
@settings(max_examples=40)
def test_no_scheme_moves_a_bayesians_mean_stance(sizes: tuple[int, int, int]) -> None:
    prior_S, scheme_SM = drawn(*sizes)
    stance_S = np.linspace(1, 7, len(prior_S))
    weights_M, after_MS = posteriors(prior_S, scheme_SM)
    gain = weights_M @ (np.nan_to_num(after_MS) @ stance_S) - prior_S @ stance_S
    assert gain == pytest.approx(0, abs=1e-12)


def test_the_residual_of_a_receiver_who_believes_what_it_is_told() -> None:
    # The same scheme, but "guilty" is believed to .8: .6 * .8 = .48 instead of .3.
    residual = plausibility_residual([0.7, 0.3], [0.4, 0.6], [[1, 0], [0.2, 0.8]])
    assert residual.vector_S == pytest.approx([-0.18, 0.18])
    assert residual.norm == pytest.approx(0.18 * 2**0.5)


def test_a_state_of_prior_0_gets_the_weights() -> None:
    scheme_SM = scheme_of([0.7, 0.3, 0], [0.4, 0.6], [[1, 0, 0], [0.5, 0.5, 0]])
    assert scheme_SM[:2] == pytest.approx(np.array(CHARGE))
    assert scheme_SM[2] == pytest.approx([0.4, 0.6])


def test_posteriors_no_scheme_leads_to_are_refused() -> None:
    with pytest.raises(GameError, match=r"their mean for state 1 is 0\.48, the prior 0\.3"):
        scheme_of([0.7, 0.3], [0.4, 0.6], [[1, 0], [0.2, 0.8]])


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(GameError, match=r"weights of the messages is no distribution"):
        plausibility_residual([0.7, 0.3], [0.4, 0.5], CHARGE)
    with pytest.raises(GameError, match=r"the posteriors is no distribution: it sums to 0\.9"):
        plausibility_residual([0.7, 0.3], [0.4, 0.6], [[1, 0], [0.5, 0.4]])
    with pytest.raises(GameError, match=r"the posteriors has the shape \(1, 2\)"):
        plausibility_residual([0.7, 0.3], [0.4, 0.6], [[1, 0]])
    with pytest.raises(GameError, match=r"the posteriors holds nan"):
        plausibility_residual([0.7, 0.3], [0.4, 0.6], [[np.nan, 0], [0.5, 0.5]])
    with pytest.raises(GameError, match="no array of numbers"):
        plausibility_residual([0.7, 0.3], [0.4, 0.6], [[1, 0], [1]])
