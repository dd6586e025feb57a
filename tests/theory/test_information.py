"""Bits: published values, the ways in which the measures agree for a Bayesian, and where not."""

from math import inf, log, log2, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    conditional_mutual_information_bits,
    entropy_bits,
    entropy_drop_bits,
    mutual_information_bits,
    optimum,
    pointwise_information_bits,
    posterior_information_bits,
    posteriors,
    prosecutor,
    shares_of,
)

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10_000))
NOISY = [[0.9, 0.1], [0.1, 0.9]]


def drawn(states: int, messages: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(states)), rng.dirichlet(np.ones(messages), states)


def test_entropy() -> None:
    assert entropy_bits([0.25] * 4) == pytest.approx(2)
    assert entropy_bits([1, 0]) == 0
    assert entropy_bits([0.7, 0.3]) == pytest.approx(0.8813, abs=5e-5)


def test_the_binary_symmetric_channel() -> None:
    assert mutual_information_bits([0.5, 0.5], NOISY) == pytest.approx(0.5310, abs=5e-5)


def test_the_prosecutor() -> None:
    game = prosecutor(0.3)
    scheme_SM = optimum(game).signal_SA
    assert mutual_information_bits(game.prior_S, scheme_SM) == pytest.approx(0.2813, abs=5e-5)
    assert shares_of(game, scheme_SM)[1] == pytest.approx(0.60, abs=1e-9)


def test_a_message_independent_of_the_state_tells_nothing() -> None:
    assert mutual_information_bits([0.7, 0.3], [[0.2, 0.8]] * 2) == pytest.approx(0, abs=1e-15)


def test_a_message_copied_from_the_history_tells_nothing_more() -> None:
    # The history is the state seen through noise; the message repeats it.
    weights_H, priors_HS = [0.5, 0.5], NOISY
    copied_HSM = [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]
    assert conditional_mutual_information_bits(weights_H, priors_HS, copied_HSM) == 0
    # Without the history the same message tells what the history would.
    assert mutual_information_bits([0.5, 0.5], NOISY) > 0.5


def test_conditional_information_by_hand() -> None:
    # All of H(.5) = 1 bit after one history, none after the other.
    schemes_HSM = [[[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]]]
    found = conditional_mutual_information_bits([0.25, 0.75], [[0.5, 0.5]] * 2, schemes_HSM)
    assert found == pytest.approx(0.25)


def test_pointwise_information_by_hand() -> None:
    # .9 against the mixture .5: log2 1.8; the other way log2 .2, below 0.
    loglik_S = np.log([0.9, 0.1])
    assert pointwise_information_bits(loglik_S, [0.5, 0.5], 0) == pytest.approx(log2(1.8))
    assert pointwise_information_bits(loglik_S, [0.5, 0.5], 1) == pytest.approx(log2(0.2))
    # Whole messages are as improbable as floats are not: only differences count.
    far = pointwise_information_bits(loglik_S - 5000, [0.5, 0.5], 0)
    assert far == pytest.approx(log2(1.8))
    # One that no other state could have sent tells all there was to know.
    assert pointwise_information_bits([log(0.2), -inf], [0.25, 0.75], 0) == pytest.approx(2)


@given(SIZES)
@settings(max_examples=60)
def test_the_mean_of_the_pointwise_is_the_mutual_information(sizes: tuple[int, int, int]) -> None:
    prior_S, scheme_SM = drawn(*sizes)
    mean = sum(
        prior_S[w] * scheme_SM[w, m]
        * pointwise_information_bits(np.log(scheme_SM[:, m]), prior_S, w)
        for w in range(sizes[0])
        for m in range(sizes[1])
    )  # fmt: skip
    assert mean == pytest.approx(mutual_information_bits(prior_S, scheme_SM), abs=1e-12)


@given(SIZES)
@settings(max_examples=60)
def test_for_a_bayesian_all_measures_are_one(sizes: tuple[int, int, int]) -> None:
    prior_S, scheme_SM = drawn(*sizes)
    told = mutual_information_bits(prior_S, scheme_SM)
    after = posteriors(prior_S, scheme_SM)
    assert entropy_drop_bits(prior_S, *after) == pytest.approx(told, abs=1e-12)
    assert posterior_information_bits(prior_S, *after) == pytest.approx(told, abs=1e-12)
    assert -1e-12 <= told <= entropy_bits(prior_S) + 1e-12


@given(SIZES, st.integers(1, 4))
@settings(max_examples=40)
def test_what_is_passed_on_loses_information(sizes: tuple[int, int, int], heard: int) -> None:
    prior_S, scheme_SM = drawn(*sizes)
    garbled = scheme_SM @ drawn(sizes[1], heard, sizes[2])[1]
    assert mutual_information_bits(prior_S, garbled) <= (
        mutual_information_bits(prior_S, scheme_SM) + 1e-12
    )


def test_for_a_believer_the_measures_part() -> None:
    # Unsure before, moved the same way by any message: certain, and far from the prior, untold.
    moved = ([0.5, 0.5], [0.5, 0.5], [[0.1, 0.9], [0.1, 0.9]])
    assert entropy_drop_bits(*moved) == pytest.approx(1 - entropy_bits([0.1, 0.9]))
    assert posterior_information_bits(*moved) == pytest.approx(entropy_drop_bits(*moved))
    # Sure before, unsure after: beliefs moved, certainty fell.
    shaken = ([0.9, 0.1], [1.0], [[0.5, 0.5]])
    assert entropy_drop_bits(*shaken) == pytest.approx(entropy_bits([0.9, 0.1]) - 1)
    expected = 0.5 * log2(0.5 / 0.9) + 0.5 * log2(0.5 / 0.1)
    assert posterior_information_bits(*shaken) == pytest.approx(expected)
    assert posterior_information_bits([1, 0], [1.0], [[0.5, 0.5]]) == inf


def test_a_message_that_is_never_sent_counts_for_nothing() -> None:
    after = posteriors([0.7, 0.3], [[1, 0], [1, 0]])
    assert entropy_drop_bits([0.7, 0.3], *after) == 0
    assert posterior_information_bits([0.7, 0.3], *after) == 0
    assert mutual_information_bits([0.7, 0.3], [[1, 0], [1, 0]]) == 0


@pytest.mark.parametrize(
    ("loglik", "prior", "state", "message"),
    [
        ([0, nan], [0.5, 0.5], 0, "NaN or"),
        ([0, inf], [0.5, 0.5], 0, "NaN or"),
        ([0, -inf], [0.5, 0.5], 1, "state 1 .* cannot have sent"),
        ([0, 0], [1, 0], 1, "state 1 .* has prior 0"),
        ([0, 0], [0.5, 0.5], 2, "state 2 is none"),
        ([0], [0.5, 0.5], 0, r"shape \(1,\) for 2 states"),
        ([0, 0], [0.5, 0.6], 0, "the prior is no distribution"),
    ],
)
def test_a_message_that_cannot_be_scored_is_refused(
    loglik: list[float], prior: list[float], state: int, message: str
) -> None:
    with pytest.raises(GameError, match=message):
        pointwise_information_bits(loglik, prior, state)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(GameError, match="the distribution is no distribution"):
        entropy_bits([0.5, 0.6])
    with pytest.raises(GameError, match=r"the schemes .* needs \(1, 2, any\)"):
        conditional_mutual_information_bits([1], [[0.5, 0.5]], [[[1, 0]]])
    with pytest.raises(GameError, match=r"the priors .* needs \(2, any\)"):
        conditional_mutual_information_bits([0.5, 0.5], [[0.5, 0.5]], [[[1, 0]]])
