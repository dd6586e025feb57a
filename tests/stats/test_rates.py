"""Rates and means against Newcombe 1998a, Miller 2024 and statsmodels."""

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.api import OLS
from statsmodels.stats.proportion import proportion_confint

from suasion.stats.intervals import Interval, binomial_variance, wilson_interval
from suasion.stats.rates import clustered_mean, clustered_se, manski, wilson

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CLUSTERED = [1, 1, 0, 1, 0, 0, 0, 0, 1, 1]
CLUSTERS = list("aaabbcccdd")


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_prints_newcombes_table(successes, n, low, high):
    estimate = wilson(successes, n)
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)
    assert estimate.value == successes / n


def test_wilson_of_zero_and_all_reach_the_ends_exactly():
    assert wilson(0, 29).low == 0.0
    assert wilson(29, 29).high == 1.0


def test_nothing_scored_is_missing_and_not_zero():
    estimate = wilson(0, 0, missing=7)
    assert all(isnan(x) for x in (estimate.value, estimate.low, estimate.high))
    assert (estimate.n, estimate.missing) == (0, 7)
    assert "nothing was scored" in estimate.method


def test_zero_of_300_is_bounded_by_the_published_upper_limit():
    assert round(100 * wilson(0, 300).high, 2) == 1.26


@pytest.mark.parametrize(("successes", "n"), [(5, 4), (-1, 4), (1, 0)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ValueError, match="cannot be"):
        wilson(successes, n)


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_statsmodels_and_contains_its_estimate(count, level):
    successes, n = count
    interval = wilson_interval(successes, n, level)
    if n == 0:
        assert isnan(interval.low)
        return
    expected = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert interval == pytest.approx(expected, abs=1e-12)
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


@given(COUNTS)
def test_wilson_mirrors_when_success_and_failure_swap(count):
    successes, n = count
    if n:
        interval, mirrored = wilson_interval(successes, n), wilson_interval(n - successes, n)
        assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@given(COUNTS, st.integers(2, 9))
def test_more_of_the_same_narrows_wilson(count, times):
    successes, n = count
    if n:
        once, often = wilson_interval(successes, n), wilson_interval(successes * times, n * times)
        assert once.low <= often.low + 1e-12
        assert often.high <= once.high + 1e-12


@given(COUNTS)
def test_intervals_of_higher_level_contain_those_of_lower(count):
    successes, n = count
    if n:
        at95, at90 = wilson_interval(successes, n, 0.95), wilson_interval(successes, n, 0.90)
        assert at95.low <= at90.low
        assert at90.high <= at95.high


@given(COUNTS.filter(lambda count: count[1] > 0))
def test_the_binomial_variance_is_never_zero(count):
    successes, n = count
    assert 0 < binomial_variance(successes / n, n) <= 0.25 / n


def test_manski_bounds_of_the_reference():
    bounds = manski(51, 148, 32)
    assert [round(100 * x, 1) for x in bounds] == [28.3, 46.1]


def test_manski_of_nothing_is_nan_and_of_all_missing_is_everything():
    assert isnan(manski(0, 0, 0).low)
    assert manski(0, 0, 5) == Interval(0, 1)


@given(COUNTS, st.integers(0, 50), st.integers(0, 50))
def test_manski_bounds_nest_and_contain_every_completion(count, missing, hidden):
    successes, n = count
    if n + missing == 0:
        return
    bounds = manski(successes, n, missing)
    true_rate = (successes + min(hidden, missing)) / (n + missing)
    assert bounds.low <= true_rate <= bounds.high
    # Had fewer been missing, whatever they were, the bounds lie inside the wider ones.
    known = manski(successes + min(hidden, missing), n + missing, 0)
    assert bounds.low <= known.low <= known.high <= bounds.high


def test_clustered_se_of_the_reference_and_of_ols():
    corrected = clustered_se(CLUSTERED, CLUSTERS)
    assert round(corrected, 6) == 0.216025
    assert round(corrected * sqrt(3 / 4), 6) == 0.187083  # without C/(C-1), C = 4
    naive = float(np.std(CLUSTERED, ddof=1)) / sqrt(10)
    assert round(naive, 6) == 0.166667
    fit = OLS(CLUSTERED, np.ones(10)).fit(
        cov_type="cluster",
        cov_kwds={
            "groups": np.unique(CLUSTERS, return_inverse=True)[1],
            "use_correction": True,
        },
    )
    assert corrected == pytest.approx(float(fit.bse[0]), rel=1e-9)


def test_clustered_interval_uses_t_with_one_less_than_the_clusters():
    estimate = clustered_mean(CLUSTERED, CLUSTERS)
    # mean 0.5, t_3(0.975) = 3.182446; 0.5 + 3.182446 * 0.216025 leaves [0, 1] and is cut off.
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.0, 1.0)
    at80 = clustered_mean(CLUSTERED, CLUSTERS, level=0.8)
    assert at80.high == pytest.approx(0.5 + 1.637744 * 0.216025, abs=1e-5)
    assert at80.method == "clustered t (4 clusters)"


@pytest.mark.parametrize("scores", [[], [1.0, 0.0, 1.0]])
def test_below_two_clusters_there_is_no_interval(scores):
    estimate = clustered_mean(scores, ["one"] * len(scores), missing=2)
    assert isnan(estimate.low)
    assert isnan(estimate.high)
    assert estimate.missing == 2
    assert estimate.method.startswith("clustered t: no")
    assert isnan(estimate.value) == (not scores)


def test_missing_scores_are_counted_and_left_out():
    estimate = clustered_mean([1.0, None, 0.0, float("nan")], ["a", "a", "b", "c"], missing=1)
    assert (estimate.value, estimate.n, estimate.missing) == (0.5, 2, 3)


def test_clusters_that_do_not_vary_are_not_certain():
    estimate = clustered_mean([0.0] * 40, [i // 2 for i in range(40)])
    # 20 clusters, each counted once: Newcombe's 0/20.
    assert (estimate.low, round(estimate.high, 4)) == (0.0, 0.1611)
    assert "do not vary" in estimate.method


def test_a_likert_scale_is_bounded_by_its_own_ends():
    estimate = clustered_mean([7.0] * 20, range(20), scale=(1, 7))
    assert estimate.high == 7.0
    assert estimate.low == pytest.approx(1 + 6 * (1 - 0.1611), abs=1e-3)


def test_a_score_off_its_scale_is_refused():
    with pytest.raises(ValueError, match=r"score 4 is not on the scale 0 to 1: pass scale"):
        clustered_mean([1.0, 4.0], ["a", "b"])


def test_scores_and_clusters_must_match():
    with pytest.raises(ValueError, match="2 scores but 1 clusters"):
        clustered_mean([1.0, 0.0], ["a"])


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=2, max_size=40).filter(
        lambda rows: len({cluster for _, cluster in rows}) > 1
    )
)
def test_a_clustered_interval_contains_its_mean_whatever_the_order(rows):
    estimate = clustered_mean(*zip(*rows, strict=True))
    assert estimate.low <= estimate.value + 1e-12
    assert estimate.value <= estimate.high + 1e-12
    turned = clustered_mean(*zip(*rows[::-1], strict=True))
    assert turned.low == pytest.approx(estimate.low, abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(2, 4))
def test_repeating_items_inside_their_cluster_adds_no_certainty(scores, times):
    once = clustered_se(scores, range(len(scores)))
    repeated = clustered_se(scores * times, list(range(len(scores))) * times)
    assert repeated == pytest.approx(once, rel=1e-6, abs=1e-9)
