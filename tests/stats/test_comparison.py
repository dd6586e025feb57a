"""The three comparisons, their claims, and what happens where the data show no variance."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from suasion.errors import StudyError
from suasion.stats.comparison import (
    compare_checkpoints,
    compare_methods,
    compare_paired,
    compare_with_base,
)

HUNDREDTHS = st.integers(0, 100).map(lambda k: k / 100)
MEANS = st.lists(HUNDREDTHS, min_size=2, max_size=7)
SCORES = st.dictionaries(
    st.sampled_from([f"item-{i}" for i in range(30)]), st.one_of(st.none(), HUNDREDTHS)
)
BINARY = st.dictionaries(
    st.sampled_from([f"item-{i}" for i in range(30)]), st.sampled_from([None, 0.0, 1.0])
)


def by_item(scores):
    return {f"item-{i:03}": score for i, score in enumerate(scores)}


def turned(forth, back):
    """Whether swapping the arms only turned the sign."""
    mirrored = (-back.difference, -back.high, -back.low, -back.high90, -back.low90, back.p)
    ends = (forth.difference, forth.low, forth.high, forth.low90, forth.high90, forth.p)
    return ends == pytest.approx(mirrored, abs=1e-9, nan_ok=True)


def well_formed(comparison):
    """Either everything is known and nested, or interval and p are missing with a reason."""
    ends = (comparison.low, comparison.low90, comparison.high90, comparison.high)
    if isnan(comparison.p):
        return all(isnan(end) for end in ends) and ":" in comparison.method
    lo, lo90, hi90, hi = ends
    return (
        lo <= lo90 + 1e-12
        and lo90 <= comparison.difference + 1e-12
        and comparison.difference <= hi90 + 1e-12
        and hi90 <= hi + 1e-12
        and 0 <= comparison.p <= 1
    )


def test_four_seeds_an_arm_speak_of_the_method():
    a, b = [0.30, 0.36, 0.33, 0.29], [0.05, 0.04, 0.08, 0.05]
    comparison = compare_methods(a, b, margin=0.05)
    assert comparison.claim == "method"
    assert (comparison.n_a, comparison.n_b, comparison.method) == (4, 4, "welch t")
    assert comparison.p == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    assert comparison.outcome() == "effect"
    assert comparison.outcome(p_adjusted=0.2) == "inconclusive"


@pytest.mark.parametrize(("seeds_a", "seeds_b"), [(2, 2), (3, 8), (8, 3)])
def test_fewer_than_four_seeds_speak_of_these_checkpoints(seeds_a, seeds_b):
    comparison = compare_methods(
        np.linspace(0.3, 0.4, seeds_a).tolist(), np.linspace(0.1, 0.2, seeds_b).tolist(), 0.05
    )
    assert comparison.claim == "checkpoint"
    assert not isnan(comparison.p)


@pytest.mark.parametrize(("a", "b"), [([0.9], [0.1]), ([0.9], [0.1, 0.1, 0.2, 0.1])])
def test_one_seed_never_gets_a_p_value_for_training(a, b):
    comparison = compare_methods(a, b, margin=0.05, items=600)
    assert comparison.difference == pytest.approx(np.mean(a) - np.mean(b))
    assert isnan(comparison.p)
    assert isnan(comparison.low)
    assert comparison.claim == "checkpoint"
    assert "at least 2 seeds an arm, not 1" in comparison.method
    assert comparison.outcome() == "inconclusive"


def test_no_seeds_no_difference():
    comparison = compare_methods([], [0.1, 0.2], margin=0.05)
    assert isnan(comparison.difference)
    assert "not 0" in comparison.method


def test_a_seed_without_a_mean_is_missing_and_counted():
    comparison = compare_methods([0.3, nan, 0.4, 0.35, 0.32], [0.1, 0.2, 0.15, 0.12], 0.05)
    assert (comparison.n_a, comparison.n_b, comparison.missing) == (4, 4, 1)
    assert comparison.claim == "method"


def test_all_against_none_on_every_seed_is_an_effect_and_not_infinite():
    comparison = compare_methods([1.0] * 4, [0.0] * 4, margin=0.05, items=20)
    assert 0 < comparison.p < 1e-4
    assert 0.9 < comparison.low < 1.0
    assert comparison.high == 1.0  # no rate differs by more
    assert comparison.outcome() == "effect"


def test_none_against_none_needs_enough_items_to_be_equivalent():
    few = compare_methods([0.0] * 4, [0.0] * 4, margin=0.05, items=5)
    many = compare_methods([0.0] * 4, [0.0] * 4, margin=0.05, items=50)
    assert few.p == many.p == 1
    assert (few.outcome(), many.outcome()) == ("inconclusive", "equivalent")
    assert few.low < many.low < 0 < many.high < few.high


def test_agreeing_seeds_without_an_item_count_are_named_and_not_guessed():
    comparison = compare_methods([1.0] * 4, [0.0] * 4, margin=0.05)
    assert comparison.difference == 1.0
    assert isnan(comparison.p)
    assert "seeds agree exactly" in comparison.method
    assert comparison.outcome() == "inconclusive"


def test_rounding_error_is_not_variance():
    comparison = compare_methods([0.1 + 0.2, 0.3], [0.3, 0.3], margin=0.05)
    assert isnan(comparison.p)


def test_a_likert_scale_scales_the_floor():
    rate = compare_methods([0.0] * 4, [0.0] * 4, 0.05, items=30)
    likert = compare_methods([1.0] * 4, [1.0] * 4, 0.3, items=30, scale=(1, 7))
    assert likert.high == pytest.approx(6 * rate.high)


def test_a_mean_off_the_scale_is_refused():
    with pytest.raises(ValueError, match="not on the scale"):
        compare_methods([35.0, 40.0], [10.0, 20.0], margin=5)


@given(MEANS, MEANS, st.sampled_from([None, 1, 40]))
def test_methods_turn_with_the_arms(a, b, items):
    forth, back = compare_methods(a, b, 0.05, items=items), compare_methods(b, a, 0.05, items=items)
    assert turned(forth, back)
    assert well_formed(forth)
    assert forth.outcome() == back.outcome()


def test_against_the_base_the_base_is_uncertain_too():
    means = [0.30, 0.36, 0.33, 0.29]
    loose = compare_with_base(means, 0.05, margin=0.05, items=40)
    tight = compare_with_base(means, 0.05, margin=0.05, items=4000)
    assert loose.difference == tight.difference == pytest.approx(0.27)
    assert loose.low < tight.low < tight.high < loose.high
    assert (loose.claim, loose.n_a, loose.n_b) == ("method", 4, 1)


def test_against_the_base_one_seed_is_refused_and_so_is_no_base():
    assert "at least 2 seeds" in compare_with_base([0.3], 0.1, 0.05, items=40).method
    without = compare_with_base([0.3, 0.4], nan, 0.05, items=40)
    assert "base has no score" in without.method
    assert (without.missing, without.n_b) == (1, 0)
    with pytest.raises(ValueError, match="0 items"):
        compare_with_base([0.3, 0.4], 0.1, 0.05, items=0)


@given(MEANS, HUNDREDTHS, st.integers(1, 500))
def test_comparisons_with_the_base_are_well_formed(means, base, items):
    comparison = compare_with_base(means, base, 0.05, items=items)
    assert well_formed(comparison)
    assert not isnan(comparison.p)


def test_paired_rates_are_newcombes_and_mcnemars():
    # 36 both, 12 only the first, 2 only the second, 0 neither.
    a = by_item([1.0] * 36 + [1.0] * 12 + [0.0] * 2)
    b = by_item([1.0] * 36 + [0.0] * 12 + [1.0] * 2)
    comparison = compare_paired(a, b, margin=0.05)
    assert (round(comparison.low, 4), round(comparison.high, 4)) == (0.0569, 0.3404)
    # Exact: 2 * P(Bin(14, 1/2) <= 2) = 2 * (1 + 14 + 91) / 16384.
    assert comparison.p == pytest.approx(212 / 16384)
    assert (comparison.n_a, comparison.n_b, comparison.claim) == (50, 50, "condition")


def test_items_without_a_partner_are_missing_and_counted():
    a = {"x": 1.0, "y": 0.0, "z": None, "only-a": 1.0}
    b = {"x": 0.0, "y": 0.0, "z": 1.0, "only-b": nan}
    comparison = compare_paired(a, b, margin=0.05)
    assert (comparison.n_a, comparison.missing, comparison.difference) == (2, 3, 0.5)


def test_nothing_in_common_is_no_difference():
    comparison = compare_paired({"x": 1.0}, {"y": 1.0}, margin=0.05)
    assert isnan(comparison.difference)
    assert (comparison.n_a, comparison.missing) == (0, 2)
    assert "no item is scored in both arms" in comparison.method


def test_paired_means_of_the_reference():
    a, b = by_item([1.0, 0.5, 1.0, 0.0]), by_item([0.5, 0.0, 0.5, 0.0])
    comparison = compare_paired(a, b, margin=0.05)
    # 0.375 +- t_3(0.975) 0.125, with t = 3.182446.
    assert comparison.low == pytest.approx(0.375 - 3.182446 * 0.125, abs=1e-6)
    assert comparison.method == "paired t (4 items)"


def test_clusters_widen_a_paired_interval():
    a = by_item([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    b = by_item([0.0] * 8)
    pairs_of_items = {item: i // 2 for i, item in enumerate(a)}
    alone, clustered = compare_paired(a, b, 0.05), compare_paired(a, b, 0.05, pairs_of_items)
    assert clustered.high - clustered.low > alone.high - alone.low
    assert clustered.method == "paired t (4 clusters)"


def test_clusters_of_one_item_change_nothing():
    a, b = by_item([1.0, 1.0, 0.0, 0.0]), by_item([1.0, 0.0, 0.0, 0.0])
    assert compare_paired(a, b, 0.05, {item: item for item in a}) == compare_paired(a, b, 0.05)


def test_one_cluster_has_no_interval():
    a, b = by_item([1.0, 0.0]), by_item([0.0, 0.0])
    comparison = compare_paired(a, b, 0.05, dict.fromkeys(a, "one"))
    assert isnan(comparison.p)
    assert comparison.method == "paired t: no interval below 2 clusters"


def test_a_scored_item_needs_its_cluster():
    with pytest.raises(StudyError, match="'item-001' has no cluster"):
        compare_paired(by_item([1.0, 0.0]), by_item([0.0, 0.0]), 0.05, {"item-000": "one"})


def test_no_attempts_in_either_arm_is_a_width():
    silent = by_item([0.0] * 100)
    comparison = compare_paired(silent, silent, margin=0.05)
    assert (round(comparison.low, 4), round(comparison.high, 4)) == (-0.037, 0.037)
    assert comparison.outcome() == "equivalent"
    assert compare_paired(silent, silent, margin=0.02).outcome() == "inconclusive"


def test_items_that_all_differ_alike_are_not_certain():
    halves, none = by_item([0.5] * 6), by_item([0.0] * 6)
    comparison = compare_paired(halves, none, margin=0.05)
    assert comparison.p == 2 / 2**6  # of 64 ways to flip signs, two are this far out
    assert comparison.low < 0.5 < comparison.high
    assert "differ alike" in comparison.method
    same = compare_paired(halves, halves, margin=0.05)
    assert (same.p, same.outcome()) == (1.0, "inconclusive")


def test_likert_items_that_all_differ_alike_use_their_scale():
    a, b = by_item([7.0] * 40), by_item([1.0] * 40)
    comparison = compare_paired(a, b, margin=0.5, scale=(1, 7))
    assert (comparison.difference, comparison.high) == (6.0, 6.0)
    assert 5 < comparison.low < 6
    assert comparison.outcome() == "effect"


@given(SCORES, SCORES)
def test_paired_scores_turn_with_the_arms_and_are_well_formed(a, b):
    forth, back = compare_paired(a, b, 0.05), compare_paired(b, a, 0.05)
    assert turned(forth, back)
    assert well_formed(forth)
    assert forth.n_a + forth.missing == len(a.keys() | b.keys())


@given(BINARY, BINARY, st.booleans())
def test_paired_rates_turn_with_the_arms_and_are_well_formed(a, b, in_clusters):
    clusters = {f"item-{i}": i // 3 for i in range(30)} if in_clusters else None
    forth, back = compare_paired(a, b, 0.05, clusters), compare_paired(b, a, 0.05, clusters)
    assert turned(forth, back)
    assert well_formed(forth)


def test_checkpoints_on_different_items():
    comparison = compare_checkpoints(4, 100, 0, 100, margin=0.05, missing=3)
    assert (round(100 * comparison.low, 1), round(100 * comparison.high, 1)) == (-0.4, 9.8)
    assert round(comparison.p, 2) == 0.12
    assert (comparison.claim, comparison.missing) == ("checkpoint", 3)


@pytest.mark.parametrize("counts", [(5, 56, 0, 29), (0, 100, 0, 100), (100, 100, 100, 100)])
def test_empty_cells_never_crash(counts):
    comparison = compare_checkpoints(*counts, margin=0.05)
    assert well_formed(comparison)
    assert not isnan(comparison.p)


def test_a_checkpoint_without_scores_has_no_difference():
    comparison = compare_checkpoints(0, 0, 3, 10, margin=0.05, missing=10)
    assert isnan(comparison.difference)
    assert well_formed(comparison)


def test_low90_and_high90_are_of_the_90_percent_interval():
    independent = compare_checkpoints(60, 600, 57, 600, margin=0.05)
    assert [round(100 * x, 1) for x in (independent.low90, independent.high90)] == [-2.3, 3.3]
    silent = compare_paired(by_item([0.0] * 100), by_item([0.0] * 100), 0.05)
    # Wilson's upper end of 0/100 at 90 %: z2 / (n + z2) with z2 = 1.644854 squared.
    assert silent.high90 == pytest.approx(2.705543 / 102.705543, abs=1e-7)
    paired = compare_paired(by_item([1.0, 0.5, 1.0, 0.0]), by_item([0.5, 0.0, 0.5, 0.0]), 0.05)
    # t_3(0.95) = 2.353363
    assert paired.low90 == pytest.approx(0.375 - 2.353363 * 0.125, abs=1e-6)


COUNTS = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, COUNTS)
def test_checkpoints_turn_with_the_arms_and_are_well_formed(a, b):
    forth, back = compare_checkpoints(*a, *b, 0.05), compare_checkpoints(*b, *a, 0.05)
    assert turned(forth, back)
    assert well_formed(forth)


def seed_rates(rng, base_rate, seed_sd_logit, seeds):
    logit = np.log(base_rate / (1 - base_rate)) + seed_sd_logit * rng.standard_normal(seeds)
    return 1 / (1 + np.exp(-logit))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_seeds_as_the_unit_keep_the_level_where_pooled_items_do_not(seeds):
    """Seed SD 0.25 logit, 600 items, no effect: the pooled test rejects 44 %, ours 5 %."""
    rng = np.random.default_rng(20)
    by_seeds = by_items = 0
    for _ in range(2000):
        a, b = (rng.binomial(600, seed_rates(rng, 0.3, 0.25, seeds)) for _ in range(2))
        by_seeds += compare_methods((a / 600).tolist(), (b / 600).tolist(), 0.05).p < 0.05
        total = 600 * seeds
        by_items += compare_checkpoints(int(a.sum()), total, int(b.sum()), total, 0.05).p < 0.05
    assert by_seeds / 2000 < 0.065
    assert by_items / 2000 > 0.35


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.001, 0.005, 0.02])
def test_rare_behaviour_is_covered_even_where_seeds_agree(rate):
    """The binomial stand-in keeps intervals honest where most arms see nothing at all."""
    rng = np.random.default_rng(21)
    covered = false_alarms = 0
    for _ in range(2000):
        a, b = (rng.binomial(50, seed_rates(rng, rate, 0.25, 4)) / 50 for _ in range(2))
        comparison = compare_methods(a.tolist(), b.tolist(), 0.05, items=50)
        covered += comparison.low <= 0 <= comparison.high
        false_alarms += comparison.p < 0.05
    assert covered / 2000 >= 0.94
    assert false_alarms / 2000 <= 0.06
