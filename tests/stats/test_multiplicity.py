"""Adjusted p-values against the published examples and statsmodels."""

from math import isnan, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from suasion.stats.multiplicity import benjamini_hochberg, holm

BH_1995 = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_the_reference_family():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_the_fifteen_p_values_of_benjamini_and_hochberg():
    assert sum(p <= 0.05 for p in benjamini_hochberg(BH_1995)) == 4
    assert sum(p * 15 <= 0.05 for p in BH_1995) == 3
    assert sum(p <= 0.05 for p in holm(BH_1995)) == 3


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_a_test_that_failed_stays_nan_and_stays_in_the_family(adjust):
    adjusted = adjust([0.01, nan, 0.04])
    assert isnan(adjusted[1])
    assert adjusted[0] == pytest.approx(0.03)
    # As if it had come out at 1.
    assert [adjusted[0], adjusted[2]] == [adjust([0.01, 1.0, 0.04])[i] for i in (0, 2)]


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_empty_and_single_families(adjust):
    assert adjust([]) == []
    assert adjust([0.03]) == [0.03]


@pytest.mark.parametrize("p", [-0.1, 1.5])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, p])


@settings(max_examples=30, deadline=None)
@given(P_VALUES)
def test_both_agree_with_statsmodels(p_values):
    for adjust, name in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        expected = multipletests(p_values, method=name)[1]
        assert adjust(p_values) == pytest.approx(list(expected), abs=1e-12)


@given(P_VALUES)
def test_raw_is_at_most_bh_is_at_most_holm(p_values):
    for raw, bh, strict in zip(p_values, benjamini_hochberg(p_values), holm(p_values), strict=True):
        assert raw <= bh * (1 + 1e-12)
        assert bh <= strict * (1 + 1e-12)
        assert strict <= 1


@given(P_VALUES, st.randoms(use_true_random=False))
def test_adjustment_does_not_depend_on_the_order(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    for adjust in (holm, benjamini_hochberg):
        adjusted, shuffled = adjust(p_values), adjust([p_values[i] for i in order])
        assert shuffled == [adjusted[i] for i in order]
