"""The four-way verdict and its margins."""

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.stats.differences import newcombe, welch
from suasion.stats.equivalence import inside, verdict
from suasion.stats.intervals import Interval, StudentT, t_interval, t_p_value, t_tost_p

TS = st.builds(StudentT, st.floats(-1, 1), st.floats(0.001, 1), st.floats(1, 50))


def test_sixty_against_fifty_seven_of_600_is_equivalent_at_five_points_only():
    at95, at90 = newcombe(60, 600, 57, 600), newcombe(60, 600, 57, 600, 0.90)
    assert (round(100 * at90.low, 1), round(100 * at90.high, 1)) == (-2.3, 3.3)
    ends = Interval(at95.low, at95.high), Interval(at90.low, at90.high)
    assert verdict(*ends, margin=0.05, p_adjusted=0.77) == "equivalent"
    assert verdict(*ends, margin=0.02, p_adjusted=0.77) == "inconclusive"


@pytest.mark.parametrize(
    ("at95", "at90", "p", "expected"),
    [
        ((0.08, 0.20), (0.09, 0.19), 0.001, "effect"),
        ((0.01, 0.04), (0.015, 0.035), 0.01, "negligible"),
        ((-0.03, 0.03), (-0.02, 0.02), 0.9, "equivalent"),
        ((-0.08, 0.12), (-0.06, 0.10), 0.5, "inconclusive"),
        # Straddling the margin: shown to be there, not shown to be small.
        ((0.02, 0.09), (0.03, 0.08), 0.001, "effect"),
        # Adjustment took significance away.
        ((0.08, 0.20), (0.09, 0.19), 0.06, "inconclusive"),
        ((0.01, 0.04), (0.015, 0.035), 0.06, "equivalent"),
        # p and interval disagree: the stricter decides.
        ((-0.001, 0.20), (0.01, 0.19), 0.04, "inconclusive"),
        # The margin itself is not inside.
        ((-0.06, 0.06), (-0.05, 0.05), 0.9, "inconclusive"),
        # What cannot be computed is neither.
        ((nan, nan), (nan, nan), nan, "inconclusive"),
        ((0.08, 0.20), (0.09, 0.19), nan, "inconclusive"),
    ],
)
def test_the_table(at95, at90, p, expected):
    assert verdict(Interval(*at95), Interval(*at90), 0.05, p) == expected


def test_without_a_margin_no_null_is_claimed():
    close = Interval(-0.001, 0.001)
    assert verdict(close, close, nan, 0.9) == "inconclusive"
    assert verdict(Interval(0.1, 0.2), Interval(0.1, 0.2), nan, 0.001) == "effect"


@pytest.mark.parametrize("margin", [0.0, -0.05])
def test_a_margin_must_be_positive(margin):
    with pytest.raises(ValueError, match="must be positive"):
        inside(Interval(-0.1, 0.1), margin)


@given(TS, st.floats(0.01, 1))
def test_tost_at_5_percent_is_the_90_percent_interval_inside(t, margin):
    at90 = t_interval(t, 0.90)
    gap = min(abs(margin - at90.high), abs(margin + at90.low))
    if gap > 1e-9:  # rounding may decide on the edge
        assert (t_tost_p(t, margin) < 0.05) == inside(at90, margin)


@given(TS)
def test_a_t_interval_excludes_zero_exactly_when_p_is_small(t):
    p, (low, high) = t_p_value(t), t_interval(t)
    if abs(p - 0.05) > 1e-9:
        assert (p < 0.05) == (not low <= 0 <= high)


@given(TS, st.floats(0.01, 0.5), st.floats(0, 0.5))
def test_a_wider_margin_never_undoes_equivalence(t, margin, more):
    at90 = t_interval(t, 0.90)
    assert inside(at90, margin) <= inside(at90, margin + more)


def test_tost_of_seed_means_by_hand():
    t = welch([0.10, 0.12], [0.11, 0.11, 0.11, 0.11], items=None)
    # se = sd(.0141421)/sqrt2 = .01, df = 1; t = (0 + .05)/.01 = 5: upper tail of Cauchy at 5.
    assert t_tost_p(t, 0.05) == pytest.approx(0.0628329, abs=1e-6)


def test_what_has_no_standard_error_has_no_tost():
    assert t_tost_p(StudentT(0.0, nan, nan), 0.05) != t_tost_p(StudentT(0.0, 0.0, 3), 0.05)
    assert str(t_tost_p(StudentT(0.0, 0.0, 3), 0.05)) == "nan"
    assert str(t_tost_p(StudentT(0.0, 0.1, 3), nan)) == "nan"
