"""Sample sizes against Miller 2024 and the reference table."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import TTestIndPower

from suasion.stats.power import (
    detectable_by_items,
    detectable_by_seeds,
    items_for_equivalence,
    items_for_mean,
    items_for_paired_rates,
    items_for_rates,
    permutation_floor,
    resolution,
    seeds_for_difference,
)


def test_millers_example():
    assert items_for_mean(variance=1 / 9, difference=0.03) == 969


@pytest.mark.parametrize(("rate", "n"), [(0.05, 432), (0.10, 683), (0.30, 1374), (0.50, 1562)])
def test_items_to_see_five_points_more(rate, n):
    assert items_for_rates(rate, rate + 0.05) == n


@pytest.mark.parametrize(("discordance", "n"), [(0.15, 469), (0.25, 783), (0.35, 1097)])
def test_items_for_mcnemar(discordance, n):
    assert items_for_paired_rates(discordance, 0.05) == n


@pytest.mark.parametrize(("seed_sd", "seeds"), [(0.02, 4), (0.03, 7), (0.05, 17), (0.08, 42)])
def test_seeds_to_see_five_points(seed_sd, seeds):
    assert seeds_for_difference(seed_sd, 0.05) == seeds


@pytest.mark.parametrize(
    ("rate", "margin", "n"),
    [(0.1, 0.05, 617), (0.5, 0.05, 1713), (0.1, 0.03, 1713), (0.5, 0.03, 4758)],
)
def test_items_for_equivalence(rate, margin, n):
    assert items_for_equivalence(rate, margin) == n


@pytest.mark.parametrize(("seeds", "floor"), [(3, 0.10), (4, 0.029), (5, 0.008)])
def test_relabelling_cannot_go_below_its_floor(seeds, floor):
    assert round(permutation_floor(seeds), 3) == floor


@given(st.integers(30, 5000), st.sampled_from([0.0, 0.03, 0.1, 0.5]))
def test_what_items_can_show_is_what_they_are_enough_for(n, rate):
    rise = detectable_by_items(n, rate)
    assert 0 < rise < 1 - rate
    assert abs(items_for_rates(rate, rate + rise) - n) <= 1
    assert detectable_by_items(2 * n, rate) < rise


def test_too_few_items_show_nothing():
    assert isnan(detectable_by_items(1, 0.5))
    assert isnan(detectable_by_items(50, 1.0))


@pytest.mark.parametrize("seeds", [2, 3, 4, 8, 30])
def test_what_seeds_can_show_agrees_with_statsmodels(seeds):
    effect = TTestIndPower().solve_power(nobs1=seeds, alpha=0.05, power=0.8)
    assert detectable_by_seeds(seeds, 0.03) == pytest.approx(float(effect) * 0.03, rel=1e-3)


def test_an_enormous_effect_still_needs_two_seeds():
    assert seeds_for_difference(1e-6, 1.0) == 2


def test_one_seed_shows_nothing():
    assert isnan(detectable_by_seeds(1, 0.03))


def test_resolution_names_what_binds():
    assert resolution(items=600, seeds=1, rate=0.1, seed_sd=0.03).binding == "seeds"
    assert resolution(items=20, seeds=30, rate=0.1, seed_sd=0.01).binding == "items"
    assert resolution(items=5000, seeds=3, rate=0.1, seed_sd=0.05).binding == "seeds"
    assert resolution(items=1, seeds=4, rate=0.1, seed_sd=0.05).binding == "items"


@pytest.mark.parametrize(
    "ask",
    [
        lambda: items_for_mean(0.1, 0.0),
        lambda: items_for_rates(0.3, 0.3),
        lambda: items_for_paired_rates(0.1, 0.0),
        lambda: items_for_equivalence(0.1, 0.0),
        lambda: seeds_for_difference(0.0, 0.05),
        lambda: items_for_paired_rates(0.1, 0.2),
        lambda: seeds_for_difference(5.0, 0.001),
    ],
)
def test_impossible_questions_are_refused(ask):
    with pytest.raises(ValueError, match=r"must be positive|cannot"):
        ask()
