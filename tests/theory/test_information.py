"""Bits: the binary symmetric channel, the prosecutor, and what must hold of any channel."""

import math

import numpy as np
import pytest
from hypothesis import given
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
)

CHANNEL = [[0.9, 0.1], [0.1, 0.9]]


def test_a_binary_symmetric_channel() -> None:
    assert mutual_information_bits([0.5, 0.5], CHANNEL) == pytest.approx(0.5310, abs=5e-5)


def test_the_prosecutors_best_scheme() -> None:
    game = prosecutor(0.3)
    scheme = optimum(game).signal_SA
    assert mutual_information_bits(game.prior_S, scheme) == pytest.approx(0.2813, abs=5e-5)
    convicted = float(np.asarray(game.prior_S) @ np.asarray(scheme)[:, 1])
    assert convicted == pytest.approx(0.6, abs=1e-6)


def test_a_message_that_does_not_depend_on_the_state_tells_nothing() -> None:
    assert mutual_information_bits([0.3, 0.7], [[0.2, 0.8], [0.2, 0.8]]) == pytest.approx(0)


def test_a_message_copied_from_history_tells_nothing() -> None:
    # Whatever the state, the message is the history's: a point mass that differs by history alone.
    schemes = [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]
    found = conditional_mutual_information_bits([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], schemes)
    assert found == pytest.approx(0)


def test_the_mean_of_pointwise_terms_is_the_mutual_information() -> None:
    total = 0.0
    for state in (0, 1):
        for message in (0, 1):
            loglik = [math.log(CHANNEL[s][message]) for s in (0, 1)]
            term = pointwise_information_bits(loglik, [0.5, 0.5], state)
            total += 0.5 * CHANNEL[state][message] * term
    assert total == pytest.approx(0.5310, abs=5e-5)


def test_an_unlikely_message_tells_less_than_nothing() -> None:
    assert pointwise_information_bits([math.log(0.1), math.log(0.9)], [0.5, 0.5], 0) == (
        pytest.approx(math.log2(0.1 / 0.5))
    )


rows = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda r: [x / sum(r) for x in r])


@given(prior=rows, scheme=st.lists(rows, min_size=3, max_size=3))
def test_for_a_bayesian_all_forms_agree(prior: list[float], scheme: list[list[float]]) -> None:
    weights, after = posteriors(prior, scheme)
    told = mutual_information_bits(prior, scheme)
    assert 0 <= told + 1e-12 <= entropy_bits(prior) + 1e-9
    assert entropy_drop_bits(prior, weights, after) == pytest.approx(told, abs=1e-9)
    assert posterior_information_bits(prior, weights, after) == pytest.approx(told, abs=1e-9)


def test_a_receiver_who_is_moved_by_nothing_learns_nothing() -> None:
    same = [[0.3, 0.7], [0.3, 0.7]]
    assert entropy_drop_bits([0.3, 0.7], [0.5, 0.5], same) == pytest.approx(0)
    assert posterior_information_bits([0.3, 0.7], [0.5, 0.5], same) == pytest.approx(0)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(GameError):
        mutual_information_bits([0.5, 0.6], CHANNEL)
    with pytest.raises(GameError):
        pointwise_information_bits([0.0, math.nan], [0.5, 0.5], 0)
    with pytest.raises(GameError):
        pointwise_information_bits([-math.inf, 0.0], [0.5, 0.5], 0)
    with pytest.raises(GameError):
        entropy_drop_bits([0.5, 0.5], [1.0], [[0.5, 0.6]])
