import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from suasion.stats.length import length_controlled


def test_what_length_alone_explains_is_taken_out():
    # gain = 0.5 log2(length), whichever the arm: 8, 16, 32 words against 2, 4, 8, 16
    lengths = [8, 16, 32, 2, 4, 8, 16]
    gains = [0.5 * math.log2(each) for each in lengths]
    arm = [True] * 3 + [False] * 4
    found = length_controlled(gains, lengths, arm, range(7))
    assert found.raw == pytest.approx(2.0 - 1.25)
    assert found.estimate.value == pytest.approx(0, abs=1e-12)
    assert found.slope == pytest.approx(0.5)
    # Both arms have 8 to 16 words: 2 of 3 and 2 of 4 messages.
    assert found.overlap == pytest.approx(0.5)


def test_at_equal_lengths_the_difference_is_the_raw_one():
    # Lengths 2, 8 in both arms; the arm gains 1 and 4, the reference 0 and 2.
    # Slopes per doubling: (3 + 2) / 2 arms / 2 doublings = 1.25; difference 2.5 - 1 = 1.5.
    found = length_controlled([1, 4, 0, 2], [2, 8, 2, 8], [True, True, False, False], "abab")
    assert found.raw == found.estimate.value == pytest.approx(1.5)
    assert found.slope == pytest.approx(1.25)
    # Residuals .25 off the line: item a -.25 (arm), +.25; item b +.25, -.25. Scores of the arm's
    # coefficient: with x = arm - 1/2 and 1 = sum x^2, item a: .5 (-.25) - .5 (.25) = -.25, item b:
    # +.25; variance 2 / 1 * 3 / 1 * .125 = .75
    half = math.sqrt(0.75) * 12.706204736
    assert found.estimate.low == pytest.approx(1.5 - half)
    assert found.estimate.high == pytest.approx(1.5 + half)


@given(st.integers(0, 10_000))
def test_it_is_what_statsmodels_gives(seed):
    rng = np.random.default_rng(seed)
    arm, items = rng.permutation(np.arange(24) % 2 == 0), rng.integers(0, 6, 24)
    lengths = rng.integers(5, 60, 24) + 10 * arm
    gains = 0.4 * arm + 0.3 * np.log2(lengths) + rng.normal(0, 0.5, 24)
    found = length_controlled(gains.tolist(), lengths.tolist(), arm.tolist(), items.tolist())
    x = np.stack([np.ones(24), arm, np.log2(lengths)], axis=1)
    fit = sm.OLS(gains, x).fit(cov_type="cluster", cov_kwds={"groups": items}, use_t=True)
    low, high = fit.conf_int()[1]
    assert found.estimate.value == pytest.approx(fit.params[1])
    assert (found.estimate.low, found.estimate.high) == pytest.approx((low, high))
    assert found.slope == pytest.approx(fit.params[2])


def test_where_lengths_do_not_overlap_there_is_no_number():
    found = length_controlled([2, 3, 0, 1], [20, 30, 5, 9], [True, True, False, False], "abab")
    assert found.raw == pytest.approx(2)
    assert math.isnan(found.estimate.value)
    assert "do not overlap" in found.estimate.method
    assert found.overlap == 0


def test_thin_overlap_is_said():
    lengths = [8, 64, 128, 256, 2, 4, 8, 9]
    found = length_controlled(range(8), lengths, [True] * 4 + [False] * 4, range(8))
    assert found.overlap == pytest.approx(0.25)
    assert "only 25% of an arm overlaps" in found.estimate.method


def test_with_one_length_for_all_nothing_is_adjusted():
    found = length_controlled([1, 2, 0, 0], [5] * 4, [True, True, False, False], "abab")
    assert found.estimate.value == found.raw == pytest.approx(1.5)
    assert math.isnan(found.slope)
    assert found.estimate.low < 1.5 < found.estimate.high


def test_what_is_missing_is_counted():
    found = length_controlled(
        [1, None, 2, 0, 3, 1], [4, 4, 0, 4, None, 8], [True] * 3 + [False] * 3, "abcabc",
        missing=2,
    )  # fmt: skip
    assert (found.estimate.n, found.estimate.missing) == (3, 5)
    assert "too few" in found.estimate.method
    alone = length_controlled([1, 2], [3, 4], [True, True], "ab")
    assert "no scored transcript" in alone.estimate.method
    assert math.isnan(alone.raw)


def test_one_item_gives_no_interval_and_bad_input_is_refused():
    found = length_controlled([1, 4, 0, 2], [2, 8, 2, 8], [True, True, False, False], "aaaa")
    assert found.estimate.value == pytest.approx(1.5)
    assert math.isnan(found.estimate.low)
    with pytest.raises(ValueError, match="its length"):
        length_controlled([1], [], [True], ["a"])
    with pytest.raises(ValueError, match="negative"):
        length_controlled([1], [-2], [True], ["a"])
