import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.stats.information_bounds import belief_gain, embedding_bound, entropy_drop


def far_apart(states, noise, seed=0):
    """A vector a message whose first columns say the state."""
    rng = np.random.default_rng(seed)
    states = np.asarray(states)
    return np.eye(int(states.max()) + 1)[states] * 5 + rng.normal(
        0, noise, (len(states), int(states.max()) + 1)
    )


def test_states_that_vectors_tell_apart_give_nearly_all_their_bits():
    states = [0, 1, 2] * 50
    found = embedding_bound(far_apart(states, 0.5), states)
    assert found.entropy == pytest.approx(math.log2(3))
    assert math.log2(3) - 0.05 < found.estimate.value <= math.log2(3)
    assert found.estimate.low < found.estimate.value < found.estimate.high
    assert -0.15 < found.control < 0.03


def test_vectors_that_know_nothing_give_none():
    rng = np.random.default_rng(1)
    states = rng.integers(0, 2, 150).tolist()
    found = embedding_bound(rng.normal(size=(150, 40)), states)
    assert -0.15 < found.estimate.value < 0.05
    assert -0.15 < found.control < 0.05


def test_a_channel_with_errors_is_bounded_by_what_it_tells():
    # Of 200 messages a state exactly a tenth is flipped: 0.5310 bits, and the probe loses a little
    states = [0] * 200 + [1] * 200
    heard = [0] * 180 + [1] * 20 + [1] * 180 + [0] * 20
    found = embedding_bound(np.eye(2)[heard], states)
    assert 0.531 - 0.03 < found.estimate.value < 0.5310
    assert found.estimate.low < 0.531 < found.estimate.high
    assert abs(found.control) < 0.02


def test_subjects_that_go_with_states_are_not_taken_for_messages():
    # Each item has its own direction and, by chance, its own state: nothing carries over.
    rng = np.random.default_rng(4)
    items = np.repeat(np.arange(40), 5)
    states = rng.integers(0, 2, 40)[items]
    vectors = rng.normal(size=(40, 60))[items] + rng.normal(0, 0.01, (200, 60))
    split = embedding_bound(vectors, states.tolist(), items.tolist())
    mixed = embedding_bound(vectors, states.tolist())
    assert split.estimate.value < 0.1
    assert mixed.estimate.value > 0.5


def test_the_same_seed_gives_the_same_bits():
    states = [0, 1] * 20
    vectors = far_apart(states, 3.0)
    assert embedding_bound(vectors, states) == embedding_bound(vectors, states)


@pytest.mark.parametrize(
    ("states", "why"), [([0] * 30, "2 states"), ([0, 1, 0, 1], "10 clusters"), ([], "2 states")]
)
def test_too_little_to_fit_is_said(states, why):
    found = embedding_bound(np.zeros((len(states), 3)), states)
    assert math.isnan(found.estimate.value)
    assert math.isnan(found.control)
    assert why in found.estimate.method


def test_vectors_that_are_all_alike_tell_nothing():
    found = embedding_bound(np.ones((40, 3)), [0, 1] * 20)
    assert found.estimate.value == pytest.approx(0, abs=0.05)


def test_the_prosecutors_optimal_signal_tells_0_2813_bits():
    # Prior .3; "guilty" is said with probability .6 and leaves .5, else 0: H(.3) - .6 = .2813
    before = [[0.7, 0.3]] * 5
    after = [[0.5, 0.5]] * 3 + [[1.0, 0.0]] * 2
    assert entropy_drop(before, after).value == pytest.approx(0.2813, abs=5e-5)
    # In 10 such cases 3 are guilty, all of them so called, and 3 of 7 innocents are
    states = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    found = belief_gain([[0.7, 0.3]] * 10, [[0.5, 0.5]] * 6 + [[1.0, 0.0]] * 4, states)
    assert found.estimate.value == pytest.approx(0.2813, abs=5e-5)
    assert found.entropy == pytest.approx(0.8813, abs=5e-5)
    # A guilty one whom a shuffle puts among the acquitted was ruled out.
    assert found.control == -math.inf


def test_a_noisy_channel_and_a_bayesian_receiver_tell_0_5310_bits():
    states = [0] * 10 + [1] * 10
    heard = [0] * 9 + [1] + [1] * 9 + [0]
    after = [[0.9, 0.1] if each == 0 else [0.1, 0.9] for each in heard]
    found = belief_gain([[0.5, 0.5]] * 20, after, states)
    assert found.estimate.value == pytest.approx(0.5310, abs=5e-5)
    assert entropy_drop([[0.5, 0.5]] * 20, after).value == pytest.approx(0.5310, abs=5e-5)
    assert found.control < 0


def test_a_receiver_who_is_sure_of_what_is_false_lost_entropy_and_gained_nothing():
    before, after = [[0.5, 0.5]] * 4, [[0.99, 0.01]] * 4
    assert entropy_drop(before, after).value > 0.9
    found = belief_gain(before, after, [1, 1, 1, 0])
    assert found.estimate.value < -3
    ruled_out = belief_gain([[0.5, 0.5]], [[1.0, 0.0]], [1])
    assert ruled_out.estimate.value == -math.inf
    assert "ruled out" in ruled_out.estimate.method


def test_what_is_missing_is_counted():
    before = [[0.5, 0.5], [math.nan, math.nan], [0.5, 0.5]]
    after = [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]
    drop = entropy_drop(before, after)
    assert (drop.value, drop.n, drop.missing) == (pytest.approx(0.5), 2, 1)
    found = belief_gain(before, after, [0, 1, 0], ["a", "b", "a"])
    assert (found.estimate.value, found.estimate.missing) == (pytest.approx(0.5), 1)
    assert math.isnan(found.estimate.low)  # one item
    nothing = belief_gain([[math.nan, math.nan]], [[0.5, 0.5]], [0])
    assert math.isnan(nothing.estimate.value)
    assert math.isnan(nothing.control)


def test_bad_input_is_refused():
    half = [[0.5, 0.5]]
    for before, after, why in (
        (half, [[0.5, 0.6]], "no distribution"),
        ([[1.5, -0.5]], half, "no distribution"),
        (half, [[1.0]], "shape"),
    ):
        with pytest.raises(ValueError, match=why):
            entropy_drop(before, after)
    with pytest.raises(ValueError, match="clusters"):
        entropy_drop(half, half, [])
    with pytest.raises(ValueError, match="column"):
        belief_gain(half, half, [2])
    for vectors, states, folds in (
        ([[1.0]], [], 5), ([1.0], [0], 5), ([[math.nan]], [0], 5), ([[1.0]], [0], 2),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"vector|folds"):
            embedding_bound(vectors, states, folds=folds)


@given(st.integers(0, 1000))
def test_a_bayesian_receivers_gain_and_drop_are_the_information(seed):
    # Every (state, signal) pair as often as it occurs out of 60: both forms are I exactly.
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(60, rng.dirichlet(np.ones(6))).reshape(2, 3)
    joint = counts / 60
    prior = joint.sum(axis=1)
    pairs = [(w, m) for w in range(2) for m in range(3) for _ in range(counts[w, m])]
    after = [joint[:, m] / joint[:, m].sum() for _, m in pairs]
    before = [prior] * len(pairs)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = joint * np.log2(joint / np.outer(prior, joint.sum(axis=0)))
    exact = float(np.nansum(terms))
    assert entropy_drop(before, after).value == pytest.approx(exact, abs=1e-9)
    gained = belief_gain(before, after, [w for w, _ in pairs])
    assert gained.estimate.value == pytest.approx(exact, abs=1e-9)
