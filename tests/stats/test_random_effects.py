import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects as reference

from suasion.stats.random_effects import combine_effects, over_receivers

# Colditz et al., JAMA 1994: BCG vaccine, tuberculosis among vaccinated and others, 13 trials.
BCG = [
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
    (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892),
    (29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
]  # fmt: skip


def test_two_estimates_by_hand():
    # y = 0, 2 with v = 1: (1 + 1) / (1 + tau^2) = 1, so tau = 1; se^2 = 1 / (1/2 + 1/2) = 1
    found = combine_effects([0, 2], [1, 1])
    assert found.tau == pytest.approx(1)
    assert found.mean == pytest.approx((1, 1, 1))
    assert found.weights == pytest.approx((0.5, 0.5))


def test_estimates_that_agree_have_no_spread_and_the_error_of_their_weights():
    # y = 1, 1.1 with v = 1, 4: Q = .01 / 5 < 1, so tau = 0; w = 1, 1/4; m = 1.275 / 1.25
    found = combine_effects([1, 1.1], [1, 4])
    assert found.tau == 0
    assert found.mean == pytest.approx((1.02, math.sqrt(1 / 1.25), 1))


def test_the_published_vaccine_trials():
    # metafor's manual, method PM: tau^2 0.3181, estimate -0.7150
    risks = [(a / (a + b), c / (c + d)) for a, b, c, d in BCG]
    effects = [math.log(treated / control) for treated, control in risks]
    variances = [1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) for a, b, c, d in BCG]
    found = combine_effects(effects, variances)
    assert found.tau**2 == pytest.approx(0.3181, abs=5e-5)
    assert found.mean.value == pytest.approx(-0.7150, abs=5e-5)
    assert found.mean.df == 12


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=2, max_size=6))
def test_it_is_what_statsmodels_gives(pairs):
    effects, variances = np.array(pairs).T
    found = combine_effects(effects, variances)
    with np.errstate(divide="ignore", invalid="ignore"):  # of its own I^2, where estimates agree
        other = reference(effects, variances, method_re="iterated", use_t=True)
    assert found.tau**2 == pytest.approx(other.tau2, abs=1e-4)
    assert found.mean.value == pytest.approx(other.mean_effect_re, abs=1e-3)
    assert found.mean.se >= other.sd_eff_w_re_hksj - 1e-3  # q is at least 1 here
    assert found.mean.df == len(pairs) - 1


def table(values_KI):
    return (
        [v for own in values_KI for v in own],
        [f"receiver-{k}" for k, own in enumerate(values_KI) for _ in own],
        [f"item-{i}" for own in values_KI for i, _ in enumerate(own)],
    )


def test_a_balanced_table_gives_the_variance_of_the_two_way_anova():
    # Two Receivers, three items. Means 1 and 3; item means 1, 2, 3; grand mean 2.
    # MS_receivers = 3 (1 + 1) / 1 = 6; MS_items = 2 (1 + 0 + 1) / 2 = 2;
    # residuals +-(.5, -1, .5): MS_error = 3 / 2; se^2 = (6 + 2 - 1.5) / 6
    pooled = over_receivers(*table([[0.5, 0.0, 2.5], [1.5, 4.0, 3.5]]))
    own, common = 6 / 6, (2 - 1.5) / 6
    se2 = own + common
    df = se2**2 / (own**2 / 1 + common**2 / 2)
    half = math.sqrt(se2) * stats.t(df).ppf(0.975)
    assert pooled.estimate.value == pytest.approx(2)
    assert pooled.estimate.low == pytest.approx(max(-6, 2 - half))
    assert pooled.estimate.high == pytest.approx(min(6, 2 + half))
    # tau^2 = (MS_receivers - MS_error) / 3
    assert pooled.tau == pytest.approx(math.sqrt((6 - 1.5) / 3))
    assert math.isnan(pooled.another.low)


def test_receivers_that_differ_widen_the_interval_and_are_shown():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.3, (4, 40))
    alike = over_receivers(*table((noise + 0.5).tolist()))
    apart = over_receivers(*table((noise + np.array([[0.0], [0.2], [0.5], [1.3]])).tolist()))
    assert apart.tau > 0.4 > 0.1 > alike.tau
    width = apart.estimate.high - apart.estimate.low
    assert width > 4 * (alike.estimate.high - alike.estimate.low)
    assert apart.another.low < apart.estimate.low < apart.estimate.high < apart.another.high
    assert apart.each["receiver-3"].value == pytest.approx(1.3 + noise[3].mean())
    assert apart.estimate.n == 160


def test_the_interval_covers_the_mean_of_the_population_of_receivers():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        true_K1, item_I = rng.normal(1, 0.5, (4, 1)), rng.normal(0, 0.5, 12)
        gains = np.clip(true_K1 + item_I + rng.normal(0, 0.5, (4, 12)), -6, 6)
        pooled = over_receivers(*table(gains.tolist()))
        covered += pooled.estimate.low <= 1 <= pooled.estimate.high
    assert covered >= 182  # 95 % of 200, less 2.7 standard errors


def test_one_receiver_is_no_sample_of_receivers():
    pooled = over_receivers([1.0, 2.0], ["a", "a"], ["x", "y"])
    assert pooled.estimate.value == 1.5
    assert math.isnan(pooled.estimate.low)
    assert "fewer than 2 receivers" in pooled.estimate.method
    nothing = over_receivers([None, None], ["a", "b"], ["x", "x"], missing=1)
    assert math.isnan(nothing.estimate.value)
    assert (nothing.estimate.n, nothing.estimate.missing) == (0, 3)


def test_what_is_missing_is_counted_and_one_item_gives_no_variance():
    values, names = [1.0, None, 2.0, 3.0], ["a", "a", "b", "b"]
    pooled = over_receivers(values, names, ["x", "y", "x", "y"])
    assert (pooled.estimate.n, pooled.estimate.missing) == (3, 1)
    assert "fewer than 2 items" in pooled.estimate.method
    assert math.isnan(pooled.estimate.low)
    assert pooled.estimate.value == pytest.approx(1.75)


def test_where_nothing_varies_there_is_no_interval():
    pooled = over_receivers(*table([[1.0, 1.0], [1.0, 1.0]]))
    assert pooled.estimate.value == 1.0
    assert math.isnan(pooled.estimate.low)
    assert "nothing varies" in pooled.estimate.method
    # Each Receiver is certain of another value: all spread is between them.
    apart = over_receivers(*table([[1.0, 1.0], [3.0, 3.0]]))
    assert apart.tau == pytest.approx(math.sqrt(2))
    assert apart.estimate.value == pytest.approx(2.0)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="its receiver and its item"):
        over_receivers([1.0], ["a"], [])
    with pytest.raises(ValueError, match="not on the scale"):
        over_receivers([9.0], ["a"], ["x"])
    for effects, variances in (([1], [1]), ([1, 2], [1]), ([1, 2], [1, math.nan])):
        with pytest.raises(ValueError, match="finite variance"):
            combine_effects(effects, variances)
