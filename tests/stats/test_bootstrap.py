"""The hierarchical bootstrap: same bits for the same seed, nominal coverage with many seeds."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.stats.bootstrap import hierarchical_bootstrap


def draw(rng, seeds=6, items=40, rate=0.3):
    return (rng.random((seeds, items)) < rate).astype(float)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    rng = np.random.default_rng(0)
    a, b = draw(rng), draw(rng)
    first = hierarchical_bootstrap(a, b, seed=3)
    assert first == hierarchical_bootstrap(a, b, seed=3)
    assert first.low != hierarchical_bootstrap(a, b, seed=4).low


def test_few_seeds_are_labelled_a_sensitivity_check():
    rng = np.random.default_rng(0)
    assert hierarchical_bootstrap(draw(rng, 4), draw(rng, 9)).method.endswith("sensitivity")
    assert "sensitivity" not in hierarchical_bootstrap(draw(rng, 8), draw(rng, 9)).method


def test_items_are_shared_by_the_arms():
    """An item effect common to both arms cancels; drawn per arm it would widen the interval."""
    effect = np.tile([0.0, 1.0], 20)
    a, b = np.tile(effect, (8, 1)), np.tile(effect, (8, 1))
    estimate = hierarchical_bootstrap(a, b)
    assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_seeds_are_drawn_and_not_only_items():
    a = np.repeat([[0.0], [1.0]], 50, axis=1)
    estimate = hierarchical_bootstrap(a, np.full((2, 50), 0.5))
    # Two seeds, one all 0 and one all 1: a quarter of resamples hold only one of them.
    assert (estimate.low, estimate.high) == (-0.5, 0.5)


def test_the_interval_holds_95_percent_of_resamples():
    """Seeds alike, 100 items half 0 half 1: resampled means are Bin(100, 1/2), 40 to 60 of 100."""
    estimate = hierarchical_bootstrap(np.tile([0.0, 1.0], (8, 50)), np.full((8, 100), 0.5))
    assert (estimate.low, estimate.high) == pytest.approx((-0.10, 0.10), abs=0.011)


def test_missing_scores_are_left_out_and_counted():
    a, b = np.array([[1.0, nan], [1.0, 0.0]]), np.array([[0.0, 0.0], [nan, 0.0]])
    estimate = hierarchical_bootstrap(a, b)
    assert estimate.value == pytest.approx(2 / 3)
    assert (estimate.n, estimate.missing) == (6, 2)


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        (np.ones((1, 9)), np.ones((4, 9)), "at least 2 seeds"),
        (np.ones((4, 1)), np.ones((4, 1)), "2 items"),
        (np.full((2, 3), nan), np.ones((2, 3)), "an arm has no score"),
        (np.ones((0, 3)), np.ones((2, 3)), "an arm has no score"),
    ],
)
def test_what_cannot_be_resampled_says_why(a, b, reason):
    estimate = hierarchical_bootstrap(a, b)
    assert isnan(estimate.low)
    assert reason in estimate.method


@pytest.mark.parametrize("b", [np.ones(3), np.ones((2, 4))])
def test_arms_on_different_items_are_refused(b):
    with pytest.raises(ValueError, match="axes \\(seed, item\\)"):
        hierarchical_bootstrap(np.ones((2, 3)), b)


@given(st.integers(2, 5), st.integers(2, 5), st.integers(2, 12), st.integers(0, 99))
def test_the_interval_is_ordered_and_bounded(seeds_a, seeds_b, items, seed):
    rng = np.random.default_rng(seed)
    a, b = draw(rng, seeds_a, items), draw(rng, seeds_b, items)
    estimate = hierarchical_bootstrap(a, b, resamples=200)
    assert -1 <= estimate.low <= estimate.high <= 1
    assert -1 <= estimate.value <= 1


def coverage(item_sd, draw_sd, runs=2000):
    """How often the interval holds a true difference of 0.2, with 40 seeds an arm and 60 items.

    `item_sd` is how much items differ in the effect, `draw_sd` the luck of a single draw.
    """
    rng, hits = np.random.default_rng(7), 0
    for run in range(runs):
        shared = rng.normal(0, 0.2, 60)
        arms = [
            mean
            + shared
            + rng.normal(0, item_sd, 60)
            + rng.normal(0, 0.1, (40, 1))
            + rng.normal(0, draw_sd, (40, 60))
            for mean in (0.5, 0.3)
        ]
        estimate = hierarchical_bootstrap(*arms, resamples=1000, seed=run)
        hits += estimate.low <= 0.2 <= estimate.high
    return hits / runs


@pytest.mark.slow
def test_coverage_is_nominal_where_seeds_and_items_vary():
    assert 0.935 <= coverage(item_sd=0.15, draw_sd=0.1) <= 0.965


@pytest.mark.slow
def test_coverage_is_conservative_where_single_draws_are_noisy():
    assert coverage(item_sd=0.0, draw_sd=0.5) > 0.965
